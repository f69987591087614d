"""The one way in which analysts get a connection to the lake: from the command line, a notebook, the dashboard."""

from pathlib import Path

import duckdb

from warehouse.lake.connection import open_lake
from warehouse.lake.reader_bounds import temp_folder
from warehouse.lake.time_travel import open_moment, open_snapshot
from warehouse.serving.reader_statements import only_read
from warehouse.settings import Settings


def open_reader(
    settings: Settings, *, at: str | None = None, snapshot: int | None = None, owner: bool = False
) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the lake of this moment, of the timestamp `at`, or of a snapshot.

    It keeps to the memory and the temporary files that the settings give a query, opens no file outside the lake, and
    its configuration is locked. The `owner` of the machine has none of these bounds, and WAREHOUSE_MEMORY. Raises what
    `open_lake`, `open_moment` and `open_snapshot` raise.
    """
    if at is not None:
        con = open_moment(settings, at, bounded=not owner)
    elif snapshot is not None:
        con = open_snapshot(settings, snapshot, bounded=not owner)
    else:
        con = open_lake(settings, read_only=True, bounded=not owner)
    if owner:
        folder = str(temp_folder(settings)).replace("'", "''")
        con.execute(f"set temp_directory = '{folder}'")
    else:
        only_read(con)
    return con


def temp_folder_of(con: duckdb.DuckDBPyConnection) -> Path:
    """Where a connection that was opened here may write temporary files; this makes the folder."""
    ((folder,),) = con.execute("select current_setting('temp_directory')").fetchall()
    Path(folder).mkdir(mode=0o700, exist_ok=True)
    return Path(folder)
