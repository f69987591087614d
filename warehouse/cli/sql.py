"""`warehouse sql`: a query over the lake, which it cannot change, as a table, CSV, JSON or Parquet."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import Bar, progress

if TYPE_CHECKING:
    from warehouse.settings import Settings

FORMATS: Final = ("table", "csv", "json", "parquet")


@click.command()
@click.argument("query")
@click.option("--format", "layout", type=click.Choice(FORMATS), help="How to write the rows.  [default: table]")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, whole or not at all.")
@click.option("--at", metavar="TIMESTAMP", help="Read the lake as it was then, such as '2025-11-24 08:00' (UTC).")
@home_option
@click.pass_context
def sql(
    context: click.Context, query: str, layout: str | None, as_json: bool, out: Path | None, at: str | None
) -> None:
    """Query the lake, read-only. QUERY is SQL as DuckDB speaks it, or - to read it from stdin.

    JSON and CSV give decimals as exact numbers, times in ISO 8601 and UTC, blobs in base64. In CSV, a text that a
    spreadsheet would run as a formula begins with an apostrophe. Of several statements a table shows each result; every
    other format holds one. On a terminal, rows too wide for it are shown one value a line.

    \b
    Examples:
      warehouse sql "show tables from marts"
      warehouse sql --json "select * from marts.fct_orders limit 3"
      warehouse sql --format parquet --out orders.parquet "from marts.fct_orders"
      warehouse sql --at "2025-11-24 08:00" "select count(*) from marts.fct_orders"
    """
    layout = _layout(context, layout, as_json, out)
    if query == "-":
        query = sys.stdin.read()
    if not query.strip(" \t\r\n;"):
        raise click.UsageError("the query is empty.", context)
    settings = load_settings(context)
    with progress("querying") as bar:
        _answer(settings, query, layout, out, at, bar)


def _layout(context: click.Context, layout: str | None, as_json: bool, out: Path | None) -> str:
    if as_json and layout not in (None, "json"):
        raise click.UsageError(f"--json contradicts --format {layout}.", context)
    if layout == "parquet" and out is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not for a terminal: name a file with --out, or pipe it on.", context)
    return "json" if as_json else layout or "table"


def _answer(settings: "Settings", query: str, layout: str, out: Path | None, at: str | None, bar: Bar) -> None:
    # Not at the top: a wrong option is told without waiting for DuckDB.
    from warehouse.cli.query_errors import interruptible
    from warehouse.cli.row_formats import write_answers
    from warehouse.lake.connection import open_lake
    from warehouse.lake.time_travel import open_moment
    from warehouse.serving.pasted_sql import able_to_run
    from warehouse.serving.reader_statements import only_read, statements

    con = open_lake(settings, read_only=True) if at is None else open_moment(settings, at)
    with con:
        only_read(con)
        interruptible(con, lambda: statements(con, query))
        with able_to_run(con, settings, query):
            interruptible(con, lambda: write_answers(con, query, layout, out, bar.hide))
