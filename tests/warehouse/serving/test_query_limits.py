"""A query that is beyond its limits is ended, names the setting, and leaves the connection in use."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LakeError
from warehouse.lake.connection import open_lake
from warehouse.serving.query_limits import limited
from warehouse.serving.readers import open_reader
from warehouse.settings import Settings

FOR_EVER = "select count(*) from range(100000000000) where hash(range) = 0"
SPILLS = "select count(*) from (select hash(range)::varchar || repeat('y', 40) as k from range(20000000) order by k)"
ENDLESS = (FOR_EVER, "with recursive t as (select 1 as a union all select a + 1 from t) select count(*) from t")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake whose queries have a second, 256 MB and 50 MB on the disk."""
    home = tmp_path_factory.mktemp("limits")
    settings = Settings(
        home=home, memory=10**9, query_memory=256 * 10**6, query_temp_size=50 * 10**6, query_time=1, query_temp=home
    )
    open_lake(settings).close()
    return settings


@pytest.fixture
def con(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_reader(settings) as con:
        yield con


@pytest.mark.parametrize("query", ENDLESS)
def test_a_query_that_runs_for_ever_is_ended(con: duckdb.DuckDBPyConnection, settings: Settings, query: str) -> None:
    began = time.monotonic()
    with pytest.raises(LakeError, match="longer than the 1 s of WAREHOUSE_QUERY_TIME"), limited(con, settings):
        con.execute(query).fetchall()
    assert 1 <= time.monotonic() - began < 30
    with limited(con, settings):
        assert con.execute("select 42").fetchall() == [(42,)]


def test_rows_that_never_end_are_ended(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    result = con.execute("from range(100000000000)")
    with pytest.raises(LakeError, match="WAREHOUSE_QUERY_TIME"), limited(con, settings):
        all(iter(lambda: result.fetchmany(1000), []))


def test_room_and_memory_are_named_by_their_settings(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    patient = Settings(home=settings.home, query_time=600)
    with pytest.raises(LakeError, match="WAREHOUSE_QUERY_TEMP_SIZE"), limited(con, patient):
        con.execute(SPILLS).fetchall()
    with pytest.raises(LakeError, match="more memory than WAREHOUSE_QUERY_MEMORY"), limited(con, patient):
        con.execute("select list(range) from range(1000000000)").fetchall()
    with pytest.raises(LakeError, match="setting of DuckDB"), limited(con, patient):
        con.execute("set memory_limit = '64GB'")
    with pytest.raises(LakeError, match="names a file") as raised, limited(con, patient):
        con.execute("from read_text('/etc/passwd')").fetchall()
    assert "--owner" in raised.value.hint


def test_what_would_fill_the_disk_of_the_journals_is_ended(settings: Settings, tmp_path: Path) -> None:
    """Of a reserve that is larger than the disk nothing is left: whoever writes more than a little is stopped."""
    full = Settings(home=settings.home, reserve=10**18)
    with open_reader(settings, owner=True) as con:
        with pytest.raises(LakeError, match="WAREHOUSE_RESERVE"), limited(con, full):
            con.execute(f"copy (select hash(range) as h from range(1000000000)) to '{tmp_path}/rows.csv'")
        with limited(con, full):
            assert con.execute("select count(*) from range(1000000)").fetchall() == [(1_000_000,)]


def test_without_settings_there_are_no_limits(con: duckdb.DuckDBPyConnection) -> None:
    threading.Timer(2.0, con.interrupt).start()
    with pytest.raises(duckdb.InterruptException), limited(con, None):
        con.execute(FOR_EVER).fetchall()


def test_what_is_wrong_with_a_query_stays_as_duckdb_says_it(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    with pytest.raises(duckdb.CatalogException), limited(con, settings):
        con.execute("from nothing")
