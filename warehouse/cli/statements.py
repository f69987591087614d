"""What can be said at the prompt: SQL statements, and commands that begin with a dot."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import click
import duckdb

from warehouse.cli.asking import interruptible, told
from warehouse.cli.look import console, listing, printable
from warehouse.cli.output import write_rows
from warehouse.errors import LakeError
from warehouse.lake import BOOKKEEPING
from warehouse.reading import only_read, statements

HELP: Final = (
    (".tables [SCHEMA]", "the tables, of log, marts or trust, and what each is"),
    (".schema TABLE", "the columns of a table, their types and what each is"),
    (".timing on|off", "say after each query how long it took"),
    (".help", "this list"),
    (".exit", "leave, as Ctrl-D does"),
)
WIDEST_TEXT: Final = 100


class Session:
    """A connection and how its answers are shown. `over` once somebody said `.exit`."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self.timing = True
        self.over = False
        only_read(con)

    def run(self, text: str) -> None:
        """Run a dot command, or statements of SQL, and show what they give. Raises LakeError, KeyboardInterrupt."""
        if text.lstrip().startswith("."):
            self._command(*text.split())
            return
        try:
            found = statements(self.con, text)
        except duckdb.Error as error:
            raise told(error) from error
        for statement in found:
            began = time.monotonic()
            if statement.expected_result_type == [duckdb.ExpectedResultType.NOTHING]:
                interruptible(self.con, partial(self.con.execute, statement.query))
            else:
                interruptible(self.con, partial(write_rows, self.con, statement.query, "table", None, _nothing))
            if self.timing:
                click.echo(click.style(f"{time.monotonic() - began:.3f} s", dim=True), err=True)

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
            ".timing": self._timing,
            ".help": self._help,
            ".exit": self._exit,
            ".quit": self._exit,
        }
        if name not in commands:
            raise LakeError(f"{printable(name)}: there is no such command.", ".help lists them")
        try:
            commands[name](*(argument.rstrip(";") for argument in arguments))
        except TypeError as error:
            raise LakeError(f"{name}: not with these words.", ".help says how") from error

    def _tables(self, schema: str | None = None) -> None:
        from warehouse.export import descriptions

        table = listing("table", "what it is")
        for found, name in tables(self.con):
            if schema in (None, found):
                described = descriptions().get(name)
                table.add_row(f"{found}.{name}", _first_sentence(described.text) if described else "")
        console().print(table)

    def _schema(self, name: str) -> None:
        from warehouse.export import descriptions

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
            raise LakeError(f"{printable(name)}: there is no such table.", ".tables lists them")
        described = descriptions().get(table_name)
        texts = described.columns if described else {}
        table = listing("column", "type", "what it is")
        for column, kind in columns:
            table.add_row(column, kind, texts.get(column, ""))
        console().print(table)

    def _timing(self, state: str) -> None:
        if state not in ("on", "off"):
            raise LakeError(f".timing {printable(state)}: not with this word.", ".timing on, or .timing off")
        self.timing = state == "on"

    def _help(self) -> None:
        table = listing("command", "does")
        for row in HELP:
            table.add_row(*row)
        console().print(table)

    def _exit(self) -> None:
        self.over = True


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
