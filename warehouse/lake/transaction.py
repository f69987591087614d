"""A transaction that ends with its block, one way or the other."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what a block has done; roll it back when the block or the commit fails, whose error is then raised."""
    con.execute("begin")
    try:
        yield
        con.execute("commit")
    except BaseException:
        roll_back(con)
        raise


def roll_back(con: duckdb.DuckDBPyConnection) -> None:
    """Undo the open transaction; there is none any more when its commit was refused."""
    try:
        con.execute("rollback")
    except duckdb.TransactionException:
        return
