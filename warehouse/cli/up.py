"""`warehouse up`: receiver and refreshes under one supervisor."""

import logging.config
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.errors import LockHeld
from warehouse.settings import KEY_VARIABLES, Settings
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

if TYPE_CHECKING:
    from warehouse.system.supervisor import Child

# uvicorn's own grace and the time to leave the interpreter; a refresh may be in the middle of a large one.
RECEIVER_GRACE_SECONDS: Final = 20.0
REFRESH_GRACE_SECONDS: Final = 120.0
# One that is ended in the middle harms nothing.
BACKUP_GRACE_SECONDS: Final = 10.0
SHIP_GRACE_SECONDS: Final = 20.0


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
@click.option("--backup-to", metavar="TARGET", help="Where backups go.  [default: $WAREHOUSE_BACKUP_TO, else nowhere]")
@click.option("--backup-every", metavar="AGE", help="How often.  [default: $WAREHOUSE_BACKUP_EVERY, else 1h]")
@home_option
@click.pass_context
def up(
    context: click.Context,
    host: str | None,
    port: int | None,
    workers: int | None,
    watch: float,
    backup_to: str | None,
    backup_every: str | None,
) -> int:
    """Receive and refresh, until told to stop: `serve` and `refresh --watch` under one supervisor.

    With a place for backups it also makes those, and where WAREHOUSE_SHIP is set it ships journals. What fails there
    is told by the page, the metrics and the log, and stops nothing.

    What dies is started again, after a pause that grows while it keeps dying. On SIGTERM or Ctrl-C the receiver ends
    first, when the deliveries at hand are on the disk and answered, then the refresh; a second one kills both. SIGHUP
    lets the receiver read its keys again; closing the terminal ends both, unless started with `nohup`. One home takes
    one `warehouse up`.

    \b
    Examples:
      WAREHOUSE_API_KEYS_FILE=keys.txt warehouse up --host 0.0.0.0
      WAREHOUSE_API_KEYS_FILE=keys.txt warehouse up --backup-to s3://my-bucket/newstore --backup-every 1h
    """
    from receiver.app import require_keys
    from receiver.server import LOGGING
    from warehouse.cli.forget_keys import forget_keys
    from warehouse.system.supervisor import Child, supervise

    settings = load_settings(
        context, host=host, port=port, workers=workers, backup_to=backup_to, backup_every=backup_every
    )
    if backup_every is not None and settings.backup_to is None:
        raise click.UsageError("--backup-every needs a place: --backup-to TARGET, or WAREHOUSE_BACKUP_TO.")
    forget_keys()
    require_keys(settings)
    logging.config.dictConfig(LOGGING)
    folder = HomeFolder(settings.home)
    home = ("--home", str(settings.home))
    listening = ("--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers))
    receiving = {**os.environ, **folder.for_children()}
    refreshing = {name: value for name, value in receiving.items() if name not in KEY_VARIABLES}
    refreshes = Child("refresh", ("refresh", *home, "--watch", f"{watch:g}"), refreshing, REFRESH_GRACE_SECONDS)
    with _alone(settings):
        return supervise(
            [
                Child("receiver", ("serve", *home, *listening), receiving, RECEIVER_GRACE_SECONDS, takes_hangup=True),
                *_copying(settings, home, refreshing),
                refreshes,
            ]
        )


def _copying(settings: Settings, home: tuple[str, ...], environ: Mapping[str, str]) -> list["Child"]:
    """Who brings the home elsewhere, if anybody. Raises BackupError when that can never be."""
    from warehouse.system.supervisor import Child

    children = []
    if settings.ship is not None:
        check_target(settings.ship)
        shipping = ("backup", *home, "ship", settings.ship)
        # After the receiver: what it has just acknowledged is still shipped.
        children.append(Child("ship", shipping, environ, SHIP_GRACE_SECONDS, aside=True))
    if settings.backup_to is not None:
        check_target(settings.backup_to)
        scheduled = ("backup", *home, "to", settings.backup_to, "--every", f"{settings.backup_every}s")
        children.append(Child("backup", scheduled, environ, BACKUP_GRACE_SECONDS, aside=True))
    return children


def check_target(target: str) -> None:
    """Raise BackupError for an address that is none, or for which something is not installed."""
    from warehouse.backup.store import open_store

    open_store(target)


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
