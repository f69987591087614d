"""`warehouse erase`: take a person out of everything that this home holds."""

import os
from typing import TYPE_CHECKING

import click
import msgspec

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.settings import Settings

if TYPE_CHECKING:
    from warehouse.erasure.person import Wanted
    from warehouse.erasure.run import ErasureReport


@click.command()
@click.argument("who", type=click.Choice(["customer", "employee"]), required=False)
@click.argument("identity", metavar="[ID]", required=False)
@click.option("--email", metavar="ADDRESS", help="The person with this e-mail address, in place of an id.")
@click.option("--tenant", metavar="NAME", help="Only in this tenant; needed when several have such a person.")
@click.option("--yes", is_flag=True, help="Do it; without this it only says what it would do.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def erase(
    context: click.Context,
    who: str | None,
    identity: str | None,
    email: str | None,
    tenant: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Erase a customer or an employee: from log, journals, quarantine, marts and all earlier moments.

    Money, products, places and times stay, so no figure changes. Ids and e-mail addresses become pseudonyms. What is
    delivered or replayed later comes in without the person. Earlier moments of the lake cannot be read any more. Marts
    are built again. Without --yes nothing is changed: it says what would be, and no value of the person.

    With --yes alone it finishes an erasure that was interrupted. The exit code is 1 when something is left.

    \b
    Examples:
      warehouse erase customer 7a6f1c52-4c0e-4f62-a6f5-3f1f5d1c2b10
      warehouse erase --email anna@example.com --yes
      warehouse erase --yes
    """
    if (who is None) != (identity is None):
        raise click.UsageError("customer and employee are followed by an id.")
    if who is None and email is None and not yes:
        raise click.UsageError("name a person: customer ID, employee ID or --email ADDRESS.")
    if who is not None and email is not None:
        raise click.UsageError("an id and --email do not go together.")
    settings = load_settings(context)
    person = None if who is None and email is None else _wanted(who, identity, email, tenant)
    if person is not None and not yes:
        _preview(settings, person, as_json)
        return 0
    from warehouse.erasure.run import erase as erase_person

    os.nice(10)
    with progress("erasing") as bar:
        report = erase_person(settings, person, bar.report)
    _echo(report, as_json)
    return int(bool(report.journals_left))


def _wanted(who: str | None, identity: str | None, email: str | None, tenant: str | None) -> "Wanted":
    from warehouse.erasure.person import Wanted

    return msgspec.convert({"who": who, "id": identity, "email": email, "tenant": tenant}, Wanted)


def _preview(settings: Settings, wanted: "Wanted", as_json: bool) -> None:
    from warehouse.erasure.run import preview

    found = preview(settings, wanted)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    known = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in found.known.items())
    click.echo(f"The person is known by {known}.")
    _echo_counts(found.deliveries, found.fields)
    click.echo("all marts are built again, all earlier moments of the lake go")
    if found.journals:
        click.echo(f"{found.journals:,} journals are sealed and deleted; what is not sealed yet is not counted above")
    if found.folders:
        click.echo(f"{found.folders:,} folders that earlier recoveries put aside are deleted")
    if found.unfinished:
        click.echo(f"{found.unfinished:,} earlier erasures are not finished; `warehouse erase --yes` does that")
    click.echo("Nothing was changed: this is what it would do. Add --yes to do it.", err=True)


def _echo(report: "ErasureReport", as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(report))
        return
    _echo_counts(report.deliveries, report.fields)
    click.echo(
        f"{len(report.log_files):,} files of the log and all marts were written anew; {report.moments:,} earlier "
        f"moments, {report.deleted_files:,} files and {report.deleted_folders:,} folders deleted."
    )
    click.echo(f"The report is {report.path}.")
    for name in report.journals_left:
        click.echo(f"left       {name} is still written to; run `warehouse erase --yes` when it is not", err=True)


def _echo_counts(deliveries: dict[str, int], fields: dict[str, int]) -> None:
    for name, count in deliveries.items():
        click.echo(f"  {name:<44} {count:>8,} deliveries")
    for name, count in fields.items():
        click.echo(f"  {name:<44} {count:>8,} times")
