"""A receiver beside this process: `warehouse serve` on a free port with its own key, ready, and gone after the block.

It sees no setting of the machine but those it is given.
"""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from warehouse.errors import ServeError
from warehouse.settings import PREFIX, Settings

START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 20.0


def own_settings(home: Path) -> Settings:
    """Settings for a receiver on `home`: a new key, a port that is free, and nothing of the environment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environ = {f"{PREFIX}CONFIG": os.devnull}
    return Settings.load(environ, home=str(home), api_keys=[secrets.token_urlsafe(24)], port=port)


@contextmanager
def receiving(settings: Settings, log: Path) -> Iterator[str]:
    """Serve these settings for the length of the block, writing to the file `log`; the receiver's address.

    Raises ServeError with what the receiver said when it does not start.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environ |= {f"{PREFIX}CONFIG": os.devnull, **settings.to_environ()}
    command = [sys.executable, "-m", "warehouse", "serve"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT)
    address = f"http://{settings.host}:{settings.port}"
    try:
        _await_ready(process, address, log)
        yield address
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a server to stop, and kill it when it has not after STOP_SECONDS."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_ready(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    # Commands that start no receiver do not wait for this import.
    import httpx

    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{address}/ready", timeout=1.0).is_success:
                return
        except httpx.TransportError:
            # It is not listening yet.
            time.sleep(0.05)
    said = log.read_text(errors="replace").strip().splitlines()
    raise ServeError(
        f"the receiver did not start: {said[0] if said else 'it said nothing'}", "`warehouse serve` says more"
    )
