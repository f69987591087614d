"""`warehouse up`: receiver and refreshes under one supervisor."""

import logging.config
from typing import Final

import click

from warehouse.cli.home import home_option, load_settings

# uvicorn's own grace and the time to leave the interpreter; a refresh may be in the middle of a large one.
RECEIVER_GRACE: Final = 20.0
REFRESH_GRACE: Final = 120.0


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
    lets the receiver read its keys again.

    \b
    Example:
      WAREHOUSE_API_KEYS_FILE=keys.txt warehouse up --host 0.0.0.0
    """
    from receiver.app import require_keys
    from receiver.server import LOGGING
    from warehouse.cli.forget import KEY_VARIABLES, forget_keys
    from warehouse.supervisor import Child, supervise

    settings = load_settings(context, host=host, port=port, workers=workers)
    forget_keys()
    require_keys(settings)
    logging.config.dictConfig(LOGGING)
    home = ("--home", str(settings.home.resolve()))
    listening = ("--host", settings.host, "--port", str(settings.port), "--workers", str(settings.workers))
    return supervise(
        [
            Child("receiver", ("serve", *home, *listening), RECEIVER_GRACE, takes_hangup=True),
            Child("refresh", ("refresh", *home, "--watch", f"{watch:g}"), REFRESH_GRACE, withheld=KEY_VARIABLES),
        ]
    )
