"""Every connection of an analyst is bounded; the owner's is not."""

from pathlib import Path

import duckdb
import pytest

from warehouse import connect
from warehouse.lake.connection import data_path, open_lake
from warehouse.serving.readers import open_reader, temp_folder_of
from warehouse.settings import Settings


@pytest.fixture
def lake(settings: Settings) -> Settings:
    with open_lake(settings) as con:
        con.execute("create table lake.marts.some as select 1 as number")
    return settings


@pytest.mark.parametrize("how", ["now", "at", "snapshot", "connect"])
def test_a_reader_is_bounded(lake: Settings, how: str) -> None:
    with open_lake(lake, read_only=True) as con:
        ((moment, snapshot),) = con.execute(
            "select max(snapshot_time)::varchar, max(snapshot_id) from lake.snapshots()"
        ).fetchall()
    con = {
        "now": lambda: open_reader(lake),
        "at": lambda: open_reader(lake, at=moment),
        "snapshot": lambda: open_reader(lake, snapshot=snapshot),
        "connect": lambda: connect(lake.home),
    }[how]()
    with con:
        assert con.sql("select number from marts.some").fetchall() == [(1,)]
        assert setting(con, "memory_limit") == "1.3 GiB"
        assert setting(con, "max_temp_directory_size") == "3.7 GiB"
        for text in (
            "from read_text('/etc/passwd')",
            "copy (select 1) to '/tmp/x.csv'",
            "set threads = 1",
            "set lock_configuration = false",
            "insert into marts.some values (2)",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(text)


def test_a_frame_of_the_program_is_registered(lake: Settings) -> None:
    with connect(lake.home) as con:
        con.register("frame", con.sql("select 7 as number").to_arrow_table())
        assert con.sql("select sum(number) from (from frame union all from marts.some)").fetchall() == [(8,)]


def test_the_owner_has_none_of_these_bounds_and_no_spilling_into_the_working_directory(
    lake: Settings, tmp_path: Path
) -> None:
    with connect(lake.home, owner=True) as con:
        con.execute(f"copy (select 1 as a) to '{tmp_path}/x.csv'")
        assert con.execute(f"from '{tmp_path}/x.csv'").fetchall() == [(1,)]
        con.execute("set threads = 1")
        assert temp_folder_of(con).is_dir()
        with pytest.raises(duckdb.Error):
            con.execute("insert into marts.some values (2)")
    assert data_path(lake).is_dir()


def setting(con: duckdb.DuckDBPyConnection, name: str) -> str:
    ((value,),) = con.execute("select value from duckdb_settings() where name = ?", [name]).fetchall()
    return str(value)
