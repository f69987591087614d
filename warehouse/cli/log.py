"""`warehouse log`: care of the log and of the lake's files."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress

if TYPE_CHECKING:
    from warehouse.care.accepted_losses import Accepted


@click.group()
@home_option
def log() -> None:
    """Care of the log and of the lake's files.

    \b
    Example:
      warehouse log verify
    """


@log.command()
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON object.")
@home_option
@click.pass_context
def compact(context: click.Context, as_json: bool) -> None:
    """Join small files, let go of old snapshots and of the files that nobody needs any more.

    A refresh does this by itself when it is worth it. No row changes, and readers and the receiver never wait.
    Snapshots stay for WAREHOUSE_SNAPSHOTS_KEEP: all of the last ten minutes, before that the last one of each
    minute, after an hour of each hour, and after a day of each day.

    \b
    Example:
      warehouse log compact
    """
    settings = load_settings(context)
    from warehouse.care.lake_compaction import compact as compact_lake

    with progress("compacting") as bar:
        report = compact_lake(settings, progress=bar.report)
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    click.echo(f"log        {report.log_files_before:,} files before, {report.log_files:,} now")
    click.echo(f"           {report.log_rows:,} rows written anew, byte for byte")
    click.echo(f"tables     {len(report.tables):,} put in order")
    click.echo(f"snapshots  {report.snapshots:,} let go")
    click.echo(f"disk       {report.deleted_files:,} files deleted")


@log.command()
@click.option("--json", "as_json", is_flag=True, help="What was read and found, as one JSON object.")
@home_option
@click.pass_context
def verify(context: click.Context, as_json: bool) -> int:
    """Compare log, catalog, journals and the files of marts with each other; changes nothing.

    Every file against its digest, every body against its hash, every journal's positions for gaps, every record of the
    journals against its checksum, the files that are there against those that the catalog knows, the rows of every mart
    against those that were built; a refresh waits for that. The exit code is 1 when anything is wrong, and each finding
    names file and place.

    \b
    Example:
      warehouse log verify
    """
    settings = load_settings(context)
    from warehouse.care.file_digests import table_of
    from warehouse.care.verify import verify as verify_log

    with progress("verifying the log") as bar:
        report = verify_log(settings, bar.report)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(f"log        {report.files:,} files with {report.deliveries:,} deliveries")
        click.echo(f"journals   {report.journals:,} files with {report.records:,} records")
        unproven = f", {report.unproven:,} without a digest until the next refresh" if report.unproven else ""
        click.echo(f"tables     {report.others:,} files{unproven}")
        uncompared = f": {report.uncompared}" if report.uncompared else ""
        click.echo(f"marts      {report.marts:,} compared with what was built{uncompared}")
        _echo_accepted(report.accepted)
        for finding in report.findings:
            click.echo(f"damage     {finding}")
        click.echo(f"{len(report.findings):,} findings in {report.bytes:,} bytes.")
    marts = {mart for finding in report.findings if (mart := table_of(settings, finding))}
    if marts:
        click.echo(f"Try: `warehouse refresh --full` writes {', '.join(sorted(marts))} again.", err=True)
    if any(table_of(settings, finding) is None for finding in report.findings):
        click.echo(
            "Try: `warehouse log recover` shows what can be mended, `warehouse log recover --yes` does it; what is "
            "missing then, and in no backup, is accepted as lost by `warehouse log recover --accept-losses`.",
            err=True,
        )
    return 1 if report.findings else 0


@log.command()
@click.option("--yes", is_flag=True, help="Do it; without this it only says what it would do.")
@click.option(
    "--accept-losses",
    is_flag=True,
    help="From now on `verify` finds nothing in what is missing for ever, and counts it.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def recover(context: click.Context, yes: bool, accept_losses: bool, as_json: bool) -> int:
    """Make a lost or damaged catalog anew, from the files of the log and the journals alone.

    Without --yes nothing is done: it says what would be, and the exit code is 1 when something has to be. Nothing is
    deleted: the old catalog, damaged files and the marts of before go into a folder beside the catalog. Run
    `warehouse refresh` afterwards, which builds the marts again.

    Deliveries that are in no file and no journal any more stay missing. --accept-losses says that you know of those
    that are missing now: `warehouse log verify` then counts them as accepted and ends well; what goes missing later is
    a finding again.

    \b
    Examples:
      warehouse log recover
      warehouse log recover --yes
      warehouse log recover --accept-losses
    """
    settings = load_settings(context)
    from warehouse.care.recover import recover as recover_log

    with progress("reading the log") as bar:
        found = recover_log(settings, bar.report, dry_run=not yes, accept=accept_losses)
    is_open = found.is_needed and not yes
    if as_json:
        click.echo(msgspec.json.encode(found))
        return int(is_open)
    click.echo(f"log        {found.deliveries:,} deliveries, up to batch {found.batch}")
    click.echo(f"files      {found.files:,} whole, {found.partly:,} in part, {found.superseded:,} not needed")
    click.echo(f"journals   {found.from_journals:,} deliveries that no file has")
    _echo_accepted(found.accepted)
    for finding in found.damage:
        click.echo(f"damage     {finding}")
    if yes:
        click.echo(f"The catalog is made anew; what was there before is in {found.aside}.")
        click.echo("`warehouse refresh` builds the marts again.")
    elif is_open:
        click.echo("Nothing was changed: this is what it would do. `warehouse log recover --yes` does it.", err=True)
    else:
        click.echo("Nothing was changed, and nothing has to be: the catalog is what it would be made.")
    return int(is_open)


def _echo_accepted(accepted: "Accepted") -> None:
    if accepted.deliveries:
        click.echo(f"accepted   {accepted.deliveries:,} deliveries are lost, the first accepted at {accepted.since}")


@log.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--since", metavar="TIME", help="Only what was received from this time on, in UTC.")
@click.option("--until", metavar="TIME", help="Only what was received before this time, in UTC.")
@click.option("--name", metavar="EVENT", help="Only this event, such as order.created.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as one JSON object.")
@home_option
@click.pass_context
def export(
    context: click.Context, file: Path, since: str | None, until: str | None, name: str | None, as_json: bool
) -> None:
    """Write deliveries to FILE, one envelope a line as NewStore exports them; packed when it ends in .gz or .zst.

    `warehouse replay --reference FILE` takes it back, here or into another home. A body is written byte for byte; one
    that came over several lines is put on one line. What is no JSON and cannot be a line is counted and left out, and
    so is what came to the webhook as reference data: no event is.

    \b
    Examples:
      warehouse log export everything.ndjson.zst
      warehouse log export november.ndjson.gz --since 2025-11-01 --until 2025-12-01 --name order.created
    """
    settings = load_settings(context)
    from warehouse.care.export_log import LogSlice, export_log

    with progress("exporting the log") as bar:
        report = export_log(settings, file, LogSlice(since, until, name), bar.report)
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    click.echo(f"{report.deliveries:,} deliveries are in {file}.")
    if report.joined:
        click.echo(f"  {report.joined:,} of them came over several lines and are on one now")
    if report.left_out:
        click.echo(f"{report.left_out:,} are left out, which are no events; `--json` names them.", err=True)
