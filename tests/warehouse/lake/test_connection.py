"""One function opens the lake; readers and writers of it do not get in each other's way."""

import importlib.resources
import sqlite3
import threading
from pathlib import Path

import duckdb
import pytest

import warehouse
from warehouse.build.session import open_session
from warehouse.errors import LakeError, LakeMissing, LakeVersionError
from warehouse.lake.connection import catalog_path, open_lake
from warehouse.settings import Settings


def settings_of(home: Path) -> Settings:
    return Settings.load({}, home=str(home))


def test_the_first_writer_makes_the_lake(tmp_path: Path) -> None:
    with open_lake(settings_of(tmp_path)) as con:
        assert con.execute("select count(*) from log.events").fetchall() == [(0,)]
        assert con.execute("select batch from log.counter").fetchall() == [(0,)]
    with open_lake(settings_of(tmp_path)) as con:
        assert con.execute("select count(*) from log.counter").fetchall() == [(1,)]


def test_ids_of_marts_are_written_as_they_are_quick_to_read(tmp_path: Path) -> None:
    with open_lake(settings_of(tmp_path)) as con:
        con.execute("create table lake.marts.orders as select uuid()::varchar as order_id from range(100_000)")
        files = [str(path) for path in (tmp_path / "lake" / "data" / "marts").rglob("*.parquet")]
        encodings = con.execute("select distinct encodings from parquet_metadata(?)", [files]).fetchall()
    assert encodings == [("DELTA_LENGTH_BYTE_ARRAY",)]


def test_reading_where_there_is_no_lake_says_so_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(LakeMissing, match="no lake"):
        warehouse.connect(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_connect_is_read_only(tmp_path: Path) -> None:
    open_lake(settings_of(tmp_path)).close()
    with warehouse.connect(tmp_path) as con, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        con.execute("delete from log.counter")


def test_nobody_loads_an_unsigned_extension_into_a_lake(tmp_path: Path) -> None:
    package = importlib.resources.files("duckdb_extension_ducklake")
    signed = package / "extensions" / f"v{duckdb.__version__}" / "ducklake.duckdb_extension"
    forged = tmp_path / "forged.duckdb_extension"
    forged.write_bytes(signed.read_bytes()[:-1] + b"?")
    settings = settings_of(tmp_path)
    with open_lake(settings) as writer, warehouse.connect(tmp_path) as reader, open_session(settings) as session:
        for con in (writer, reader, session):
            with pytest.raises(duckdb.IOException, match="signature"):
                con.execute(f"load '{forged}'")
            with pytest.raises(duckdb.InvalidInputException, match="while database is running"):
                con.execute("set allow_unsigned_extensions = true")


def test_a_home_can_be_moved(tmp_path: Path) -> None:
    with open_lake(settings_of(tmp_path / "before")) as con:
        con.execute("create table marts.probe as select i from range(1000) as numbers (i)")
    (tmp_path / "before").rename(tmp_path / "after")
    with warehouse.connect(tmp_path / "after") as con:
        assert con.execute("select sum(i) from marts.probe").fetchall() == [(499500,)]


def test_a_lake_of_another_version_is_not_touched(tmp_path: Path) -> None:
    with open_lake(settings_of(tmp_path)) as con:
        con.execute("update log.format set version = 999")
    for read_only in (True, False):
        with pytest.raises(LakeVersionError, match="999"):
            open_lake(settings_of(tmp_path), read_only=read_only)


def test_a_file_that_is_no_catalog_is_an_error_with_its_path(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    catalog_path(settings).parent.mkdir(parents=True)
    catalog_path(settings).write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(LakeError, match=r"catalog\.sqlite"):
        open_lake(settings)


def test_readers_keep_reading_while_a_writer_commits(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with open_lake(settings) as con:
        con.execute("create table marts.pair (a bigint, b bigint)")
        con.execute("insert into marts.pair values (0, 0)")
    stop, reads, seen, failures = threading.Event(), threading.Event(), [], []

    def read() -> None:
        with open_lake(settings, read_only=True) as reader:
            while not stop.is_set():
                try:
                    rows = reader.execute("select a, b from marts.pair").fetchall()
                except duckdb.Error as error:
                    failures.append(error)
                    return
                finally:
                    reads.set()
                seen.append(rows)

    reading = threading.Thread(target=read)
    reading.start()
    assert reads.wait(60)
    with open_lake(settings) as con:
        for number in range(1, 30):
            con.execute("begin")
            con.execute("update marts.pair set a = ?", [number])
            con.execute("update marts.pair set b = ?", [number])
            con.execute("commit")
    stop.set()
    reading.join()
    assert failures == []
    # A reader sees one moment: both columns of one transaction, or of none.
    assert seen
    assert all(len(rows) == 1 and rows[0][0] == rows[0][1] for rows in seen)


def test_a_catalog_in_which_there_is_no_lake_yet_is_no_damage(settings: Settings) -> None:
    settings.lake_dir.mkdir(parents=True)
    (settings.lake_dir / "catalog.sqlite").touch()
    with pytest.raises(LakeMissing):
        open_lake(settings, read_only=True)
    open_lake(settings).close()
    open_lake(settings, read_only=True).close()


def test_a_catalog_that_is_not_in_wal_mode_can_be_read(settings: Settings) -> None:
    open_lake(settings).close()
    with sqlite3.connect(catalog_path(settings)) as catalog:
        assert catalog.execute("pragma journal_mode = delete").fetchall() == [("delete",)]
    catalog.close()
    open_lake(settings, read_only=True).close()
    open_lake(settings).close()
    with sqlite3.connect(catalog_path(settings)) as catalog:
        assert catalog.execute("pragma journal_mode").fetchall() == [("wal",)]
    catalog.close()
