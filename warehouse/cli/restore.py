"""`warehouse restore`: a home made of a backup."""

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import say_json, size, utc


@click.command()
@click.argument("target")
@click.option("--at", metavar="TIME", help="The home as it was then, such as '2025-11-24 08:00' (UTC).")
@click.option(
    "--shipped", metavar="TARGET", help="Where journals were shipped.  [default: $WAREHOUSE_SHIP, and TARGET]"
)
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON object.")
@home_option
@click.pass_context
def restore(context: click.Context, target: str, at: str | None, shipped: str | None, as_json: bool) -> int:
    """Make the home what it was: the newest backup in TARGET and the journals shipped since; verify it and refresh.

    The home must be empty. Every file is compared with its digest. Ended at any moment, it goes on when it is run
    again; until it is done nothing else starts in that home. Who was erased, as the newest backup knows it, is erased
    again. The exit code is 1 when `log verify` finds anything.

    \b
    Examples:
      warehouse --home /srv/newstore restore s3://my-bucket/newstore
      warehouse --home /tmp/before restore /mnt/backup/newstore --at '2025-11-24 08:00'
    """
    settings = load_settings(context, ship=shipped)
    from warehouse.backup.restore import restore as restore_home
    from warehouse.care.verify import verify
    from warehouse.erasure.run import erase_again
    from warehouse.pipeline.refresh import refresh

    with progress("fetching the backup") as bar:
        report = restore_home(settings, target, at, bar.report, settings.ship, erase_again)
    with progress("verifying the log") as bar:
        checked = verify(settings, bar.report)
    with progress("refreshing") as bar:
        publication = refresh(settings, progress=bar.report)
    if as_json:
        findings = [str(finding) for finding in checked.findings]
        say_json({"restored": report, "findings": findings, "batch": publication.batch})
    else:
        named = f"{report.backup}, of {utc(report.moment)}" if report.backup else "no backup, shipped journals alone"
        click.echo(f"restored   {named}")
        click.echo(f"files      {report.files:,} of {size(report.bytes)}")
        click.echo(f"shipped    more of {report.shipped:,} journals")
        for finding in checked.findings:
            click.echo(f"damage     {finding}")
        click.echo(f"verified   {checked.deliveries:,} deliveries in the log, {checked.records:,} in journals")
        click.echo(f"refreshed  up to batch {publication.batch} of the log")
    return 1 if checked.findings else 0
