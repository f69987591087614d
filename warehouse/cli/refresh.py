"""`warehouse refresh`: bring the marts up to date with every event acknowledged so far."""

import os

import click
import msgspec

from warehouse.cli.home import home_option, load_settings
from warehouse.cli.progress import progress


@click.command()
@click.option("--full", is_flag=True, help="Rebuild every mart from the log instead of what changed.")
@click.option("--json", "as_json", is_flag=True, help="Say what was published as one JSON object.")
@home_option
@click.pass_context
def refresh(context: click.Context, full: bool, as_json: bool) -> None:
    """Seal the journals, build the marts, show them to readers, all at once.

    When it returns, the marts hold every event acknowledged before it started. Readers never wait; when it fails they
    keep the last complete refresh.

    \b
    Examples:
      warehouse refresh
      warehouse refresh --full
    """
    settings = load_settings(context)
    # Acknowledging comes first: the receiver may have the processor whenever it wants it.
    os.nice(10)
    from warehouse.refresh import refresh as refresh_settings

    with progress("refreshing") as bar:
        publication = refresh_settings(settings, full=full, progress=bar.report)
    if as_json:
        click.echo(msgspec.json.encode(publication))
        return
    click.echo(f"Published up to batch {publication.batch} of the log, at {publication.finished_at}.")
    for mart, rows in publication.rows.items():
        click.echo(f"  {mart:<30} {rows:>12,} rows written")
    if not publication.rows:
        click.echo("  Nothing had changed.")
