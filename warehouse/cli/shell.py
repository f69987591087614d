"""`warehouse shell`: a comfortable SQL prompt on the lake, which it cannot change."""

import sys
from pathlib import Path

import click

from warehouse.cli.options import home_option, load_settings


@click.command()
@click.option("--at", metavar="TIMESTAMP", help="Read the lake as it was then, such as '2025-11-24 08:00' (UTC).")
@home_option
@click.pass_context
def shell(context: click.Context, at: str | None) -> None:
    """Ask the lake in SQL, read-only, from a prompt that completes names and remembers what was asked.

    A statement ends with a semicolon and may take several lines. Ctrl-C ends a query, Ctrl-D the shell. Statements may
    also come from a pipe. `.help` lists the commands of the prompt.

    \b
    Examples:
      warehouse shell
      warehouse shell --at "2025-11-24 08:00"
      warehouse shell < questions.sql
    """
    settings = load_settings(context)
    from warehouse.cli.shell_session import Session
    from warehouse.lake.connection import open_lake
    from warehouse.lake.time_travel import open_moment

    con = open_lake(settings, read_only=True) if at is None else open_moment(settings, at)
    with con:
        session = Session(con, settings)
        if not sys.stdin.isatty():
            session.run_lines(sys.stdin)
            return
        from warehouse.cli.shell_prompt import ask

        moment = f", as it was at {at}" if at else ""
        click.echo(f"The lake of {_short(settings.home)}{moment}.")
        click.echo("A statement ends with a semicolon; .help lists more, Ctrl-D leaves.")
        ask(session)


def _short(home: Path) -> str:
    path = home.resolve()
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
