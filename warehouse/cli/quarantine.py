"""`warehouse quarantine`: what could not be understood when it came, why, and a second chance for it."""

from typing import TYPE_CHECKING

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, facts, listing, printable, say_json, size

if TYPE_CHECKING:
    from warehouse.care.quarantine import JudgedDelivery


@click.group()
def quarantine() -> None:
    """Look at deliveries that are in the log and in no fact.

    The receiver answers 200 to everything, since any other answer stops NewStore's stream; what it could not understand
    is kept with its bytes.

    \b
    Examples:
      warehouse quarantine list
      warehouse quarantine retry --apply && warehouse refresh
    """


@quarantine.command("list")
@click.option("--problem", help="Only those with this problem, such as unknown_name.")
@click.option("--name", help="Only those that say they are this event.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def list_command(context: click.Context, problem: str | None, name: str | None, limit: int, as_json: bool) -> None:
    """List deliveries with a problem, the newest first, and what today's contract makes of them.

    \b
    Examples:
      warehouse quarantine list
      warehouse quarantine list --problem unknown_name --limit 10
    """
    settings = load_settings(context)
    from warehouse.care.quarantine import list_quarantine

    with progress("reading the log"):
        found = list_quarantine(settings, problem=problem, name=name, limit=limit)
    if as_json:
        say_json(found)
        return
    if not found.deliveries:
        click.echo("The quarantine is empty.")
        return
    table = listing("id", "received at", "problem", "event name", "bytes", "today", numbers=["bytes"])
    for one in found.deliveries:
        table.add_row(one.id, one.received_at, one.problem, printable(one.name or ""), f"{one.size:,}", _today(one))
    console().print(table)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in found.problems.items())
    click.echo(f"\n{len(found.deliveries):,} of {sum(found.problems.values()):,}: {counts}.")
    click.echo("`warehouse quarantine show ID` shows the body of one.")


@quarantine.command("show")
@click.argument("identity", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def show_command(context: click.Context, identity: str, as_json: bool) -> None:
    """Show one delivery with its body. ID is what `list` shows, or more of the journal's name and the position.

    \b
    Example:
      warehouse quarantine show 3f9ac01b:17
    """
    settings = load_settings(context)
    from warehouse.care.quarantine import show_quarantined

    shown = show_quarantined(settings, identity)
    if as_json:
        say_json(shown)
        return
    one = shown.delivery
    lines = [
        ("id", f"{one.journal}:{one.position}"),
        ("received", one.received_at),
        ("problem", one.problem),
        ("today", _today(one)),
        ("tenant", one.tenant or "not readable"),
        ("name", one.name or "not readable"),
        ("size", size(one.size)),
    ]
    console().print(facts(lines))
    click.echo(f"\n{printable(shown.body)}")


@quarantine.command("retry")
@click.option("--apply", "append", is_flag=True, help="Append them; without it nothing is changed.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def retry_command(context: click.Context, append: bool, as_json: bool) -> None:
    """Read all of them again with today's contract, and append those that are events now, once each.

    An event that the contract did not know when it came is one afterwards. It is appended as a further delivery, byte
    for byte, and the first one stays as it is. Retrying again adds nothing.

    \b
    Examples:
      warehouse quarantine retry
      warehouse quarantine retry --apply && warehouse refresh
    """
    settings = load_settings(context)
    from warehouse.care.quarantine import retry_quarantined

    with progress("reading again") as bar:
        result = retry_quarantined(settings, append=append, progress=bar.report)
    if as_json:
        say_json(result)
        return
    fresh = sum(result.events.values())
    click.echo(f"{result.looked_at:,} deliveries read again, {result.resolved:,} of them in the log as events already.")
    for problem, count in result.still.items():
        click.echo(f"  {count:,} still {problem}")
    for name, count in result.events.items():
        click.echo(f"  {count:,} {printable(name)} {'appended' if append else 'to append'}")
    if not fresh:
        click.echo("Nothing to append.")
    elif append:
        click.echo("`warehouse refresh` brings them into the marts.")
    else:
        click.echo("Nothing was changed: `warehouse quarantine retry --apply` appends them.")


def _today(one: "JudgedDelivery") -> str:
    if one.resolved:
        return "in the log as an event"
    return one.problem_today or "an event: retry it"
