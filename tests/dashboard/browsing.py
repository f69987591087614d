"""`warehouse dashboard` in a process of its own, and what somebody does on its pages in a browser."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.live import ROOT, free_port
from warehouse import connect

START_SECONDS = 120.0
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def serving(shop: Path) -> Iterator[str]:
    """`warehouse dashboard` over that home, until it is not needed any more."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "--home", str(shop), "dashboard", "--port", str(port)],
        env={**inherited, "PYTHONPATH": str(ROOT)},
        cwd=shop.parent,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                    assert answer.status == 200
                break
            except (URLError, ConnectionError):
                assert process.poll() is None, "the dashboard ended"
                assert time.monotonic() < deadline, "the dashboard did not start"
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@contextmanager
def browsing(browser: Browser, address: str) -> Iterator[Page]:
    """A page that must ask no other machine for anything, and have no error on its console."""
    opened = browser.new_page(viewport={"width": 1400, "height": 1000})
    opened.set_default_timeout(PATIENCE_MS)
    urls: list[str] = []
    wrong: list[str] = []
    opened.on("request", lambda request: urls.append(request.url))
    opened.on("console", lambda message: wrong.append(message.text) if _is_error(message) else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(address)
    expect(opened.get_by_text("All figures are of one moment")).to_be_visible()
    yield opened
    hosts = {urlsplit(url).netloc for url in urls if not url.startswith(("data:", "blob:"))}
    opened.close()
    assert hosts == {urlsplit(address).netloc}, "the page asked another machine for something"
    assert not wrong, wrong


def _is_error(message: ConsoleMessage) -> bool:
    """Streamlit looks for its own addresses below that of a page first, and then where they are."""
    return message.type == "error" and "/_stcore/" not in message.location["url"]


def turn_to(page: Page, name: str) -> None:
    """Choose a page of the menu, and wait until all of it is there."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page is drawn anew: its last line is there, and nothing runs any more."""
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    expect(page.get_by_text("All figures are of one moment")).to_be_visible()


def figure(page: Page, name: str) -> Locator:
    """The value under a name, on the tab that is open."""
    metric = page.get_by_test_id("stMetric").filter(has=page.get_by_text(name, exact=True))
    return metric.get_by_test_id("stMetricValue")


def asked(shop: Path, query: str) -> tuple[Any, ...]:
    with connect(shop) as con:
        (row,) = con.execute(query).fetchall()
    return tuple(row)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a list at the side, by typing it as a person would."""
    box = page.get_by_role("combobox", name=label)
    box.click()
    box.fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")
