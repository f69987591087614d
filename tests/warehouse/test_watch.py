"""The resident loop refreshes when there is something new, outlives what fails, and lets go of the home in between."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import warehouse
from warehouse.envelope import decode
from warehouse.errors import RefreshError
from warehouse.journal import JournalWriter
from warehouse.refresh import refresh
from warehouse.settings import Settings
from warehouse.watch import Failed, Refreshed, watch

PATIENCE_SECONDS = 120.0


def deliver(settings: Settings, order_id: str) -> None:
    payload = {"id": order_id, "external_id": order_id.upper(), "currency": "EUR", "items": [{"id": order_id + "-1"}]}
    event = {"tenant": "acme", "name": "order.created", "published_at": "2026-03-01T12:00:00Z", "payload": payload}
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(json.dumps(event).encode(), time.time_ns() // 1000)])


def orders(settings: Settings) -> int:
    with warehouse.connect(settings.home) as con:
        return int(con.execute("select count(*) from marts.fct_orders").fetchall()[0][0])


@contextmanager
def watching(settings: Settings) -> Iterator[list[Refreshed | Failed]]:
    """What the loop reports, while it runs in another thread."""
    told: list[Refreshed | Failed] = []
    stop = threading.Event()
    loop = threading.Thread(target=watch, args=(settings, 0.5, stop, told.append))
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


def test_the_loop_shows_what_arrives_and_recovers_from_a_broken_model(settings: Settings) -> None:
    deliver(settings, "o1")
    refresh(settings)
    with watching(settings) as told:
        deliver(settings, "o2")
        assert isinstance(wait_for(told, 1), Refreshed)
        assert orders(settings) == 2
        # Between two refreshes the build database is free for anybody, here for one who breaks a table in it.
        alter(settings, "alter table marts.fct_orders rename column status to state")
        deliver(settings, "o3")
        failed = wait_for(told, 2)
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, RefreshError)
        assert "fct_orders" in failed.error.message
        assert orders(settings) == 2
        alter(settings, "alter table marts.fct_orders rename column state to status")
        number = len(told)
        while not isinstance(wait_for(told, number), Refreshed):
            number += 1
        assert orders(settings) == 3


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
