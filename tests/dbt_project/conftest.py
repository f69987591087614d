"""Scenarios are delivered as the receiver would take them, refreshed for real, and read as an analyst reads them."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]
WarehouseOf = Callable[..., duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def warehouse_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseOf]:
    """A function that delivers envelopes to a new home, in order, and gives a read-only connection to its lake.

    `splits` is the number of refreshes the deliveries are spread over.
    """
    with ExitStack() as connections:

        def build(events: Sequence[Envelope], *, splits: int = 1) -> duckdb.DuckDBPyConnection:
            home = tmp_path_factory.mktemp("home")
            settings = Settings.load({}, home=str(home))
            for part in range(splits):
                deliver(settings, events[len(events) * part // splits : len(events) * (part + 1) // splits])
                refresh(settings)
            return connections.enter_context(warehouse.connect(home))

        yield build


def deliver(settings: Settings, events: Sequence[Envelope]) -> None:
    """Put envelopes into the journal of a home, as acknowledged or loaded now."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with JournalWriter(Path(settings.journal_dir)) as journal:
        now = time.time_ns() // 1000
        journal.append([decode(json.dumps(event).encode(), now, with_reference=True) for event in events])
