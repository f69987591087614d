"""`warehouse log`: care of the log and of the lake's files."""

import click
import msgspec

from warehouse.cli.home import home_option, load_settings
from warehouse.cli.progress import progress


@click.group()
@home_option
def log() -> None:
    """Care of the log and of the lake's files.

    \b
    Example:
      warehouse log compact
    """


@log.command()
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON object.")
@home_option
@click.pass_context
def compact(context: click.Context, as_json: bool) -> None:
    """Join small files, let go of old snapshots and of the files that nobody needs any more.

    A refresh does this by itself when it is worth it. No row changes, and readers and the receiver never wait.
    Snapshots stay for WAREHOUSE_SNAPSHOTS_KEEP: all of the last hour, before that the last one of each hour.

    \b
    Example:
      warehouse log compact
    """
    settings = load_settings(context)
    from warehouse.maintenance import compact as compact_lake

    with progress("compacting") as bar:
        report = compact_lake(settings, progress=bar.report)
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    click.echo(f"log        {report.log_files_before:,} files before, {report.log_files:,} now")
    click.echo(f"           {report.log_rows:,} rows written anew, byte for byte")
    click.echo(f"marts      {len(report.marts):,} put in order")
    click.echo(f"snapshots  {report.snapshots:,} let go")
    click.echo(f"disk       {report.deleted_files:,} files deleted")
