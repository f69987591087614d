"""`warehouse up`: receiver and refreshes under one supervisor."""

import logging.config
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.errors import LockHeld
from warehouse.settings import KEY_VARIABLES, Settings
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

# uvicorn's own grace and the time to leave the interpreter; a refresh may be in the middle of a large one.
RECEIVER_GRACE_SECONDS: Final = 20.0
REFRESH_GRACE_SECONDS: Final = 120.0


@click.command()
@click.option("--host", help="Address to listen on.  [default: $WAREHOUSE_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: $WAREHOUSE_PORT, else 8080]")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: $WAREHOUSE_WORKERS, else 1]")
@click.option(
    "--watch",
    type=click.FloatRange(0.1, 86400),
    default=2.0,
    show_default=True,
    help="Seconds from the end of a refresh to the next.",
)
@home_option
@click.pass_context
def up(context: click.Context, host: str | None, port: int | None, workers: int | None, watch: float) -> int:
    """Receive and refresh, until told to stop: `serve` and `refresh --watch` under one supervisor.

    What dies is started again, after a pause that grows while it keeps dying. On SIGTERM or Ctrl-C the receiver ends
    first, when the deliveries at hand are on the disk and answered, then the refresh; a second one kills both. SIGHUP
    lets the receiver read its keys again; closing the terminal ends both, unless started with `nohup`. One home takes
    one `warehouse up`.

    \b
    Example:
      WAREHOUSE_API_KEYS_FILE=keys.txt warehouse up --host 0.0.0.0
    """
    from receiver.app import require_keys
    from receiver.server import LOGGING
    from warehouse.cli.forget_keys import forget_keys
    from warehouse.system.supervisor import Child, supervise

    settings = load_settings(context, host=host, port=port, workers=workers)
    forget_keys()
    require_keys(settings)
    logging.config.dictConfig(LOGGING)
    folder = HomeFolder(settings.home)
    home = ("--home", str(settings.home))
    listening = ("--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers))
    receiving = {**os.environ, **folder.for_children()}
    refreshing = {name: value for name, value in receiving.items() if name not in KEY_VARIABLES}
    with _alone(settings):
        return supervise(
            [
                Child("receiver", ("serve", *home, *listening), receiving, RECEIVER_GRACE_SECONDS, takes_hangup=True),
                Child("refresh", ("refresh", *home, "--watch", f"{watch:g}"), refreshing, REFRESH_GRACE_SECONDS),
            ]
        )


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the home's lock of `warehouse up` for the length of the block. Raises LockHeld."""
    try:
        with hold_lock(settings.up_lock):
            yield
    except LockHeld as error:
        raise LockHeld(
            f"a `warehouse up` is at work here already: {error.message}",
            "stop that one first, or choose another --home",
            where=settings.home,
        ) from error
