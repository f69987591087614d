"""Where things run: the server with all that belongs to it on one core, what posts to it on the other. Linux only."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from warehouse.trial.local_receiver import end

ROOT: Final = Path(__file__).parents[1]
START_SECONDS: Final = 30.0

_CORES: Final = sorted(os.sched_getaffinity(0))
SERVER: Final = _CORES[:1]
CLIENT: Final = _CORES[-1:]
BOTH: Final = sorted({*SERVER, *CLIENT})


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def on(cores: Sequence[int], command: Sequence[str]) -> list[str]:
    """The command, kept to these cores with all that it starts."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(
    command: Sequence[str], environ: Mapping[str, str], cores: Sequence[int], port: int, log: Path
) -> "Iterator[subprocess.Popen[bytes]]":
    """A server that answers on `port`, for the length of the block; what it says goes to `log`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            on(cores, command), env={**inherited, **environ}, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT
        )
    try:
        _await(process, port, log)
        yield process
    finally:
        end(process)


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/ready")
            connection.getresponse().read()
            return
        except (OSError, HTTPException):
            time.sleep(0.05)
        finally:
            connection.close()
    sys.exit(f"Error: this did not start: {log.read_text()}")


def describe() -> str:
    """The kind of machine, in a line."""
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    memory = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
    return f"{len(_CORES)} cores of {cpu}, {memory} GiB, Linux {platform.release()}, Python {platform.python_version()}"


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()
