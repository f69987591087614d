"""Every command that writes a file of a name it is told writes into a pipe as well, and leaves it a pipe."""

import os
import stat
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.live import envelope
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.log.sealer import seal
from warehouse.settings import Settings


@pytest.fixture
def commands(run: Run, settings: Settings) -> dict[str, Callable[[Path], int]]:
    """Every command that writes a file of a name that it is told."""
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(1), 1_767_225_600_000_000)])
    seal(settings)
    options = {
        "sql": ("sql", "--format", "csv", "select 1", "--out"),
        "log export": ("log", "export"),
        "simulate": ("simulate", "--events", "5", "--out"),
    }
    return {name: partial(_code, run, words) for name, words in options.items()}


def _code(run: Run, words: tuple[str, ...], path: Path) -> int:
    return run(*words, str(path)).returncode


def test_every_command_writes_into_a_pipe(commands: dict[str, Callable[[Path], int]], tmp_path: Path) -> None:
    for name, write in commands.items():
        pipe = tmp_path / name.replace(" ", "-")
        os.mkfifo(pipe)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)  # noqa: B023
        reader.start()
        assert write(pipe) == 0, name
        reader.join(30)
        assert read
        assert read[0], name
        assert stat.S_ISFIFO(pipe.stat().st_mode), name
