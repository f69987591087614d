"""The resident loop refreshes when there is something new, outlives what fails, and lets go of the home in between."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import pytest

import warehouse.pipeline.watch
from warehouse.build.session import session_config, session_name
from warehouse.delivery.envelope import decode
from warehouse.errors import JournalUnread, RefreshError
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.live_files import FANOUT, list_log_files
from warehouse.log.sealer import seal
from warehouse.notes.refresh_attempt import read_attempt
from warehouse.pipeline.refresh import refresh
from warehouse.pipeline.watch import Failed, Refreshed, Report, watch
from warehouse.settings import Settings

PATIENCE_SECONDS = 120.0


def deliver(settings: Settings, order_id: str, *, is_named: bool = True) -> None:
    external_id = order_id.upper() if is_named else None
    payload = {"id": order_id, "external_id": external_id, "currency": "EUR", "items": [{"id": order_id + "-1"}]}
    event = {"tenant": "acme", "name": "order.created", "published_at": "2026-03-01T12:00:00Z", "payload": payload}
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(json.dumps(event).encode(), time.time_ns() // 1000)])


def log_files(settings: Settings) -> int:
    with open_lake(settings, read_only=True) as con:
        return len(list_log_files(con))


def orders(settings: Settings) -> int:
    with warehouse.connect(settings.home) as con:
        return int(con.execute("select count(*) from marts.fct_orders").fetchall()[0][0])


@contextmanager
def watching(settings: Settings, also: Report = lambda _: None) -> Iterator[list[Refreshed | Failed]]:
    """What the loop reports, while it runs in another thread; `also` is called in that thread before each."""
    told: list[Refreshed | Failed] = []
    stop = threading.Event()

    def report(what: Refreshed | Failed) -> None:
        also(what)
        told.append(what)

    loop = threading.Thread(target=watch, args=(settings, 0.5, stop, report))
    loop.start()
    try:
        yield told
    finally:
        stop.set()
        loop.join(PATIENCE_SECONDS)
        assert not loop.is_alive()


def wait_for(told: list[Refreshed | Failed], number: int) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(told) < number:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told[number - 1]


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_the_loop_shows_what_arrives_and_recovers_from_a_broken_model(settings: Settings) -> None:
    for _ in range(FANOUT):
        deliver(settings, "o1")
        seal(settings)
    assert log_files(settings) == FANOUT
    refresh(settings)
    # Nobody asked for it: a refresh keeps the lake's files few by itself.
    assert log_files(settings) == 1
    with watching(settings) as told:
        deliver(settings, "o2")
        assert isinstance(wait_for(told, 1), Refreshed)
        assert orders(settings) == 2
        # Between two refreshes the build database is free for anybody, here for one who breaks a table in it.
        alter(settings, "alter table marts.fct_orders alter external_id set not null")
        deliver(settings, "o3", is_named=False)
        failed = wait_for(told, 2)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, RefreshError)
        assert "fct_orders" in failed.error.message
        attempted = read_attempt(settings)
        assert attempted is not None
        assert attempted.failure is not None
        assert "fct_orders" in attempted.failure.message
        assert orders(settings) == 2
        alter(settings, "alter table marts.fct_orders alter external_id drop not null")
        number = len(told)
        while not isinstance(wait_for(told, number), Refreshed):
            number += 1
        assert orders(settings) == 3
        # A directory in a journal's place cannot be read as one, and slows nothing else down.
        unread = settings.journal_dir / "unreadable.journal"
        unread.mkdir()
        deliver(settings, "o4")
        failed = wait_for(told, number + 1)
        assert isinstance(failed.error, JournalUnread)
        assert str(unread) in failed.error.message
        assert orders(settings) == 4
        deliver(settings, "o5")
        wait_until(lambda: orders(settings) == 5)
        assert len(told) == number + 1, "what is known is said once"


def test_memory_of_earlier_refreshes_goes_with_their_session(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.pipeline.watch, "SESSION_REFRESHES", 1)
    found = []

    def report(_: Refreshed | Failed) -> None:
        # Within the session: what is made here is there for as long as it lives.
        with duckdb.connect(session_name(settings), config=session_config(settings)) as con:
            found.append(con.execute("select 1 from duckdb_tables() where table_name = 'left_here'").fetchall())
            con.execute("create or replace table run.main.left_here (nothing integer)")

    with watching(settings, report) as told:
        for number in (1, 2):
            deliver(settings, f"o{number}")
            wait_for(told, number)
    assert found == [[], []]
    assert orders(settings) == 2


def alter(settings: Settings, sql: str) -> None:
    """Change the build database from another process, as soon as no refresh has it."""
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])"
    command = [sys.executable, "-c", code, str(settings.build_path), sql]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (done := subprocess.run(command, capture_output=True, text=True, check=False)).returncode:
        assert "lock" in done.stderr, done.stderr
        assert time.monotonic() < deadline


def test_the_command_says_what_it_published_and_ends_at_once_on_sigterm(settings: Settings) -> None:
    deliver(settings, "o1")
    environment = {**os.environ, **settings.to_environ()}
    command = [sys.executable, "-m", "warehouse", "refresh", "--watch", "0.2", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert first["rows"]["fct_orders"] == 1
        deliver(settings, "o2")
        assert json.loads(process.stdout.readline())["batch"] == first["batch"] + 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert orders(settings) == 2
