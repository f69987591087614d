"""The deliveries that are new to a refresh, read out of the lake once for all models that read the log.

To plan a query of the lake and to open its files costs some 40 ms, whatever is found there, and fifteen models ask for
the same few deliveries, most of them twice. The copy is a cache: a model that stands before it reads the lake.
"""

from typing import Final

import duckdb

from warehouse.build.names import LOG
from warehouse.log.live_files import bytes_after

COPY: Final = "run.main.arrivals"
# Of more than these bytes of files, some 5,000 deliveries, each model reads what it wants itself.
MOST_BYTES: Final = 2**20


def copy_arrivals(con: duckdb.DuckDBPyConnection, since: int, position: int) -> bool:
    """Copy what came into the log after one batch and up to another; false when that is too much.

    Raises duckdb.Error.
    """
    if bytes_after(con, since) > MOST_BYTES:
        return False
    con.execute(f"create or replace table {COPY} as from {LOG} where batch > {since} and batch <= {position}")
    return True


def forget_arrivals(con: duckdb.DuckDBPyConnection) -> None:
    """Remove the copy, if there is one."""
    con.execute(f"drop table if exists {COPY}")
