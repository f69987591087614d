"""`warehouse status`: what is where, and how far each stage is behind the one before it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from warehouse.cli.home import home_option, load_settings
from warehouse.cli.look import console, facts, listing, say_json, size
from warehouse.cli.progress import progress

if TYPE_CHECKING:
    from warehouse.overview import Overview


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show the home: journal, log, last refresh, rows of each mart.

    \b
    Examples:
      warehouse status
      warehouse --home /srv/newstore status --json
    """
    settings = load_settings(context)
    from warehouse.overview import overview

    with progress("reading the journals") as bar:
        found = overview(settings, bar.report)
    if as_json:
        say_json(found)
        return
    out = console()
    out.print(facts(_lines(found)))
    if found.marts:
        table = listing("table", "rows", numbers=["rows"])
        for mart, rows in found.marts.items():
            table.add_row(mart, f"{rows:,}")
        out.print("", table, sep="\n")


def _lines(found: "Overview") -> Iterator[tuple[str, str]]:
    journal, log, refresh = found.journal, found.log, found.refresh
    yield "home", found.home
    yield (
        "journal",
        f"{journal.files:,} files, {size(journal.bytes)}; {journal.unsealed:,} deliveries not in the log yet",
    )
    for damage in journal.damage:
        yield "damage", damage
    if log is None:
        yield "log", "none yet; `warehouse refresh` makes it"
    else:
        last = f", the last received {log.last_received_at}" if log.last_received_at else ""
        yield "log", f"{log.deliveries:,} deliveries up to batch {log.batch}{last}"
        yield "problems", ", ".join(f"{count:,} {problem}" for problem, count in log.problems.items()) or "none"
    yield "refresh", f"batch {refresh.batch}, at {refresh.finished_at}" if refresh else "none yet; `warehouse refresh`"
