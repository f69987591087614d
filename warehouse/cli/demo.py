"""`warehouse demo`: the whole way of an event, in a home of its own: receiver, simulated NewStore, refresh, facts.

It never touches a home that was there before, whatever the settings of this machine say.
"""

import os
import shlex
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from warehouse.cli.options import home_option
from warehouse.cli.progress import progress
from warehouse.errors import SettingsError
from warehouse.settings import PREFIX, Settings
from warehouse.trial.local_receiver import own_settings, receiving

FOLDER: Final = Path("data") / "demo"
BAD_SHARE: Final = 0.005


@click.command()
@click.option("--events", type=click.IntRange(1), default=5000, show_default=True, help="About how many events.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another retailer.")
@home_option
@click.pass_context
def demo(context: click.Context, events: int, seed: int) -> None:
    """Show the whole product at work, in a new folder under ./data or an empty --home.

    Starts a receiver with a key made for it, posts simulated NewStore events to it (some twice, some late, some
    broken), refreshes the marts while it goes on receiving, and shows what came out beside the retailer's own books.

    \b
    Example:
      warehouse demo --events 10000 --seed 7
    """
    settings = _own_settings(context)
    from rich.console import Console

    from warehouse.cli.demo_summary import Timing, show_summary
    from warehouse.pipeline.refresh import refresh
    from warehouse.simulator import simulate
    from warehouse.trial.client import post

    deliveries = simulate(events=events, seed=seed, bad=BAD_SHARE, end=datetime.now(UTC))
    place = shlex.quote(_from_here(settings.home))
    click.echo(f"home      {place}, everything of this demo is in it")
    with receiving(settings, settings.home / "receiver.log") as address:
        click.echo(f"receiver  {address}")
        began = time.monotonic()
        with progress("NewStore is posting") as bar:
            posted = post(
                address, settings.api_keys[0], deliveries, progress=bar.towards(deliveries.expected_deliveries)
            )
        told = time.monotonic()
        click.echo(f"posted    {posted.delivered:,} deliveries, each answered 200 once it was on the disk")
        with progress("refreshing") as bar:
            refresh(settings, progress=bar.report)
        timing = Timing(told - began, time.monotonic() - told)
        show_summary(Console(), settings, timing, deliveries.truth)
    click.echo("\nThe receiver is stopped; the home stays. Try next:")
    for arguments in (
        'sql "from marts.daily_sales order by date desc limit 10"',
        'sql "select currency, status, count(*) as orders, sum(grand_total) from marts.fct_orders group by all"',
        'sql --format csv "select name, count(*) as deliveries from log.events group by all order by all"',
    ):
        click.echo(f"  {_command()} --home {place} {arguments}")


def _own_settings(context: click.Context) -> Settings:
    """Settings of a new home, with a key of its own and a free port; from here on this process knows no others."""
    home = _new_home(context.find_root().obj)
    for variable in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[variable]
    os.environ[f"{PREFIX}CONFIG"] = os.devnull
    return own_settings(home)


def _new_home(named: Path | None) -> Path:
    if named is None:
        named, number = FOLDER, 1
        while named.exists():
            number += 1
            named = FOLDER.with_name(f"{FOLDER.name}-{number}")
    elif named.exists() and any(named.iterdir()):
        raise SettingsError(
            "there is something in this folder already.", "--home with a folder that is new", where=named
        )
    named.mkdir(parents=True, exist_ok=True)
    return named


def _from_here(home: Path) -> str:
    """The home as the user would name it: short where it is below the working directory."""
    return str(home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home)


def _command() -> str:
    """How to run this same program again from where the user is."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m warehouse"
    found = shutil.which("warehouse")
    if found is not None and Path(found).resolve() == program.resolve():
        return "warehouse"
    return shlex.quote(os.path.relpath(program))
