"""What can be said at the prompt: SQL statements, and commands that begin with a dot."""

import io
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

import click
import duckdb

from warehouse.cli.query_errors import interruptible, told
from warehouse.cli.readable_rows import TERMINAL_ROWS, write_readable
from warehouse.cli.row_formats import layout_for, write_rows
from warehouse.cli.row_values import result_of
from warehouse.cli.style import console, listing, printable
from warehouse.errors import LakeError
from warehouse.lake.connection import BOOKKEEPING
from warehouse.serving.pasted_sql import able_to_run
from warehouse.serving.reader_statements import only_read, statements
from warehouse.settings import Settings

HELP: Final = (
    (".tables [SCHEMA]", "the tables, of log, marts or trust, and what each is"),
    (".schema TABLE", "the columns of a table, their types and what each is"),
    (".mode auto|table|line", "show rows as a table, one value a line, or (auto) as whichever fits"),
    (".save FILE", "write the rows of the last query to a file: .csv, .json, .parquet or .txt"),
    (".pager on|off", "show what is longer than the terminal in a pager"),
    (".timing on|off", "say after each query how long it took"),
    (".help", "this list"),
    (".exit", "leave, as Ctrl-D does"),
)
WIDEST_TEXT: Final = 100
MODES: Final = ("auto", "table", "line")


class Session:
    """A connection and how its answers are shown. `over` once somebody said `.exit`."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self.con = con
        self._settings = settings
        self.timing = True
        self.pager = True
        self.mode = "auto"
        self.over = False
        self._last_query: str | None = None
        only_read(con)
        # For a pager of that name: colours are shown, and what was read stays on the screen.
        os.environ.setdefault("LESS", "-RX")

    def run(self, text: str) -> None:
        """Run a dot command, or statements of SQL, and show what they give. Raises LakeError, KeyboardInterrupt."""
        if text.lstrip().startswith("."):
            self._command(*_words(text))
            return
        try:
            found = statements(self.con, text)
        except duckdb.Error as error:
            raise told(error) from error
        for statement in found:
            began = time.monotonic()
            with able_to_run(self.con, self._settings, statement.query):
                self._run(statement)
            if self.timing:
                click.echo(click.style(f"{time.monotonic() - began:.3f} s", dim=True), err=True)

    def _run(self, statement: duckdb.Statement) -> None:
        if statement.expected_result_type == [duckdb.ExpectedResultType.NOTHING]:
            interruptible(self.con, partial(self.con.execute, statement.query))
        else:
            self._last_query = statement.query
            self._show(statement.query)

    def _show(self, query: str) -> None:
        """Write the rows of a query to stdout, through a pager where they are longer than the terminal."""
        on_terminal = sys.stdout.isatty()
        size = shutil.get_terminal_size()
        shown = io.StringIO() if on_terminal else sys.stdout
        cut = False

        def write() -> None:
            nonlocal cut
            cut = write_readable(result_of(self.con, query), shown, self.mode, size.columns if on_terminal else None)

        interruptible(self.con, write)
        if isinstance(shown, io.StringIO):
            text = shown.getvalue()
            if self.pager and text.count("\n") >= size.lines:
                click.echo_via_pager(text, color=True)
            else:
                click.echo(text, nl=False, color=True)
        if cut:
            click.echo(f"The first {TERMINAL_ROWS:,} rows; .save FILE gets all of them.", err=True)

    def run_lines(self, lines: Iterable[str]) -> None:
        """Run what comes line by line as if it were typed, up to the first thing that is wrong."""
        text = ""
        for line in lines:
            text += line
            if is_whole(text):
                self.run(text)
                text = ""
            if self.over:
                return
        self.run(text)

    def _command(self, name: str, *arguments: str) -> None:
        commands: dict[str, Callable[..., None]] = {
            ".tables": self._tables,
            ".schema": self._schema,
            ".mode": self._mode,
            ".save": self._save,
            ".pager": self._pager,
            ".timing": self._timing,
            ".help": self._help,
            ".exit": self._exit,
            ".quit": self._exit,
        }
        if name not in commands:
            raise LakeError("there is no such command.", ".help lists them", where=printable(name))
        try:
            commands[name](*(argument.rstrip(";") for argument in arguments))
        except TypeError as error:
            raise LakeError("not with these words.", ".help says how", where=name) from error

    def _tables(self, schema: str | None = None) -> None:
        from warehouse.serving.duckdb_export import descriptions

        table = listing("table", "what it is")
        for found, name in tables(self.con):
            if schema in (None, found):
                described = descriptions().get(name)
                table.add_row(f"{found}.{name}", _first_sentence(described.text) if described else "")
        console().print(table)

    def _schema(self, name: str) -> None:
        from warehouse.serving.duckdb_export import descriptions

        schema, _, table_name = name.rpartition(".")
        columns = self.con.execute(
            """
            select column_name, lower(data_type)
            from duckdb_columns()
            where database_name = 'lake' and table_name = ? and (? = '' or schema_name = ?)
            order by schema_name, column_index
            """,
            [table_name, schema, schema],
        ).fetchall()
        if not columns:
            raise LakeError("there is no such table.", ".tables lists them", where=printable(name))
        described = descriptions().get(table_name)
        texts = described.columns if described else {}
        table = listing("column", "type", "what it is")
        for column, kind in columns:
            table.add_row(column, kind, texts.get(column, ""))
        console().print(table)

    def _mode(self, mode: str) -> None:
        self.mode = _one_of(".mode", mode, MODES)

    def _save(self, name: str) -> None:
        if self._last_query is None:
            raise LakeError(".save: there was no query yet.", "ask something, then .save FILE")
        path = Path(name)
        save = partial(write_rows, self.con, self._last_query, layout_for(path), path, _nothing)
        with able_to_run(self.con, self._settings, self._last_query):
            interruptible(self.con, save)
        click.echo(f"Saved in {printable(name)}.")

    def _pager(self, state: str) -> None:
        self.pager = _one_of(".pager", state, ("on", "off")) == "on"

    def _timing(self, state: str) -> None:
        self.timing = _one_of(".timing", state, ("on", "off")) == "on"

    def _help(self) -> None:
        table = listing("command", "does")
        for row in HELP:
            table.add_row(*row)
        console().print(table)

    def _exit(self) -> None:
        self.over = True


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise LakeError("a quote is not closed.", "close it, or leave it out", where=printable(text.strip())) from error


def _one_of(command: str, word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        right = ", or ".join(f"{command} {known}" for known in words)
        raise LakeError(f"{command} {printable(word)}: not with this word.", right)
    return word


def is_whole(text: str) -> bool:
    """Whether nothing more belongs to this text: a dot command, or what ends with a semicolon."""
    stripped = text.strip()
    return not stripped or stripped.startswith(".") or stripped.endswith(";")


def tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Schema and name of every table of the lake."""
    return con.execute(
        """
        select schema_name, table_name
        from duckdb_tables()
        where database_name = 'lake' and table_name not in (select unnest(?))
        order by all
        """,
        [list(BOOKKEEPING)],
    ).fetchall()


def _first_sentence(text: str) -> str:
    first = text.split(". ", maxsplit=1)[0].rstrip(".")
    return first if len(first) <= WIDEST_TEXT else f"{first[: WIDEST_TEXT - 1].rstrip()}…"


def _nothing() -> None:
    """There is no bar to take away before the rows."""
