"""Tables are put in order before small changes become many, in files or in the catalog, and no row of them changes."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from warehouse.build.session import attach_build, open_session
from warehouse.care.lake_compaction import CATALOG_ROWS, compact, compact_when_due
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import data_path, open_lake
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.simulator import simulate


def rows_in_catalog(settings: Settings) -> dict[str, int]:
    """Of each table the rows that the catalog holds, also those of earlier moments."""
    with closing(sqlite3.connect(settings.lake_dir / "catalog.sqlite")) as catalog:
        tables = catalog.execute(
            "select tab.table_name, held.table_name from ducklake_inlined_data_tables as held "
            "join ducklake_table as tab on tab.table_id = held.table_id and tab.end_snapshot is null"
        ).fetchall()
        return {table: catalog.execute(f"select count(*) from {held}").fetchone()[0] for table, held in tables}


def test_rows_that_the_catalog_holds_become_a_file_before_they_are_many(settings: Settings) -> None:
    with open_lake(settings) as con:
        con.execute(f"set ducklake_default_data_inlining_row_limit = {CATALOG_ROWS}")
        con.execute(f"create table lake.marts.some as select range as number from range({CATALOG_ROWS - 1})")
        con.execute("create table lake.marts.other as select 1 as number")
        assert compact_when_due(con, settings, 0) is None
        # What is deleted counts as well: the catalog keeps it for earlier moments.
        con.execute("delete from lake.marts.some where number % 2 = 0")
        con.execute("insert into lake.marts.some values (-1)")
        before = con.execute("from lake.marts.some order by all").fetchall()
        report = compact_when_due(con, settings, 0)
        assert report is not None
        assert report.tables == ("marts.some",)
        assert con.execute("from lake.marts.some order by all").fetchall() == before
        assert len(con.execute("from ducklake_list_files('lake', 'some', schema => 'marts')").fetchall()) == 1
        assert compact_when_due(con, settings, 0) is None
    held = rows_in_catalog(settings)
    assert (held["some"], held["other"]) == (0, 1)
    compact(settings)
    assert not any(rows for table, rows in rows_in_catalog(settings).items() if table != "format")


def test_large_files_of_a_table_that_only_grows_are_left_as_they_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = "select data_file from ducklake_list_files('lake', 'some', schema => 'marts') order by all"
    with open_lake(settings) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        con.execute("create table lake.marts.some as select uuid() as id from range(20_000)")
        (large,) = con.execute(files).fetchall()
        for _ in range(3):
            con.execute("insert into lake.marts.some select uuid() from range(10)")
        monkeypatch.setattr("warehouse.care.lake_compaction.LARGE_FILE_BYTES", 100_000)
        compact(settings)
        found = con.execute(files).fetchall()
        assert len(found) == 2
        assert large in found
        assert con.execute("select count(*) from lake.marts.some").fetchall() == [(20_030,)]


def test_files_do_not_grow_with_the_number_of_changes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TABLE_FILES": 6, "SNAPSHOTS": 8, "EVERY_SNAPSHOT_SECONDS": 0, "READER_SECONDS": 0}.items():
        monkeypatch.setattr(f"warehouse.care.lake_compaction.{name}", value)
    files, known = list[int](), list[int]()
    with open_lake(settings) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 10")
        con.execute("create table lake.marts.some as select range as id, 0 as value from range(2_000)")
        for change in range(60):
            con.execute("begin")
            ids = f"id between {change * 30} and {change * 30 + 19}"
            con.execute(f"delete from lake.marts.some where {ids}")
            con.execute(f"insert into lake.marts.some select {change * 30} + range, 1 from range(20)")
            con.execute("commit")
            compact_when_due(con, settings, 0)
            files.append(len(list(data_path(settings).rglob("*.parquet"))))
            with closing(sqlite3.connect(settings.lake_dir / "catalog.sqlite")) as catalog:
                known += catalog.execute("select count(*) from ducklake_data_file").fetchone()
        assert con.execute("select count(*), sum(value) from lake.marts.some").fetchall() == [(2_000, 1_200)]
    # Two or three files a change, if none ever went.
    assert max(files) < 20
    assert max(known) < 20


def test_marts_are_what_was_built_however_often_they_are_put_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("warehouse.care.lake_compaction.CATALOG_ROWS", 40)
    monkeypatch.setattr("warehouse.care.lake_compaction.TABLE_FILES", 3)
    settings = Settings(home=tmp_path, memory=10**9)
    bodies = [*simulate(events=300, seed=seed)]
    chance = random.Random(seed)
    while bodies:
        some, bodies = bodies[: (size := chance.choice([20, 60, 100]))], bodies[size:]
        with JournalWriter(settings.journal_dir) as journal:
            journal.append([decode(body, number) for number, body in enumerate(some)])
        refresh(settings)
    with open_session(settings) as con:
        attach_build(con, settings)
        marts = con.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = 'build' and schema_name in ('marts', 'trust')"
        ).fetchall()
        assert len(marts) > 20
        for (mart,) in marts:
            rows = "select count(*), sum(hash(rows)::hugeint) from"
            built = con.execute(f"{rows} build.{mart} as rows").fetchall()
            assert con.execute(f"{rows} lake.{mart} as rows").fetchall() == built, mart
    assert max(count for table, count in rows_in_catalog(settings).items()) < 500
