"""Runs queries so that Ctrl-C ends them, and says what is wrong with one in two lines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import duckdb

from warehouse.errors import LakeError
from warehouse.lake.error_meanings import meaning_of

# Errors of the query itself, whatever words of it they quote.
WRONG: Final = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.DataError)
SEE_TABLES: Final = 'warehouse sql "show tables from marts"'


def interruptible(con: duckdb.DuckDBPyConnection, work: Callable[[], object]) -> None:
    """Do work with the connection; Ctrl-C ends what it runs and is raised again. Raises LakeError for a wrong query."""
    try:
        # DuckDB does not look at Ctrl-C while it works: this thread does.
        with ThreadPoolExecutor(max_workers=1) as pool:
            task = pool.submit(work)
            try:
                task.result()
            except KeyboardInterrupt:
                con.interrupt()
                raise
    except duckdb.Error as error:
        raise told(error) from error


def told(error: duckdb.Error) -> LakeError:
    """DuckDB's message in one line, and the best hint that is in it."""
    meaning = None if isinstance(error, WRONG) else meaning_of(error)
    if meaning is not None:
        return LakeError(f"{meaning.happened}: {str(error).splitlines()[0]}", meaning.hint)
    message, _, rest = str(error).partition("\nLINE ")
    what, _, suggestion = message.strip().partition("\n")
    if "read-only mode" in what:
        return LakeError(
            "this query would write, and the lake is only read here.",
            "`select …`; `warehouse sql --out FILE` keeps the rows",
        )
    if suggestion.startswith(("Did you mean", "Candidate")):
        hint = suggestion[0].lower() + suggestion[1:].replace("\n", " ")
    elif "does not exist" in what:
        hint = SEE_TABLES
    else:
        place = rest.split("\n")[0].partition(": ")[2].strip()
        hint = f"correct the query here: {place}" if place else "correct the query; `warehouse sql --help` has examples"
    return LakeError(what, hint)
