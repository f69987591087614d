"""How rows leave the command line: complete, exact, and in forms that other programs read back as the same values."""

import csv
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import click
import duckdb
import msgspec

from warehouse.cli.readable_rows import TERMINAL_ROWS, write_readable
from warehouse.cli.row_values import Result, as_text, column_names, encoder, json_value, result_of
from warehouse.errors import LakeError
from warehouse.system.whole_file import whole_file

# By the ending of a file that rows are saved in.
LAYOUTS: Final = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".txt": "table"}
# What a spreadsheet takes for a formula. A phone number or an amount begins like one and is none.
FORMULA: Final = re.compile(r"[=@\t\r]|[+-](?![\d\s().,/-]*$)")


def write_answers(
    con: duckdb.DuckDBPyConnection, text: str, layout: str, out: Path | None, before_output: Callable[[], None]
) -> None:
    """Run the statements of `text` one after the other and write what each gives, as `write_rows` does.

    A file, and every layout but a table, holds one result: raises LakeError where there would be several, before any of
    them is run. Raises duckdb.Error for what is wrong with a statement.
    """
    statements = con.extract_statements(text)
    giving = [found for found in statements if found.expected_result_type != [duckdb.ExpectedResultType.NOTHING]]
    if len(giving) > 1 and (layout != "table" or out is not None):
        form = f"one file of {layout}" if out is not None else layout
        raise LakeError(
            f"these are {len(giving)} queries, and {form} holds the rows of one.",
            "ask for one at a time; --format table without --out shows all",
        )
    for number, statement in enumerate(statements):
        if statement not in giving:
            con.execute(statement.query)
            continue
        if number and out is None and layout == "table":
            click.echo()
        write_rows(con, statement.query, layout, out, before_output)


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
        result = result_of(con, query)
        before_output()
        {"json": _write_json, "csv": _write_csv, "table": _write_table}[layout](result, stream)


def layout_for(path: Path) -> str:
    """The layout that a file's ending asks for. Raises LakeError for an ending that says nothing."""
    layout = LAYOUTS.get(path.suffix.lower())
    if layout is None:
        raise LakeError("its ending does not say how to write the rows.", f"one of {', '.join(LAYOUTS)}", where=path)
    return layout


@contextmanager
def _destination(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(out) as stream:
        yield stream


def _write_json(result: Result, stream: IO[bytes]) -> None:
    names = column_names(result.columns)
    is_json = [str(column[1]) == "JSON" for column in result.columns]
    separator = b"[\n"
    for row in result.rows:
        values = (
            msgspec.Raw(value.encode()) if raw and value is not None else json_value(value)
            for value, raw in zip(row, is_json, strict=True)
        )
        stream.write(separator + encoder.encode(dict(zip(names, values, strict=True))))
        separator = b",\n"
    stream.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _write_csv(result: Result, stream: IO[bytes]) -> None:
    with _text(stream) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(map(_cell, column_names(result.columns)))
        for row in result.rows:
            writer.writerow(map(_cell, row))


def _cell(value: Any) -> str:
    """A value as a cell. Texts come from customers: one that a spreadsheet would run is given an apostrophe."""
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    return "" if value is None else as_text(value)


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


def _write_table(result: Result, stream: IO[bytes]) -> None:
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    with _text(stream) as lines:
        cut = write_readable(result, lines, "auto", width)
    if cut:
        click.echo(f"The first {TERMINAL_ROWS:,} rows; --out FILE or a pipe gets all of them.", err=True)


@contextmanager
def _text(stream: IO[bytes]) -> Iterator[IO[str]]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        # The stream stays open: it is not this function's.
        text.detach()
