"""What could not be understood is listed and shown with its bytes, and becomes an event once when it can be."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import envelope
from warehouse.cli.style import printable
from warehouse.delivery.delivery import Delivery, Problem
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def deliver(settings: Settings, deliveries: Sequence[Delivery]) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append(deliveries)


def received(*bodies: bytes) -> list[Delivery]:
    return [decode(body, time.time_ns() // 1000) for body in bodies]


def not_known_then(body: bytes) -> Delivery:
    """A delivery as a version of this product kept it whose contract did not know the event."""
    now = decode(body, time.time_ns() // 1000)
    assert now.problem is None
    return Delivery(now.received_at, now.tenant, now.name, None, now.published_at, Problem.UNKNOWN_NAME, body)


def events_in_log(settings: Settings) -> list[tuple[str, str]]:
    with open_lake(settings, read_only=True) as con:
        return con.execute(
            "select idempotency_key, body from lake.log.events where problem is null order by all"
        ).fetchall()


def test_an_empty_quarantine(run: Run, settings: Settings) -> None:
    open_lake(settings).close()
    assert run("quarantine", "list").stdout == "The quarantine is empty.\n"
    assert "Nothing to append." in run("quarantine", "retry", "--apply").stdout


def test_list_and_show(run: Run, settings: Settings) -> None:
    broken = b'{"tenant": "test", \xff\x1b[31m'
    deliver(settings, received(envelope(1), b"no json", broken, b"[1]"))
    seal(settings)
    listed = json.loads(run("quarantine", "list", "--json").stdout)
    assert listed["problems"] == {"not_an_envelope": 1, "not_json": 1, "not_utf8": 1}
    assert [one["position"] for one in listed["deliveries"]] == [3, 2, 1]
    assert all(one["problem_today"] == one["problem"] and not one["resolved"] for one in listed["deliveries"])
    assert json.loads(run("quarantine", "list", "--json", "--limit", "1").stdout)["deliveries"] == [
        listed["deliveries"][0]
    ]
    chosen = json.loads(run("quarantine", "list", "--json", "--problem", "not_json").stdout)
    assert [one["position"] for one in chosen["deliveries"]] == [1]

    second = listed["deliveries"][1]
    body = broken.decode("utf-8", "backslashreplace")
    for name in (second["id"], f"{second['journal']}:2"):
        assert json.loads(run("quarantine", "show", name, "--json").stdout) == {"delivery": second, "body": body}
    told = run("quarantine", "show", second["id"]).stdout
    assert printable(body) in told
    assert "\x1b" not in told


def test_show_what_is_not_there(run: Run, settings: Settings) -> None:
    deliver(settings, received(b"no json"))
    seal(settings)
    for name in ("0:1:2", "nothing", "abc:0", ":0", "abc:"):
        result = run("quarantine", "show", name)
        assert result.returncode == 1
        assert result.stderr.splitlines()[1] == "Try: `warehouse quarantine list` shows the ids"


def test_retry_appends_once_what_is_an_event_now(run: Run, settings: Settings) -> None:
    # Twice the same bytes, one that came again later and was understood, one that still is not.
    deliver(settings, [not_known_then(envelope(number)) for number in (1, 1, 2, 3)])
    deliver(settings, received(envelope(3), b"no json"))
    seal(settings)
    assert [key for key, _ in events_in_log(settings)] == ["order-3"]

    would = json.loads(run("quarantine", "retry", "--json").stdout)
    expected = {"looked_at": 5, "resolved": 2, "events": {"order.created": 2}, "still": {"not_json": 1}}
    assert would == {**expected, "appended": False}
    assert [key for key, _ in events_in_log(settings)] == ["order-3"]

    assert json.loads(run("quarantine", "retry", "--apply", "--json").stdout) == {**expected, "appended": True}
    after = [(f"order-{number}", envelope(number).decode()) for number in (1, 2, 3)]
    assert events_in_log(settings) == after

    again = json.loads(run("quarantine", "retry", "--apply", "--json").stdout)
    assert again == {"looked_at": 5, "resolved": 4, "events": {}, "still": {"not_json": 1}, "appended": True}
    assert events_in_log(settings) == after
    listed = json.loads(run("quarantine", "list", "--json").stdout)["deliveries"]
    assert {one["resolved"] for one in listed if one["problem"] == "unknown_name"} == {True}


def test_a_retry_that_died_before_it_sealed_is_not_repeated(run: Run, settings: Settings) -> None:
    deliver(settings, [not_known_then(envelope(1))])
    seal(settings)
    # What it had appended by then is in a journal and in no log yet.
    deliver(settings, received(envelope(1)))
    assert json.loads(run("quarantine", "retry", "--apply", "--json").stdout)["events"] == {}
    assert len(events_in_log(settings)) == 1


def test_other_bytes_of_the_same_key_are_another_event(run: Run, settings: Settings, home: Path) -> None:
    deliver(settings, [not_known_then(envelope(1, note="first"))])
    deliver(settings, received(envelope(1, note="second")))
    seal(settings)
    assert json.loads(run("quarantine", "retry", "--apply", "--json").stdout)["events"] == {"order.created": 1}
    assert len(events_in_log(settings)) == 2
    assert (home / "quarantine.lock").exists()
