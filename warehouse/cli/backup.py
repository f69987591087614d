"""`warehouse backup`: a copy of the home in another place, made while everything runs."""

import logging.config
import os
import signal
import threading

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, listing, say_json, size, utc
from warehouse.errors import BackupError

MAKE = "to"


class TargetOrVerb(click.Group):
    """A group whose first word, when it is no verb of its own, is the target of its verb `to`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb in where there is none."""
        return super().parse_args(ctx, self.with_verb(args))

    def with_verb(self, args: list[str]) -> list[str]:
        """The same words with a verb. `--home` may stand before either."""
        at = 0
        while at < len(args) and args[at].startswith("--home"):
            at += 1 if "=" in args[at] else 2
        if at < len(args) and args[at] not in {*self.commands, "-h", "--help"}:
            return [*args[:at], MAKE, *args[at:]]
        return args


@click.group(cls=TargetOrVerb)
@home_option
def backup() -> None:
    """Copy the home to another place while everything runs; list and check such copies.

    TARGET is a folder on another disk, or s3://BUCKET/PREFIX with credentials from the environment, as for every AWS
    program (AWS_ACCESS_KEY_ID and so on, AWS_PROFILE, a role; AWS_ENDPOINT_URL for another service that speaks S3).

    \b
    Examples:
      warehouse backup /mnt/backup/newstore
      warehouse backup s3://my-bucket/newstore --keep 48
      warehouse backup list s3://my-bucket/newstore
      warehouse backup verify s3://my-bucket/newstore
    """


@backup.command(MAKE)
@click.argument("target")
@click.option("--keep", type=click.IntRange(1), help="Backups to keep at most.  [default: $WAREHOUSE_BACKUP_KEEP]")
@click.option("--keep-for", metavar="AGE", help="How long to keep them.  [default: $WAREHOUSE_BACKUP_KEEP_FOR]")
@click.option("--every", metavar="AGE", help="Stay, and make one so often; ends on SIGTERM or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON object.")
@home_option
@click.pass_context
def make(
    context: click.Context, target: str, keep: int | None, keep_for: str | None, every: str | None, as_json: bool
) -> None:
    """Make a backup in TARGET; the word `to` may be left out.

    It holds all that was acknowledged before it began. What the target has already is not copied again, and all that is
    copied is read back. Ended at any moment, it leaves earlier backups whole and goes on when it is run again. Older
    backups than are to be kept are let go at its end.

    \b
    Examples:
      warehouse backup to /mnt/backup/newstore --keep-for 30d
      warehouse backup to s3://my-bucket/newstore --every 1h
    """
    settings = load_settings(context, backup_to=target, backup_keep=keep, backup_keep_for=keep_for, backup_every=every)
    from warehouse.backup.retention import Keep
    from warehouse.backup.schedule import backup_and_note, keep_backing_up

    kept, place = Keep(settings.backup_keep, settings.backup_keep_for), str(settings.backup_to)
    if every is not None:
        if as_json:
            raise click.UsageError("--every and --json do not go together.")
        log_here()
        keep_backing_up(settings, place, kept, settings.backup_every, threading.Event())
        return
    with progress("backing up") as bar:
        report = backup_and_note(settings, place, kept, progress=bar.report)
    if as_json:
        say_json(report)
        return
    click.echo(f"backup     {report.id}, in {report.seconds:.1f} s")
    click.echo(f"files      {report.files:,} of {size(report.bytes)}")
    click.echo(f"new        {report.new_files:,} of {size(report.new_bytes)}, each read back")
    if report.dropped:
        click.echo(f"let go     {len(report.dropped):,} older backups")


@backup.command()
@click.argument("target", required=False)
@click.option("--once", is_flag=True, help="Ship what there is, and end.")
@home_option
@click.pass_context
def ship(context: click.Context, target: str | None, once: bool) -> None:
    """Ship journals to TARGET as they grow, within seconds, until told to stop; default is WAREHOUSE_SHIP.

    `warehouse up` does it by itself where WAREHOUSE_SHIP is set. What fails is tried again for as long as it takes.

    \b
    Example:
      warehouse backup ship s3://my-bucket/newstore
    """
    settings = load_settings(context, ship=target)
    if settings.ship is None:
        raise click.UsageError("Name a TARGET, or set WAREHOUSE_SHIP.")
    from warehouse.backup.ship import Shipper, keep_shipping

    if once:
        shipper = Shipper(settings, settings.ship)
        if (unread := shipper.ship()) is not None:
            raise BackupError(unread.reason, unread.hint)
        click.echo(f"shipped    {size(shipper.shipped)} to {shipper.target}; all that was there is there now")
        return
    log_here()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep_shipping(settings, settings.ship, stop)


@backup.command("list")
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON array.")
def list_(target: str, as_json: bool) -> None:
    """List the backups in TARGET, the oldest first, and how much each has that no older one has.

    \b
    Example:
      warehouse backup list /mnt/backup/newstore
    """
    from warehouse.backup.check import list_backups

    lines = list_backups(target)
    if as_json:
        say_json(lines)
        return
    table = listing("backup", "of", "files", "size", "new in it", numbers=["files", "size", "new in it"])
    for line in lines:
        table.add_row(line.id, utc(line.moment), f"{line.files:,}", size(line.bytes), size(line.own_bytes))
    console().print(table)


@backup.command()
@click.argument("target")
@click.option("--json", "as_json", is_flag=True, help="What was read and found, as one JSON object.")
def verify(target: str, as_json: bool) -> int:
    """Read every file of every backup in TARGET and compare it with its digest; exit code 1 when one does not fit.

    \b
    Example:
      warehouse backup verify s3://my-bucket/newstore
    """
    from warehouse.backup.check import verify_target

    with progress("reading the backups") as bar:
        report = verify_target(target, bar.report)
    if as_json:
        say_json(report)
    else:
        click.echo(f"backups    {report.backups:,}")
        click.echo(f"files      {report.files:,} of {size(report.bytes)}")
        for finding in report.findings:
            click.echo(f"damage     {finding}")
        click.echo(f"{len(report.findings):,} findings.")
    return 1 if report.findings else 0


def log_here() -> None:
    """Write what happens to stderr, as the receiver does, and let everybody else have the processor first."""
    from receiver.server import LOGGING

    logging.config.dictConfig(LOGGING)
    os.nice(10)
