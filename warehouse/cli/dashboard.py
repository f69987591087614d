"""`warehouse dashboard`: the analysts' page, in a process of its own until it is stopped."""

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.errors import DashboardError
from warehouse.serving.dashboard.palette import BLUE

# No call leaves this machine, and nothing of streamlit's own that is for its authors is shown.
OPTIONS: Final = (
    "--browser.gatherUsageStats=false",
    "--server.headless=true",
    "--server.fileWatcherType=none",
    "--client.toolbarMode=minimal",
    "--client.showErrorDetails=none",
    # A colour for each of both, and no theme of its own: so the page is light or dark as the browser is.
    f"--theme.light.primaryColor={BLUE}",
    f"--theme.dark.primaryColor={BLUE}",
    "--theme.metricValueFontSize=1.5rem",
    '--theme.headingFontSizes=["2rem", "1.6rem", "1.4rem", "1.2rem", "1.05rem", "1rem"]',
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Port to listen on.")
@home_option
@click.pass_context
def dashboard(context: click.Context, host: str, port: int) -> int:
    """Serve a page of sales, fulfilment, returns, stock and trust, filtered by day, channel and location.

    It only reads the lake, and shows a new refresh at the next reload. It asks nobody for a key: leave it on this
    machine, or put a proxy in front that does. Ctrl-C stops it.

    \b
    Examples:
      warehouse dashboard
      warehouse --home /srv/newstore dashboard --port 8600
    """
    settings = load_settings(context)
    if importlib.util.find_spec("streamlit") is None:
        raise DashboardError("the dashboard is not installed.", "pip install 'newstore-warehouse[dashboard]'")
    from warehouse.lake.connection import open_lake

    # What is wrong with the lake is told here rather than on a page.
    open_lake(settings, read_only=True).close()
    app = Path(__file__).parents[1] / "serving" / "dashboard" / "app.py"
    # The page needs no key of the receiver's.
    environ = {name: value for name, value in settings.to_environ().items() if "KEYS" not in name}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    click.echo(f"The dashboard is at http://{host}:{port}; Ctrl-C stops it.")
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.address={host}", f"--server.port={port}"]
    with subprocess.Popen(
        [*command, *OPTIONS], env={**inherited, **environ, "WAREHOUSE_CONFIG": os.devnull}, stdout=subprocess.DEVNULL
    ) as page:
        signal.signal(signal.SIGTERM, lambda *_: page.terminate())
        try:
            code = page.wait()
        except KeyboardInterrupt:
            page.terminate()
            page.wait()
            return 0
    return 0 if code in (0, -signal.SIGTERM) else 1
