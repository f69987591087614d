"""How every command looks: the same tables and words, colour only on a terminal, whole lines in a pipe."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NO_WIDTH_LIMIT: Final = 1_000_000
# A text from outside must not steer the terminal it is shown on.
CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


def console() -> "Console":
    """Stdout for rich texts: as wide as the terminal, and without limit or colour where it is none."""
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    return Console(soft_wrap=not on_terminal, width=None if on_terminal else NO_WIDTH_LIMIT, highlight=False)


def listing(*columns: str, numbers: Iterable[str] = ()) -> "Table":
    """An empty table with these column heads; those in `numbers` are set to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def facts(lines: Iterable[tuple[str, str]]) -> "Table":
    """Titles with what there is to say to each, one a line."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", show_header=False, box=None, pad_edge=False)
    for title, text in lines:
        table.add_row(Text(title, "bold"), Text(printable(text)))
    return table


def printable(text: str) -> str:
    """The text with its control characters spelled out, all but tab and line feed."""
    return text.translate(CONTROLS)


def size(count: int) -> str:
    """A number of bytes as a person reads it: 3.2 MB."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.3g} {unit}" if amount < 100 else f"{amount:.0f} {unit}"
    return f"{amount / 1000:,.3g} TB"


def say_json(value: Any) -> None:
    """One JSON document and nothing else on stdout."""
    click.echo(msgspec.json.encode(value))
