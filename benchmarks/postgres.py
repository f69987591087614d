"""A PostgreSQL of its own for the length of a block: default settings, durable, a folder and a port of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import free_port, on


@contextmanager
def postgres(folder: Path, cores: Sequence[int]) -> Iterator[str | None]:
    """Its address, or None where PostgreSQL is not installed. It refuses to run as root, so root runs it as another."""
    programs = _programs()
    if programs is None:
        yield None
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix="postgres-") as name:
        data, port = Path(name) / "data", free_port()
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(name, user)
        _run([str(programs / "initdb"), "--username=benchmark", "--auth=trust", f"--pgdata={data}"], user)
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        control = [str(programs / "pg_ctl"), f"--pgdata={data}", "--wait"]
        _run(on(cores, [*control, f"--log={name}/log", "start", f"--options={options}"]), user)
        try:
            yield f"postgres://benchmark@127.0.0.1:{port}/postgres"
        finally:
            _run([*control, "stop", "--mode=immediate"], user)


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl, which Debian keeps out of the path."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return folders[-1].parent if folders else None


def _run(command: list[str], user: str | None) -> None:
    # Not through a pipe: the server would hold it open.
    with tempfile.TemporaryFile("w+") as said:
        if subprocess.run(command, check=False, stdout=said, stderr=said, user=user, cwd="/").returncode != 0:
            said.seek(0)
            sys.exit(f"Error: {Path(command[0]).name} failed: {said.read()}Try: --folder that user {user} can reach.")
