"""What only reads cannot write: no statement that `warehouse sql` or the shell take changes the lake or any file."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LakeError
from warehouse.lake.connection import catalog_path, data_path, open_lake
from warehouse.serving.reader_statements import only_read, statements
from warehouse.settings import Settings

READING = [
    "select 1; from marts.some",
    'with it as (from marts.some) select "query", \'query(\' from (select 1 as "query")',
    "select 'é', 'ducklake_cleanup_old_files(' -- query('x')",
    "show tables from marts",
    "describe marts.some",
    "summarize marts.some",
    "explain from marts.some",
    "explain analyze (select number from marts.some)",
    "explain (format json) select 1",
    "pivot marts.some on number using count(*)",
    "create temp table mine as from marts.some; insert into mine values (7); delete from mine; drop table mine",
    "begin; from marts.some; commit",
    "set variable x = 1; select getvariable('x')",
    "use lake.marts; select * from lake.marts.some",
    "from lake.snapshots()",
    "from ducklake_list_files('lake', 'some', schema => 'marts')",
    "pragma table_info('marts.some')",
]
WRITING = [
    "attach 'ducklake:sqlite:{catalog}' as again (override_data_path true)",
    "attach '{catalog}' as again (type sqlite)",
    "select 1; attach '{catalog}' as again (type sqlite)",
    "detach lake",
    "copy (select 1) to '{catalog}'",
    "explain analyze copy (select 1) to '{catalog}'",
    "explain /* here */ analyze copy (select 1) to '{catalog}'",
    "export database '{data}/all'",
    "copy from database memory to lake",
    "from ducklake_cleanup_old_files('lake', cleanup_all => true)",
    'from system.main."ducklake_cleanup_old_files" /* " */ (\'lake\', cleanup_all => true)',
    "from Ducklake_Delete_Orphaned_Files('lake', cleanup_all => true)",
    "call ducklake_flush_inlined_data('lake')",
    "create macro clean() as table from ducklake_cleanup_old_files('lake', cleanup_all => true)",
    "from query('from ducklake_' || 'cleanup_old_files(''lake'', cleanup_all => true)')",
    "from \"query\" -- here\n('select 1')",
    "from json_execute_serialized_sql('{{}}')",
    "from sqlite_query('__ducklake_metadata_lake', 'delete from ducklake_snapshot returning 1')",
    "from enable_logging(storage => 'file', storage_path => '{data}')",
    "prepare it as copy (select 1) to '{catalog}'",
    "set log_query_path = '{catalog}'",
    "pragma profiling_output = '{catalog}'",
    "load json",
    "insert into marts.some values (2)",
    "delete from marts.some",
    "drop table marts.some",
    "explain analyze delete from marts.some",
    "from lake.set_option('parquet_version', '1')",
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with a table of two rows, and files that wait to be deleted."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), memory=10**9)
    with open_lake(settings) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        con.execute("create table lake.marts.some as select 1 as number")
        con.execute("insert into lake.marts.some values (2)")
        con.execute("call ducklake_merge_adjacent_files('lake', 'some', schema => 'marts')")
    return settings


@pytest.fixture(scope="module")
def con(lake: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_lake(lake, read_only=True) as con:
        only_read(con)
        yield con


def on_the_disk(settings: Settings) -> dict[Path, bytes]:
    """All files of a lake but those that SQLite has beside its catalog."""
    files = [path for path in settings.lake_dir.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files if not path.name.endswith(("-shm", "-wal"))}


def do(con: duckdb.DuckDBPyConnection, text: str) -> None:
    """What `warehouse sql` does with a text."""
    con.execute("use lake")
    assert statements(con, text)
    con.execute(text)


@pytest.mark.parametrize("text", READING)
def test_what_reads_is_done(con: duckdb.DuckDBPyConnection, text: str) -> None:
    with con.cursor() as cursor:
        do(cursor, text)


@pytest.mark.parametrize("text", WRITING)
def test_what_writes_is_refused_and_changes_nothing(con: duckdb.DuckDBPyConnection, lake: Settings, text: str) -> None:
    before = on_the_disk(lake)
    assert len(before) >= 4
    text = text.format(catalog=catalog_path(lake), data=data_path(lake))
    with con.cursor() as cursor, pytest.raises((LakeError, duckdb.Error)):
        do(cursor, text)
    assert on_the_disk(lake) == before


def test_without_that_a_reader_could_delete_files(lake: Settings) -> None:
    before = on_the_disk(lake)
    with open_lake(lake, read_only=True) as con, pytest.raises(duckdb.Error):
        con.execute("from ducklake_cleanup_old_files('lake', cleanup_all => true)")
    assert len(on_the_disk(lake)) < len(before)
