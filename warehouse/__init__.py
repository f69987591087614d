"""The event-sourced warehouse of a retailer on NewStore: journal, lake, facts."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def connect(home: str | Path | None = None) -> "duckdb.DuckDBPyConnection":
    """A read-only DuckDB connection with the lake as its default database: `select * from marts.fct_orders`.

    `home` defaults to `$WAREHOUSE_HOME`, else `./data`. Raises LakeMissing when there is no lake yet.
    """
    # DuckDB takes a tenth of a second to import; commands that do not query must not pay for it.
    from warehouse.lake import connect as connect_to_lake

    return connect_to_lake(home)


__all__ = ["connect"]
