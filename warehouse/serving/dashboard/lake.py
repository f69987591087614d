"""The lake as it was at one snapshot, and answers from it: they are cached by it, so nothing is asked twice."""

from typing import Any, Final

import duckdb
import pyarrow as pa
import streamlit as st

from warehouse.serving.dashboard.choice import Choice
from warehouse.serving.query_limits import limited
from warehouse.serving.readers import open_reader
from warehouse.settings import Settings

# Whoever still looks at the page of an earlier refresh keeps its snapshot; who comes back later sees the newest.
SNAPSHOTS: Final = 3


@st.cache_resource
def lake() -> duckdb.DuckDBPyConnection:
    """A connection that sees what is newest; it says which snapshot that is."""
    return open_reader(Settings.load())


@st.cache_resource(max_entries=SNAPSHOTS)
def lake_at(version: int) -> duckdb.DuckDBPyConnection:
    """A connection that stays at that snapshot, whatever is published meanwhile."""
    return open_reader(Settings.load(), snapshot=version)


def snapshot() -> int:
    """The lake's newest snapshot."""
    with lake().cursor() as con:
        ((newest,),) = con.execute("from ducklake_current_snapshot('lake')").fetchall()
    return int(newest)


@st.cache_data(max_entries=500, show_spinner=False)
def answer(version: int, query: str, choice: Choice | None = None) -> pa.Table:
    """The rows of a query over the lake as of snapshot `version`."""
    with lake_at(version).cursor() as con:
        con.execute("use lake")
        # Names that a query does not use are no parameters of it.
        wanted = {} if choice is None else choice.parameters()
        used = {name: value for name, value in wanted.items() if f"${name}" in query}
        with limited(con, Settings.load()):
            result = con.execute(query, used) if used else con.execute(query)
            return result.to_arrow_table()


def one(version: int, query: str, choice: Choice | None = None) -> dict[str, Any]:
    """The only row of a query."""
    (row,) = answer(version, query, choice).to_pylist()
    return row


def column(version: int, query: str, choice: Choice | None = None) -> list[str]:
    """The only column of a query."""
    return [str(value) for value in answer(version, query, choice).column(0).to_pylist()]
