"""Rows for a person: a table while its columns fit the terminal, else one value a line."""

from typing import IO, TYPE_CHECKING, Any, Final

from warehouse.cli.row_values import Result, as_text, column_names
from warehouse.cli.style import NO_WIDTH_LIMIT, printable

if TYPE_CHECKING:
    from rich.table import Table

# More than this is not read by a person on a terminal.
TERMINAL_ROWS: Final = 1_000
NUMBERS: Final = ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "HUGEINT", "UBIGINT")


def write_readable(result: Result, lines: IO[str], mode: str, width: int | None) -> bool:
    """Write rows as `mode` says: `table`, `line`, or `auto`, a table if it fits `width` columns.

    A width of None is no terminal: there every row is written, and a table has no limit. Gives whether rows were left
    out.
    """
    rows: list[tuple[Any, ...]] = []
    cut = False
    for row in result.rows:
        if width is not None and len(rows) == TERMINAL_ROWS:
            cut = True
            break
        rows.append(row)
    if mode == "line" or not _write_table(result, rows, lines, width, must_fit=mode == "auto"):
        _write_lines(column_names(result.columns), rows, lines)
    return cut


def _write_table(
    result: Result, rows: list[tuple[Any, ...]], lines: IO[str], width: int | None, *, must_fit: bool
) -> bool:
    """Whether the table was written: where `must_fit`, only if no word of it must be cut."""
    from rich.console import Console
    from rich.measure import Measurement

    on_terminal = width is not None
    console = Console(
        file=lines,
        force_terminal=on_terminal,
        soft_wrap=not on_terminal,
        width=width if on_terminal else NO_WIDTH_LIMIT,
    )
    table = _table(result, rows)
    if must_fit and Measurement.get(console, console.options.update(max_width=NO_WIDTH_LIMIT), table).minimum > (
        console.width
    ):
        return False
    console.print(table)
    return True


def _table(result: Result, rows: list[tuple[Any, ...]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, column in zip(column_names(result.columns), result.columns, strict=True):
        is_number = str(column[1]).startswith(NUMBERS)
        table.add_column(Text(printable(name)), justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text("null", "dim") if value is None else Text(printable(as_text(value))) for value in row))
    return table


def _write_lines(names: list[str], rows: list[tuple[Any, ...]], lines: IO[str]) -> None:
    widest = max(map(len, names), default=0)
    for number, row in enumerate(rows):
        if number:
            lines.write("\n")
        for name, value in zip(names, row, strict=True):
            shown = "null" if value is None else printable(as_text(value))
            lines.write(f"{printable(name):>{widest}} = {shown}\n")
