"""`warehouse status`: what is where, and how far each stage is behind the one before it."""

import click
import msgspec

from warehouse.cli.home import home_option, load_settings
from warehouse.cli.progress import progress


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
        click.echo(msgspec.json.encode(found))
        return
    journal, log, refresh = found.journal, found.log, found.refresh
    _line("home", found.home)
    _line(
        "journal",
        f"{journal.files:,} files, {journal.bytes:,} bytes; {journal.unsealed:,} deliveries not in the log yet",
    )
    for damage in journal.damage:
        _line("damage", damage)
    if log is None:
        _line("log", "none yet; `warehouse refresh` makes it")
    else:
        last = f", the last received {log.last_received_at}" if log.last_received_at else ""
        _line("log", f"{log.deliveries:,} deliveries up to batch {log.batch}{last}")
        _line("problems", ", ".join(f"{count:,} {problem}" for problem, count in log.problems.items()) or "none")
    _line("refresh", f"batch {refresh.batch}, at {refresh.finished_at}" if refresh else "none yet; `warehouse refresh`")
    for mart, rows in found.marts.items():
        click.echo(f"  {mart:<34} {rows:>12,} rows")


def _line(title: str, text: str) -> None:
    click.echo(f"{title:<9} {text}")
