"""Values of DuckDB as every format of the command line spells them: exact, and the same in each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Final, NamedTuple

import duckdb
import msgspec

BATCH_ROWS: Final = 10_000

encoder: Final = msgspec.json.Encoder(decimal_format="number")


class Result(NamedTuple):
    """What a query gave: its columns, each with name and type first, and all of its rows."""

    columns: list[Any]
    rows: Iterator[tuple[Any, ...]]


def result_of(con: duckdb.DuckDBPyConnection, query: str) -> Result:
    """Run a query. The first rows are fetched on return: until then DuckDB may have a lot to do."""
    result = con.execute(query)
    first = result.fetchmany(BATCH_ROWS)
    rest = chain.from_iterable(iter(lambda: result.fetchmany(BATCH_ROWS), []))
    return Result(list(result.description or ()), chain(first, rest))


def column_names(columns: list[Any]) -> list[str]:
    """The names of a result's columns, numbered where two are the same, as DuckDB does it: id, id_1."""
    names: list[str] = []
    for column in columns:
        name, count = str(column[0]), 0
        while name in names:
            count += 1
            name = f"{column[0]}_{count}"
        names.append(name)
    return names


def json_value(value: Any) -> Any:
    """A value of DuckDB as JSON takes it: decimals without trailing zeros, times with a zone in UTC."""
    if isinstance(value, Decimal):
        # `normalize` alone makes 3E+2 of 300.
        return Decimal(f"{value.normalize():f}")
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, dict):
        return {key: json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value


def as_text(value: Any) -> str:
    """The same value as a text of its own: what JSON says, without the quotes around a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return repr(value)
    encoded = encoder.encode(json_value(value))
    return msgspec.json.decode(encoded, type=str) if encoded.startswith(b'"') else encoded.decode()
