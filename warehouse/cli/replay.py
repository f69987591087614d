"""`warehouse replay`: files of envelopes, through the same journal and checks as deliveries over the web."""

from pathlib import Path

import click
import msgspec

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--reference",
    "with_reference",
    is_flag=True,
    help="Also take reference data, from an export of this product's own log.",
)
@click.option("--json", "as_json", is_flag=True, help="Say what was appended as one JSON object.")
@home_option
@click.pass_context
def replay(context: click.Context, files: tuple[Path, ...], with_reference: bool, as_json: bool) -> None:
    """Append FILES of envelopes, one JSON object a line: NewStore's export, an export of this log, a simulation.

    What is already in the log becomes a duplicate and changes no fact, so a file may be replayed any number of times.

    \b
    Examples:
      warehouse replay export-2025-*.ndjson
      warehouse replay --reference our-log.ndjson.zst
    """
    settings = load_settings(context)
    from warehouse.journal.replay import replay as replay_files

    with progress("replaying") as bar:
        result = replay_files(settings, files, progress=bar.report, with_reference=with_reference)
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    click.echo(f"{result.deliveries:,} deliveries of {result.files:,} files are in the journal.")
    for problem, count in result.problems.items():
        click.echo(f"  {count:,} of them {problem}")
    click.echo("`warehouse refresh` brings them into the marts.")
