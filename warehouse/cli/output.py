"""How rows leave the command line: complete, exact, and in forms that other programs read back as the same values."""

import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

import click
import duckdb
import msgspec

from warehouse.cli.look import NO_WIDTH_LIMIT, printable
from warehouse.whole_file import whole_file

Rows = Iterator[tuple[Any, ...]]

BATCH_ROWS: Final = 10_000
# More than this is not read by a person on a terminal.
TERMINAL_ROWS: Final = 1_000
NUMBERS: Final = ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT")

_encoder = msgspec.json.Encoder(decimal_format="number")


def write_rows(
    con: duckdb.DuckDBPyConnection, query: str, layout: str, out: Path | None, before_output: Callable[[], None]
) -> None:
    """Run `query` and write its rows as `layout` (table, csv, json or parquet) to `out`, else to stdout.

    `before_output` is called when there is something to write. Raises duckdb.Error for what is wrong with the query;
    `out` then stays as it was.
    """
    with _destination(out) as stream:
        if layout == "parquet":
            _write_parquet(con, query, stream, before_output)
            return
        result = con.execute(query)
        rows = _rows(result)
        before_output()
        {"json": _write_json, "csv": _write_csv, "table": _write_table}[layout](result, rows, stream)


@contextmanager
def _destination(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(out) as stream:
        yield stream


def _write_json(result: duckdb.DuckDBPyConnection, rows: Rows, stream: IO[bytes]) -> None:
    names = _names(result)
    is_json = [str(column[1]) == "JSON" for column in result.description or ()]
    separator = b"[\n"
    for row in rows:
        values = (
            msgspec.Raw(value.encode()) if raw and value is not None else json_value(value)
            for value, raw in zip(row, is_json, strict=True)
        )
        stream.write(separator + _encoder.encode(dict(zip(names, values, strict=True))))
        separator = b",\n"
    stream.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _write_csv(result: duckdb.DuckDBPyConnection, rows: Rows, stream: IO[bytes]) -> None:
    with _text(stream) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_names(result))
        for row in rows:
            writer.writerow(["" if value is None else as_text(value) for value in row])


def _write_parquet(
    con: duckdb.DuckDBPyConnection, query: str, stream: IO[bytes], before_output: Callable[[], None]
) -> None:
    relation = con.sql(query)
    # Parquet is written with seeking back, which a pipe cannot do.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        relation.write_parquet(str(path), compression="zstd")
        before_output()
        with path.open("rb") as rows:
            shutil.copyfileobj(rows, stream)


def _write_table(result: duckdb.DuckDBPyConnection, rows: Rows, stream: IO[bytes]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    with _text(stream) as lines:
        console = Console(file=lines, soft_wrap=not stream.isatty(), width=None if stream.isatty() else NO_WIDTH_LIMIT)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for name, column in zip(_names(result), result.description or (), strict=True):
            is_number = str(column[1]).startswith(NUMBERS)
            table.add_column(Text(printable(name)), justify="right" if is_number else "left")
        cut = False
        for number, row in enumerate(rows):
            if number == TERMINAL_ROWS and console.is_terminal:
                cut = True
                break
            table.add_row(*(Text("null", "dim") if value is None else Text(printable(as_text(value))) for value in row))
        console.print(table)
    if cut:
        click.echo(f"The first {TERMINAL_ROWS:,} rows; --out FILE or a pipe gets all of them.", err=True)


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
    encoded = _encoder.encode(json_value(value))
    return msgspec.json.decode(encoded, type=str) if encoded.startswith(b'"') else encoded.decode()


def _names(result: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of a result's columns, numbered where two are the same, as DuckDB does it: id, id_1."""
    names: list[str] = []
    for column in result.description or ():
        name, count = str(column[0]), 0
        while name in names:
            count += 1
            name = f"{column[0]}_{count}"
        names.append(name)
    return names


def _rows(result: duckdb.DuckDBPyConnection) -> Rows:
    """All rows, the first of them fetched already: until then DuckDB may have a lot to do."""
    first = result.fetchmany(BATCH_ROWS)
    return chain(first, chain.from_iterable(iter(lambda: result.fetchmany(BATCH_ROWS), [])))


@contextmanager
def _text(stream: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        # The stream stays open: it is not this function's.
        text.detach()
