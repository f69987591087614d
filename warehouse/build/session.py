"""The DuckDB in which refreshes run: in memory, with the lake attached for as long as it lives.

dbt's own connections join it by its name, so a resident process opens the lake once and not once a refresh. The build
database is attached only while a refresh runs: between two of them any other process may have it.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import msgspec

from warehouse.build.sql_functions import add_functions
from warehouse.contract import EventContract, FieldType, ListOf, Record, Scalar, load_contract
from warehouse.errors import RefreshError
from warehouse.lake.connection import TRUST_INSTALLED, attach_lake
from warehouse.lake.duckdb_setting import INLINING
from warehouse.log.live_files import bytes_after
from warehouse.settings import Settings

# For so few bytes that are new, some 20,000 events, sharing a query out among threads costs more than it saves.
ONE_THREAD_BYTES: Final = 4 * 2**20

# Changes of so many rows stay in the catalog until there are some more: a file of its own for each would cost more to
# write, and every later query to plan. DuckLake's own number is 10.
SMALL_CHANGE_ROWS: Final = 100

# `generations` says for each model which full build its table comes from, the last batch of the log in it, and the
# columns it was made with; `origin` what all of them were built from.
BUILD: Final = """
create schema if not exists build.staging;
create schema if not exists build.intermediate;
create schema if not exists build.marts;
create schema if not exists build.trust;
create table if not exists build.main.generations (model varchar, generation varchar, batch bigint, columns varchar);
create table if not exists build.main.origin (batch bigint, id varchar, project varchar, run_id varchar);
"""


def session_name(settings: Settings) -> str:
    """What every connection of this process to this home's session connects to."""
    return f":memory:refresh_{hashlib.sha256(str(settings.home.resolve()).encode()).hexdigest()[:16]}"


def session_config(settings: Settings) -> dict[str, Any]:
    """DuckDB's options of a session: beyond its memory it spills into the home. No row depends on insertion order."""
    return {
        "memory_limit": settings.memory_limit,
        # Resolved, since dbt connects with the same options, which DuckDB compares as text.
        "temp_directory": str(settings.home.resolve() / "build.tmp"),
        "preserve_insertion_order": "false",
        # The system keeps what was read of a file; DuckDB would keep it a second time, also of files that are gone.
        "enable_external_file_cache": "false",
        **TRUST_INSTALLED,
    }


@contextmanager
def open_session(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to this home's session, which lives at least as long as the block. Raises LakeError."""
    con = duckdb.connect(session_name(settings), config=session_config(settings))
    try:
        prepare_session(con, settings)
        yield con
    finally:
        con.close()


def prepare_session(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Attach the lake, and `run`, which holds the contract and where this run stands; does nothing the second time."""
    attached = _databases(con)
    if "lake" not in attached:
        attach_lake(con, settings)
        con.execute(f"set global {INLINING} = {SMALL_CHANGE_ROWS}")
    if "run" not in attached:
        attach_run(con)


def fit_threads(con: duckdb.DuckDBPyConnection, since: int) -> None:
    """Give every query one thread where little has come into the log after that batch, and else as many as there are
    cores."""
    con.execute("set threads = 1" if bytes_after(con, since) <= ONE_THREAD_BYTES else "reset threads")


def give_memory_back(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Let the system have what DuckDB has freed and keeps for what may come."""
    # A limit that is set, even to what it was, makes DuckDB empty its allocator.
    con.execute(f"set memory_limit = '{settings.memory_limit}'")


def attach_build(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool = False) -> None:
    """Attach the build database, made new where there is none and it may be written; does nothing the second time.

    Raises RefreshError when another process has it open or it cannot be read.
    """
    if "build" in _databases(con):
        return
    path = str(settings.build_path).replace("'", "''")
    try:
        if read_only:
            con.execute(f"attach '{path}' as build (read_only)")
        else:
            con.execute(f"attach '{path}' as build (storage_version 'v1.5.0')")
            con.execute(BUILD)
    except duckdb.Error as error:
        raise RefreshError(
            f"the build database cannot be opened: {str(error).splitlines()[0]}",
            "close whatever else has it open; if it is damaged delete it, the next refresh rebuilds it from the log",
            where=settings.build_path,
        ) from error


def renew_build(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Put an empty build database in the place of the attached one; beside the old tables new ones double the file."""
    detach_build(con)
    settings.build_path.unlink()
    attach_build(con, settings)


def detach_build(con: duckdb.DuckDBPyConnection) -> None:
    """Let go of the build database, so that other processes may open it."""
    con.execute("detach database if exists build")


def fix_position(con: duckdb.DuckDBPyConnection, run_id: str, batch: int) -> None:
    """Fix the batch up to which every model of a `dbt run` reads the log, so that all of them show one moment."""
    con.execute("delete from run.main.position")
    con.execute("insert into run.main.position values (?, ?)", [run_id, batch])


def fixed_position(con: duckdb.DuckDBPyConnection) -> tuple[str, int]:
    """The id and the position of the `dbt run` at hand."""
    ((run_id, batch),) = con.execute("from run.main.position").fetchall()
    return str(run_id), int(batch)


class LogPosition(msgspec.Struct, frozen=True):
    """A batch of the log: its number, and the id by which it is told from one of another lake, or another past."""

    batch: int
    id: str


def log_position(con: duckdb.DuckDBPyConnection) -> LogPosition:
    """The last batch of the log."""
    ((batch, one_id),) = con.execute("select batch, id from lake.log.counter").fetchall()
    return LogPosition(int(batch), str(one_id))


def attach_run(con: duckdb.DuckDBPyConnection) -> None:
    """Attach `run`, with the contract and where a run stands, and add the functions that models call."""
    add_functions(con)
    contract = load_contract()
    con.execute("attach ':memory:' as run")
    con.execute("create table run.main.position (run_id varchar, batch bigint)")
    events = [
        {
            "name": event.name,
            "family": event.family,
            "key_source": event.key_source,
            "structure": contract.family_structure(event.family),
        }
        for event in contract.events.values()
    ]
    fields = [
        {"name": event.name, "path": path, "type": kind}
        for event in contract.events.values()
        for path, kind in _fields(event)
    ]
    _fill(con, "run.main.contract", events)
    _fill(con, "run.main.contract_fields", fields)


def _databases(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in con.execute("select database_name from duckdb_databases()").fetchall()}


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, str]]) -> None:
    # As one text: DuckDB looks for pandas, and so imports it, before it takes a list.
    structure = json.dumps([dict.fromkeys(rows[0], "VARCHAR")])
    con.execute(
        f"create table {table} as select unnest(from_json(?, '{structure}'), recursive => true)", [json.dumps(rows)]
    )


def _fields(event: EventContract) -> list[tuple[str, str]]:
    """Every path of an event's payload and what it holds: a type of the contract file, `record` or `list`.

    Of what is known by its name it is `list by name` and `name`, which may be objects as well.
    """
    return list(_kinds(event.fields, ""))


def _kinds(field: FieldType, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(field, Record):
        if path:
            yield path, "record"
        for name in field.fields:
            yield from _kinds(field.fields[name], f"{path}.{name}" if path else name)
        for alias, name in field.aliases.items():
            yield from _kinds(field.fields[name], f"{path}.{alias}")
    elif isinstance(field, ListOf):
        yield path, "list by name" if field.by_name else "list"
        by_name = field.by_name and isinstance(field.element, Scalar)
        yield from [(f"{path}[]", "name")] if by_name else _kinds(field.element, f"{path}[]")
    else:
        yield path, field.value
