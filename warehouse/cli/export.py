"""`warehouse export`: the marts as one plain DuckDB file, for tools that cannot attach a DuckLake."""

from pathlib import Path

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, listing, say_json, size


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--schema", "schemas", multiple=True, help="Only this schema; may be repeated.  [default: marts, trust]")
@click.option("--force", is_flag=True, help="Replace FILE even if it is no earlier export.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as one JSON object.")
@home_option
@click.pass_context
def export(context: click.Context, file: Path, schemas: tuple[str, ...], force: bool, as_json: bool) -> None:
    """Write the marts of one moment into one DuckDB FILE, with what each table and column is as comments.

    FILE appears whole or not at all and replaces an earlier export; what reads that one is not disturbed.

    \b
    Examples:
      warehouse export newstore.duckdb
      warehouse export --force --schema marts /srv/share/newstore.duckdb
    """
    settings = load_settings(context)
    from warehouse.serving.duckdb_export import SCHEMAS
    from warehouse.serving.duckdb_export import export as export_marts

    with progress("exporting") as bar:
        result = export_marts(settings, file, schemas or SCHEMAS, force=force, progress=bar.report)
    if as_json:
        say_json(result)
        return
    table = listing("table", "rows", numbers=["rows"])
    for name, rows in result.tables.items():
        table.add_row(name, f"{rows:,}")
    console().print(table)
    click.echo(f"\n{result.file}: {size(result.bytes)}, the lake as of snapshot {result.snapshot}.")
