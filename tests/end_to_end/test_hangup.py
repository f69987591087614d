"""A terminal that is closed ends what was started in it, politely; what `nohup` started, and a SIGHUP that somebody
sends, end nothing."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.live import KEY, ROOT, free_port

PATIENCE_SECONDS = 120.0
VERBS = (("serve",), ("serve", "--workers", "2"), ("up", "--watch", "1"))


class InTerminal:
    """A verb as a shell starts it in a terminal of its own, ready; `close` closes that terminal."""

    def __init__(self, home: Path, verb: tuple[str, ...], ignores_hangup: bool) -> None:
        self.port = free_port()
        self._master, slave = os.openpty()
        self.said = home.parent / "said"

        def take_terminal() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
            if ignores_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        with self.said.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warehouse", *verb, "--port", str(self.port)],
                env={**os.environ, "PYTHONPATH": str(ROOT), "WAREHOUSE_HOME": str(home), "WAREHOUSE_API_KEYS": KEY},
                stdin=slave,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=take_terminal,  # noqa: PLW1509 - this process has one thread here
            )
        os.close(slave)
        wait_until(self.is_ready, self)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.said.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ready").is_success
        except httpx.TransportError:
            return False

    def close(self) -> None:
        os.close(self._master)


def wait_until(reached: Callable[[], bool], started: InTerminal) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, started.said.read_text()
        time.sleep(0.1)


@contextmanager
def in_terminal(home: Path, verb: tuple[str, ...], ignores_hangup: bool = False) -> Iterator[InTerminal]:
    started = InTerminal(home, verb, ignores_hangup)
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait(PATIENCE_SECONDS)


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_it_ends_with_its_terminal_and_not_by_a_sighup(home: Path, verb: tuple[str, ...]) -> None:
    with in_terminal(home, verb) as started:
        started.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert started.is_ready()
        started.close()
        assert started.process.wait(PATIENCE_SECONDS) == 0, started.said.read_text()
        assert "the terminal was closed" in started.said.read_text()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{started.port}/ready")


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_what_nohup_started_outlives_its_terminal(home: Path, verb: tuple[str, ...]) -> None:
    with in_terminal(home, verb, ignores_hangup=True) as started:
        started.close()
        time.sleep(1)
        assert started.is_ready()
        # Somebody's own SIGHUP is not mistaken for the terminal's either.
        started.process.send_signal(signal.SIGHUP)
        time.sleep(1)
        assert started.is_ready()
