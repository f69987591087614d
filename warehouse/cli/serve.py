"""`warehouse serve`: the receiver, until it is told to stop."""

import click

from warehouse.cli.options import home_option, load_settings


@click.command()
@click.option("--host", help="Address to listen on.  [default: $WAREHOUSE_HOST, else 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.  [default: $WAREHOUSE_PORT, else 8080]")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: $WAREHOUSE_WORKERS, else 1]")
@home_option
@click.pass_context
def serve(context: click.Context, host: str | None, port: int | None, workers: int | None) -> int:
    """Receive NewStore's events: 200 once an event is on the disk.

    The keys NewStore may send come from WAREHOUSE_API_KEYS (separated by commas) or WAREHOUSE_API_KEYS_FILE (one a
    line), as they are or as `warehouse keys` prints them; a change in that file counts at once. Stops on Ctrl-C or
    SIGTERM after the deliveries at hand are on the disk and answered.

    \b
    Example:
      WAREHOUSE_API_KEYS_FILE=keys.txt warehouse serve --host 0.0.0.0 --workers 2
    """
    from receiver.server import serve as serve_settings
    from warehouse.cli.forget_keys import forget_keys

    settings = load_settings(context, host=host, port=port, workers=workers)
    forget_keys()
    return serve_settings(settings)
