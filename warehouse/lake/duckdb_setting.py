"""A setting of DuckDB that has another value for the length of a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

# A few deleted rows are noted in the catalog up to this number, and their file, wholly deleted, would stay.
INLINING: Final = "ducklake_default_data_inlining_row_limit"


@contextmanager
def setting(con: duckdb.DuckDBPyConnection, name: str, value: str) -> Iterator[None]:
    """Give one of DuckDB's settings another value for the length of the block."""
    ((before,),) = con.execute("select current_setting(?)::varchar", [name]).fetchall()
    con.execute(f"set {name} = '{value}'")
    try:
        yield
    finally:
        con.execute(f"set {name} = '{before}'")
