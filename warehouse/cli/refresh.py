"""`warehouse refresh`: bring the marts up to date with every event acknowledged so far, once or again and again."""

import os
import signal
import threading
from typing import TYPE_CHECKING

import click
import msgspec

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.settings import Settings

if TYPE_CHECKING:
    from warehouse.pipeline.watch import Failed, Refreshed


@click.command()
@click.option("--full", is_flag=True, help="Rebuild every mart from the log instead of what changed.")
@click.option(
    "--watch",
    "seconds",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Stay, and look for something new this often; ends on SIGTERM or Ctrl-C.",
)
@click.option("--json", "as_json", is_flag=True, help="Say what was published as one JSON object a line.")
@home_option
@click.pass_context
def refresh(context: click.Context, full: bool, seconds: float | None, as_json: bool) -> None:
    """Seal the journals, build the marts, show them to readers, all at once.

    When it returns, the marts hold every event acknowledged before it started. Readers never wait; when it fails they
    keep the last complete refresh. With --watch a failure is reported, waited out and tried again.

    \b
    Examples:
      warehouse refresh
      warehouse refresh --full
      warehouse refresh --watch 2
    """
    settings = load_settings(context)
    # Acknowledging comes first: the receiver may have the processor whenever it wants it.
    os.nice(10)
    if seconds is not None:
        if full:
            raise click.UsageError("--full and --watch do not go together.")
        _watch(settings, seconds, as_json)
        return
    from warehouse.pipeline.refresh import refresh as refresh_settings

    with progress("refreshing") as bar:
        publication = refresh_settings(settings, full=full, progress=bar.report)
    if as_json:
        click.echo(msgspec.json.encode(publication))
        return
    if publication.rebuilt is not None:
        click.echo(f"Everything was built again from the log: {publication.rebuilt}.")
    click.echo(f"Published up to batch {publication.batch} of the log, at {publication.finished_at}.")
    for mart, rows in publication.rows.items():
        click.echo(f"  {mart:<30} {rows:>12,} rows written")
    if not publication.rows:
        click.echo("  Nothing had changed.")


def _watch(settings: Settings, seconds: float, as_json: bool) -> None:
    from warehouse.pipeline.watch import Refreshed, watch

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def report(what: "Refreshed | Failed") -> None:
        if isinstance(what, Refreshed):
            click.echo(_refreshed(what, as_json))
        else:
            click.echo(_failed(what), err=True)

    watch(settings, seconds, stop, report)


def _refreshed(refreshed: "Refreshed", as_json: bool) -> str:
    publication = refreshed.publication
    if as_json:
        return msgspec.json.encode(publication).decode()
    rows = sum(publication.rows.values())
    return (
        f"{publication.finished_at}  batch {publication.batch}: {rows:,} rows of {len(publication.rows)} marts "
        f"in {refreshed.seconds:.1f} s"
        + (f"; everything was built again: {publication.rebuilt}" if publication.rebuilt else "")
    )


def _failed(failed: "Failed") -> str:
    message = " ".join(failed.error.message.split())
    return f"Error: {message} Tried again in {failed.pause:.0f} s.\nTry: {failed.error.hint}"
