"""`warehouse status`: what is where, and how far each stage is behind the one before it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from warehouse.cli.exit_codes import say
from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, facts, listing, say_json, size

if TYPE_CHECKING:
    from warehouse.health.overview import Overview

NOT_READ: Final = "it cannot be read, see below"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def status(context: click.Context, as_json: bool) -> int:
    """Show the home: journal, log, refreshes, what was looked through of the log, rows of each mart.

    What cannot be read is named, hides nothing else, and makes the exit code 1.

    \b
    Examples:
      warehouse status
      warehouse --home /srv/newstore status --json
    """
    settings = load_settings(context)
    from warehouse.health.overview import overview

    with progress("reading the journals") as bar:
        found = overview(settings, bar.report)
    code = 1 if found.unread else 0
    if as_json:
        say_json(found)
        return code
    out = console()
    out.print(facts(_lines(found)))
    if found.marts:
        table = listing("table", "rows", numbers=["rows"])
        for mart, rows in found.marts.items():
            table.add_row(mart, f"{rows:,}")
        out.print("", table, sep="\n")
    for unread in found.unread:
        say(f"{unread.source}: {unread.reason}", unread.hint)
    return code


def _lines(found: "Overview") -> Iterator[tuple[str, str]]:
    unread = {one.source for one in found.unread}
    yield "home", found.home
    if (journal := found.journal) is None:
        yield "journal", NOT_READ
    else:
        waiting = f"{journal.unsealed:,} deliveries not in the log yet"
        yield "journal", f"{journal.files:,} files, {size(journal.bytes)}; {waiting}"
        for damage in journal.damage:
            yield "damage", damage
    if (log := found.log) is None:
        yield "log", NOT_READ if "lake" in unread else "none yet; `warehouse refresh` makes it"
    else:
        last = f", the last received {log.last_received_at}" if log.last_received_at else ""
        yield "log", f"{log.deliveries:,} deliveries up to batch {log.batch}{last}"
        yield "problems", ", ".join(f"{count:,} {problem}" for problem, count in log.problems.items()) or "none"
    if (refresh := found.refresh) is not None:
        yield "refresh", f"batch {refresh.batch}, at {refresh.finished_at}"
    else:
        yield "refresh", NOT_READ if "publication" in unread else "none yet; `warehouse refresh`"
    yield from _attempt(found)
    yield from _looked_through(found)


def _attempt(found: "Overview") -> Iterator[tuple[str, str]]:
    if (attempt := found.attempt) is None:
        return
    if attempt.failure is not None and attempt.failures:
        text = f"{attempt.failures:,} failed since the last that went well; the last, {attempt.failure.failed_at}: "
        yield "attempt", f"{attempt.state}; {text}{attempt.failure.message}"
        yield "", f"Try: {attempt.failure.hint}"
    else:
        yield "attempt", f"{attempt.state}; it began at {attempt.started_at}"


def _looked_through(found: "Overview") -> Iterator[tuple[str, str]]:
    watched = found.log_watch
    if watched is None or watched.looked_at is None:
        yield "verified", "not known" if watched is None else "nothing yet; `warehouse log verify` looks at all of it"
        return
    since = f", each since {watched.oldest_look_at}" if watched.oldest_look_at else ""
    text = f"{watched.verified:,} of {watched.files:,} files of the lake{since}; {watched.damaged:,} findings"
    yield "verified", text
    for finding in watched.findings:
        yield "damage", finding
    if watched.unread is not None:
        yield "damage", watched.unread.reason
