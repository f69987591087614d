"""The lake as it was: what `open_lake` opened, attached again at an earlier moment."""

import duckdb

from warehouse.errors import LakeError
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings


def open_moment(settings: Settings, at: str) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the lake as it was at the timestamp `at`, in UTC where it names no zone.

    Raises LakeError when `at` is no timestamp or lies before the oldest moment kept, and what `open_lake` raises.
    """
    con = open_lake(settings, read_only=True)
    try:
        moment, first = _moments(con, at)
        if moment < first:
            raise LakeError(
                f"the lake as it was at {at} is not kept, or there was no lake yet.",
                f"--at '{first}' is its first moment (UTC); WAREHOUSE_SNAPSHOTS_KEEP says how long they are kept",
            )
        _attach_at(con, "snapshot_time", moment)
    except BaseException:
        con.close()
        raise
    return con


def open_snapshot(settings: Settings, snapshot: int) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the lake as of one snapshot, however many are made while it is open.

    Raises LakeError when it is not kept any more, and what `open_lake` raises.
    """
    con = open_lake(settings, read_only=True)
    try:
        if (snapshot,) not in con.execute("select snapshot_id from lake.snapshots()").fetchall():
            raise LakeError(
                f"snapshot {snapshot} of the lake is not kept.",
                "take a newer one; WAREHOUSE_SNAPSHOTS_KEEP says how long they are kept",
            )
        _attach_at(con, "snapshot_version", str(snapshot))
    except BaseException:
        con.close()
        raise
    return con


def _moments(con: duckdb.DuckDBPyConnection, at: str) -> tuple[str, str]:
    """The moment asked for and the first that is kept, in the same sortable form."""
    shown = "strftime(({})::timestamptz, '%Y-%m-%d %H:%M:%S.%f')"
    query = f"select {shown.format('?')}, {shown.format('select min(snapshot_time) from lake.snapshots()')}"
    try:
        row = con.execute(query, [at]).fetchone()
    except duckdb.ConversionException as error:
        raise LakeError(f"--at '{at}' is not a timestamp.", "--at '2025-11-24 08:00', in UTC") from error
    assert row is not None
    return row[0], row[1]


def _attach_at(con: duckdb.DuckDBPyConnection, option: str, value: str) -> None:
    row = con.execute("select path, options from duckdb_databases() where database_name = 'lake'").fetchone()
    assert row is not None
    path, options = row
    options = {**options, option: value}
    listed = ", ".join(f"{name} {_option(each)}" for name, each in options.items())
    con.execute("use memory")
    con.execute("detach lake")
    con.execute(f"attach {_quote(f'ducklake:{path}')} as lake (read_only, {listed})")
    con.execute("use lake")


def _option(value: str) -> str:
    return value if value in ("true", "false") else _quote(value)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
