"""The status page in a real browser, without a script: what it says, of which workers, to whom, and how it looks."""

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from receiver.answers import REFUSALS
from receiver.status.history import Hour, Minute, add_up, read_hours
from receiver.status.notices import REFUSED
from receiver.status.svg_charts import bars, lines
from tests.live import Receiver, Response, envelope, running
from tests.receiver.browser import chromium
from warehouse.notes.log_counts import read_figures
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.sources import Sources

WATCHER = "the-key-of-a-watcher"
ENVIRON = {"WAREHOUSE_STATUS_KEYS": WATCHER}
# A name and a problem that a page must not take for its own text.
NASTY = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Two workers, some deliveries, two of them no events, one repeated, all refreshed; then one more of each kind."""
    home = tmp_path_factory.mktemp("status") / "home"
    with running(home, ENVIRON, workers=2) as running_receiver:
        for body in (*map(envelope, range(20)), envelope(0), b"{", _named(NASTY)):
            assert running_receiver.post(body).status == 200
        refresh(Settings(home=home, memory=10**9))
        assert running_receiver.post(envelope(20)).status == 200
        assert running_receiver.post(b"\xff").status == 200
        assert running_receiver.post(b"{}", {"X-API-Key": "wrong"}).status == 403
        yield running_receiver


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def _named(name: str) -> bytes:
    return json.dumps(
        {"tenant": "t", "name": name, "published_at": "2026-01-01T00:00:00Z", "payload": {"id": "x"}}
    ).encode()


def _get(receiver: Receiver, path: str = "/", key: str = WATCHER) -> Response:
    credentials = base64.b64encode(f"anybody:{key}".encode()).decode()
    return receiver.request("GET", path, headers={"Authorization": f"Basic {credentials}"})


def _text_when(receiver: Receiver, expected: str) -> str:
    """The page's text once it says so: another worker's last seconds come a little later."""
    deadline = time.monotonic() + 30
    while True:
        text = re.sub(r"<[^>]+>", " ", _get(receiver).body.decode())
        if expected in text or time.monotonic() > deadline:
            assert expected in text
            return text
        time.sleep(0.2)


@pytest.mark.parametrize("path", ["/", "/problems"])
def test_it_is_for_those_with_a_key(receiver: Receiver, path: str) -> None:
    for headers in ({}, {"Authorization": "Basic !"}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}):
        answer = receiver.request("GET", path, headers=headers)
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert b"order.created" not in answer.body
    assert _get(receiver, path, "wrong").status == 401
    for key in (WATCHER, "test-key"):
        assert _get(receiver, path, key).status == 200
        assert receiver.request("GET", path, headers={"Authorization": f"Bearer {key}"}).status == 200
        assert receiver.request("GET", path, headers={"X-API-Key": key}).status == 200
    assert receiver.post(b"{}", {"X-API-Key": WATCHER}).status == 403


def test_it_tells_of_all_workers(receiver: Receiver) -> None:
    text = _text_when(receiver, "25 deliveries stored and answered 200 in the last hour")
    assert "NewStore is getting 200s" in text
    assert "from 2 workers" in text
    assert re.search(r"order\.created\s+22\b", text)
    for kind in ("not_json", "not_utf8", "unknown_name"):
        assert re.search(rf"{kind}.*?\s1\b", text, re.DOTALL)
    assert re.search(r"Duplicates\s+1\s+of 23 in a day", text)
    assert re.search(r"Not yet sealed\s+\d+ B\s+in 2 journals", text)
    assert re.search(r"Last refresh\s+(just now|[\d.]+ (s|min) ago)", text)


def test_metrics_tell_the_same(receiver: Receiver) -> None:
    metrics = receiver.metrics()
    assert metrics["newstore_log_deliveries"] == 23
    assert metrics["newstore_log_duplicates"] == 1
    assert metrics["newstore_log_quarantined"] == 2
    assert metrics["newstore_refresh_timestamp_seconds"] == pytest.approx(time.time(), abs=300)
    assert metrics["newstore_disk_free_bytes"] > 0
    assert 0 < metrics["newstore_journal_unsealed_bytes"] < metrics["newstore_journal_bytes"]
    # Published in January and received now.
    assert metrics["newstore_late_deliveries_total"] == 23
    assert metrics["newstore_group_lag_seconds_count"] == metrics["newstore_late_deliveries_total"]


def test_problems_lead_to_what_happened_without_showing_it(receiver: Receiver, browser: Browser) -> None:
    page = _open(browser, receiver)
    page.get_by_role("link", name="not_json").click()
    assert page.url.endswith("/problems#not_json")
    section = page.locator("#not_json")
    figures = read_figures(Settings(home=receiver.home))
    assert figures is not None
    (delivery,) = [one for one in figures.quarantined if one.problem == "not_json"]
    assert f"{delivery.journal[-8:]}:{delivery.position}" in section.inner_text()
    # What a stranger called an event is text, and nothing but text.
    assert NASTY in page.locator("#unknown_name").inner_text()
    assert page.locator("script").count() == 0
    page.context.close()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_on_any_screen_without_a_script_or_anything_from_elsewhere(
    receiver: Receiver, browser: Browser, width: int, scheme: str
) -> None:
    asked: list[str] = []
    page = _open(browser, receiver, width, scheme, asked)
    assert page.get_by_role("heading", level=1).inner_text().startswith("NewStore is getting 200s")
    assert page.get_by_role("img").count() == 2
    assert [url for url in asked if not url.startswith(f"http://127.0.0.1:{receiver.port}/")] == []
    # Nothing to scroll sideways.
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink, paper = _colours(page)
    assert (ink < paper) == (scheme == "light")
    assert abs(ink - paper) > 120
    page.context.close()


def test_it_shows_when_something_is_wrong(tmp_path: Path) -> None:
    with running(tmp_path / "home", {**ENVIRON, "WAREHOUSE_MAX_BODY": "1KiB"}) as receiver:
        text = _text_when(receiver, "Waiting for the first delivery")
        assert "Nothing has arrived yet" in text
        receiver.post(b"{}", {"X-API-Key": "wrong"})
        text = _text_when(receiver, "1 request refused for a missing or wrong key")
        assert "NewStore is not getting 200s" in text
        assert receiver.post(envelope(1)).status == 200
        assert receiver.post(b"x" * 2000).status == 413
        text = _text_when(receiver, "1 request too large to be taken")
        assert "NewStore is getting 200s, but something is wrong" in text
        assert 'class="wrong"' in _get(receiver).body.decode()
        assert "raise WAREHOUSE_MAX_BODY" in text
        assert "No refresh yet" in text


def test_the_hour_outlives_the_receiver(tmp_path: Path) -> None:
    for number in range(2):
        with running(tmp_path / "home", ENVIRON, workers=1) as receiver:
            receiver.post(envelope(number))
            receiver.stop()
    with running(tmp_path / "home", ENVIRON, workers=1) as receiver:
        _text_when(receiver, "2 deliveries stored and answered 200 in the last hour")
        # From another version, or torn by a power cut: it does not hinder.
        (receiver.home / "status" / "torn.hour").write_bytes(b"{")
        _text_when(receiver, "2 deliveries stored")


def test_minutes_of_several_workers_are_added_up_and_those_of_none_are_gaps() -> None:
    now = 6_000_000.0
    hours = [
        Hour(1, now, [Minute(5_999_940, {"200": 3}, {"a": 3}, lag_max=1.0, lags=[1.0]), Minute(6_000_000, {"200": 1})]),
        Hour(2, now, [Minute(5_999_940, {"200": 2, "500": 1}, {"a": 1, "b": 1}, {"not_json": 1}, lag_max=2.0)]),
        Hour(3, 0.0, [Minute(5_990_000, {"200": 7})]),
    ]
    minutes = add_up(hours, now)
    assert len(minutes) == 60
    assert minutes[:-2] == [None] * 58
    assert minutes[-2] == Minute(
        5_999_940, {"200": 5, "500": 1}, {"a": 4, "b": 1}, {"not_json": 1}, lag_max=2.0, lags=[1.0]
    )
    assert minutes[-1] == Minute(6_000_000, {"200": 1})


def test_hours_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    hour = Hour(1, 2.0, [Minute(60, {"200": 3}, {"a": 3}, {}, 5, 1, 0.5, 1.0, [1.0])])
    (tmp_path / "one.hour").write_bytes(msgspec.json.encode(hour))
    assert read_hours(tmp_path, Sources()) == [hour]


def test_charts_are_drawings_whatever_the_figures() -> None:
    for values in ([None] * 60, [0] * 60, [1e9] * 60, [None, 1, None, 2, 3], [1e-9, 1e9], []):
        bar = ElementTree.fromstring(bars("T & <t>", "u", [("taken", values), ("refused", values)]))
        line = ElementTree.fromstring(lines("T", "u", [("typical", values)], 10.0))
        for drawing in (bar, line):
            for shape in drawing.iter("rect"):
                assert 0 <= float(shape.attrib["y"]) <= 170
                assert float(shape.attrib["y"]) + float(shape.attrib["height"]) <= 170


def _open(
    browser: Browser, receiver: Receiver, width: int = 1280, scheme: str = "light", asked: list[str] | None = None
) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=False,
        http_credentials={"username": "anybody", "password": WATCHER},
    )
    page = context.new_page()
    if asked is not None:
        page.on("request", lambda request: asked.append(request.url))
    page.goto(f"http://127.0.0.1:{receiver.port}/")
    return page


def _colours(page: Page) -> tuple[int, int]:
    """The brightness, 0 to 255, of the headline's letters and of what they stand on."""
    image = Image.open(io.BytesIO(page.get_by_role("heading", level=1).screenshot())).convert("L")
    shades = image.tobytes()
    paper = shades[-1]
    return max(shades, key=lambda shade: abs(shade - paper)), paper


def test_the_page_speaks_of_every_answer_that_refuses_a_delivery() -> None:
    assert {answer.counted_as for answer in REFUSALS} <= REFUSED.keys()
