"""Whoever began to read keeps the moment he began with, whatever is refreshed and put in order meanwhile."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.care.lake_compaction import compact
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeError
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.lake.time_travel import open_snapshot
from warehouse.pipeline.refresh import refresh
from warehouse.serving.duckdb_export import export
from warehouse.settings import Settings
from warehouse.simulator import simulate

# `LONG_READERS=200` is the long form.
REFRESHES = int(os.environ.get("LONG_READERS", "3"))
TABLES = ("fct_orders", "fct_order_items", "fct_order_status_changes", "fct_inventory_on_hand", "daily_sales")

Rows = list[tuple[Any, ...]]

FLUSH = "call ducklake_flush_inlined_data('lake', table_name => 'some', schema_name => 'marts')"
REWRITE = "call ducklake_rewrite_data_files('lake', 'some', schema => 'marts', delete_threshold => 0.1)"
MERGE = "call ducklake_merge_adjacent_files('lake', 'some', schema => 'marts')"
# What `compact` does of itself: all of the above, and nothing but the newest moment is kept.
ALL = ""
DELETE = "delete from lake.marts.some where number % 10 = {}"
INSERT = "insert into lake.marts.some select 1000 + range from range(60)"
STEPS = [
    *(DELETE.format(0), DELETE.format(1), FLUSH, REWRITE, MERGE),
    *(INSERT, DELETE.format(2), FLUSH, DELETE.format(3), REWRITE, MERGE),
    *(DELETE.format(4), ALL, INSERT, ALL),
]


def look(con: duckdb.DuckDBPyConnection, table: str) -> Rows:
    """What a reader sees of a table: by the catalog's own count, and by its rows."""
    (count,) = con.execute(f"select count(*) from {table}").fetchall()
    (rows,) = con.execute(f"select count(hash(rows)), sum(hash(rows)::hugeint) from {table} as rows").fetchall()
    return [count, rows]


@pytest.mark.parametrize("inlined", [0, 100], ids=["in-files", "in-the-catalog"])
def test_a_transaction_sees_one_moment_whatever_is_done_to_the_files(settings: Settings, inlined: int) -> None:
    with open_lake(settings) as writer, ExitStack() as open_readers:
        writer.execute(f"set ducklake_default_data_inlining_row_limit = {inlined}")
        writer.execute("create table lake.marts.some as select range as number from range(50)")
        writer.execute("insert into lake.marts.some select 50 + range from range(50)")
        readers: list[tuple[duckdb.DuckDBPyConnection, Rows]] = []
        for number, step in enumerate(STEPS):
            if number % 4 == 0:
                reader = open_readers.enter_context(open_lake(settings, read_only=True))
                reader.execute("begin")
                readers.append((reader, look(reader, "marts.some")))
            if step == ALL:
                compact(Settings(home=settings.home, memory=10**9, snapshots_keep=0))
            else:
                writer.execute(step)
            for begun, (each, seen) in enumerate(readers):
                assert look(each, "marts.some") == seen, (begun, number, step)


def small_refreshes(settings: Settings, parts: int) -> Iterator[int]:
    """Refresh so often, each time with a few more deliveries."""
    bodies = list(simulate(events=parts * 40, days=30, seed=7))
    for part in range(parts):
        some = bodies[len(bodies) * part // parts : len(bodies) * (part + 1) // parts]
        with JournalWriter(settings.journal_dir) as journal:
            journal.append([decode(body, number) for number, body in enumerate(some)])
        refresh(settings)
        yield part


def test_readers_and_exports_beside_small_refreshes_see_one_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Put in order at nearly every refresh.
    monkeypatch.setattr("warehouse.care.lake_compaction.CATALOG_ROWS", 40)
    monkeypatch.setattr("warehouse.care.lake_compaction.TABLE_FILES", 3)
    monkeypatch.setattr("warehouse.care.lake_compaction.SNAPSHOTS", 4)
    settings = Settings(home=tmp_path / "home", memory=10**9)
    refreshes = small_refreshes(settings, REFRESHES)
    wrong = list[str]()
    with ExitStack() as open_readers:
        readers: list[tuple[duckdb.DuckDBPyConnection, dict[str, Rows]]] = []

        def refresh_between(number: int, _total: int | None) -> None:
            if number == 6:
                next(refreshes, None)

        for part in refreshes:
            reader = open_readers.enter_context(open_lake(settings, read_only=True))
            reader.execute("begin")
            seen = {table: look(reader, f"marts.{table}") for table in TABLES}
            readers.append((reader, seen))
            if part % 3 == 0:
                copied = tmp_path / f"copy-{part}.duckdb"
                export(settings, copied, progress=refresh_between)
                with duckdb.connect(str(copied), read_only=True) as copy:
                    wrong += [f"{copied.name} {name}" for name in TABLES if look(copy, f"marts.{name}") != seen[name]]
                compact(settings)
            for number, (each, before) in enumerate(readers):
                wrong += [f"reader {number} {name}" for name in TABLES if look(each, f"marts.{name}") != before[name]]
    assert len(readers) > 1
    assert not wrong


def test_a_connection_at_a_snapshot_stays_there(settings: Settings) -> None:
    with open_lake(settings) as writer:
        writer.execute("create table lake.marts.some as select range as number from range(50)")
        ((version,),) = writer.execute("from ducklake_current_snapshot('lake')").fetchall()
        with open_snapshot(settings, version) as reader:
            for step in [None, *STEPS[:8]]:
                if step is not None:
                    writer.execute(step)
                assert reader.execute("select count(*), sum(number) from marts.some").fetchall() == [(50, 1225)]
        compact(Settings(home=settings.home, memory=10**9, snapshots_keep=0))
        with pytest.raises(LakeError, match="is not kept"):
            open_snapshot(settings, version)
