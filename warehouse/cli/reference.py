"""`warehouse reference`: what a retailer knows and NewStore does not say, out of files."""

from pathlib import Path

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, listing, printable, say_json
from warehouse.reference.kinds import KINDS

tenant_option = click.option("--tenant", help="Whose data: needed unless the log has exactly one tenant.")
kind_type = click.Choice(list(KINDS))


@click.group()
def reference() -> None:
    """Load what NewStore does not say: stores and their zones, products, the fiscal calendar, rates.

    KIND is retailer, locations, channels, products, tenders or rates. Each row of a file becomes one delivery in the
    log, so it is kept, backed up and built like an event. Of what is said of one id the newest counts.

    \b
    Examples:
      warehouse reference template locations > locations.csv
      warehouse reference load locations locations.csv && warehouse refresh
    """


@reference.command("load")
@click.argument("kind", type=kind_type)
@click.argument("file", type=click.Path(path_type=Path))
@tenant_option
@click.option("--json", "as_json", is_flag=True, help="Say what was loaded as one JSON object.")
@home_option
@click.pass_context
def load_command(context: click.Context, kind: str, file: Path, tenant: str | None, as_json: bool) -> None:
    """Load a CSV file, all of it or, when anything in it is wrong, nothing.

    A row that says what is known already is no delivery, so a file may be loaded any number of times. A column that the
    file lacks keeps what it had; an empty field says that nothing is known. It may be run beside `warehouse up`.

    \b
    Examples:
      warehouse reference load locations locations.csv
      warehouse reference load rates rates.csv --tenant acme
    """
    settings = load_settings(context)
    from warehouse.errors import ReferenceFileError
    from warehouse.reference.load import load_reference

    try:
        with progress("loading") as bar:
            report = load_reference(settings, KINDS[kind], file, tenant, bar.report)
    except ReferenceFileError as error:
        for mistake in error.mistakes:
            click.echo(printable(f"{file}: {mistake}"), err=True)
        raise
    if as_json:
        say_json(report)
        return
    if report.is_new_tenant:
        click.echo(f"No event of tenant {printable(report.tenant)} has come here yet.", err=True)
    unchanged = f"{report.unchanged:,} said nothing new" if report.unchanged else ""
    rows = f"{report.rows:,} row{'s' * (report.rows != 1)} of {kind} for {printable(report.tenant)}"
    click.echo(f"{rows}: {report.loaded:,} loaded{', ' * bool(unchanged)}{unchanged}.")
    if report.loaded:
        click.echo("The next refresh shows them in the marts.")


@reference.command("template")
@click.argument("kind", type=kind_type)
@tenant_option
@home_option
@click.pass_context
def template_command(context: click.Context, kind: str, tenant: str | None) -> None:
    """Write a CSV file to fill in: the ids that events have named, and all that is loaded already.

    \b
    Example:
      warehouse reference template products > products.csv
    """
    settings = load_settings(context)
    from warehouse.reference.template import as_csv, template

    click.echo(as_csv(template(settings, KINDS[kind], tenant)), nl=False)


@reference.command("list")
@click.argument("kind", type=kind_type, required=False)
@tenant_option
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def list_command(context: click.Context, kind: str | None, tenant: str | None, as_json: bool) -> None:
    """List what is loaded: of a KIND every row as it counts now, without one how many there are of each.

    \b
    Examples:
      warehouse reference list
      warehouse reference list locations
    """
    settings = load_settings(context)
    from warehouse.reference.template import list_loaded, loaded

    if kind is None:
        found = list_loaded(settings, tenant)
        if as_json:
            say_json(found)
            return
        if not found:
            click.echo("No reference data are loaded: `warehouse reference template KIND` writes a file to fill in.")
            return
        table = listing("kind", "tenant", "rows", "last loaded", numbers=["rows"])
        for one in found:
            table.add_row(one.kind, printable(one.tenant), f"{one.rows:,}", one.loaded_at)
        console().print(table)
        return
    rows = loaded(settings, KINDS[kind], tenant)
    if as_json:
        say_json(rows)
        return
    if not rows.rows:
        click.echo(f"No {kind} are loaded for {printable(rows.tenant or '')}.")
        return
    table = listing(*rows.columns)
    for row in rows.rows:
        table.add_row(*map(printable, row))
    console().print(table)
