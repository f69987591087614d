"""Keeps child processes running: what dies is started again, and all end in order and with whoever keeps them.

Each child runs in a process group of its own, so that a Ctrl-C reaches it through the supervisor only; each holds the
end of a pipe by which it notices when the supervisor is gone, however that came about.
"""

import logging
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import msgspec

from warehouse.system.terminal import Terminal

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
# A child that lived so long died of something new: the pauses begin again at the first.
SETTLED_SECONDS: Final = 60.0
# One that gives up sooner than this at its first start has found something that no second start would mend.
START_SECONDS: Final = 10.0
# So long after its supervisor, a child that does not end politely is ended.
ORPHAN_SECONDS: Final = 30.0

logger = logging.getLogger(__name__)


class Child(msgspec.Struct, frozen=True):
    """A verb of the command line to keep running, with its arguments and its whole environment; the seconds it gets to
    end politely, and whether SIGHUP is for it: then it begins with SIGHUP blocked, and unblocks it when it can act on
    one."""

    name: str
    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    grace: float
    takes_hangup: bool = False


def supervise(children: Sequence[Child]) -> int:
    """Keep the children running until SIGTERM or SIGINT, then end them one after the other in this order.

    A second signal, or a grace that runs out, kills. SIGHUP goes on to those that take it, unless it says that the
    terminal was closed: then all end as at SIGTERM. The exit code: 0 when all was as asked, 1 when a child could not
    start at all or had to be killed.
    """
    terminal = Terminal()
    with _signals() as signals:
        return _Supervision(children, signals, terminal).run()


def live_with_parent() -> None:
    """End this process as SIGTERM does once its stdin, a pipe that its supervisor holds, comes to its end."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        logger.error("the supervisor is gone, so this process ends")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


class _Signals:
    """The signals this process got, in their order, one byte each; `wait` ends early for one."""

    def __init__(self, reader: socket.socket) -> None:
        self._reader = reader
        self._selector = selectors.DefaultSelector()
        self._selector.register(reader, selectors.EVENT_READ)

    def wait(self, seconds: float) -> list[int]:
        """The signals that came within so many seconds, as soon as there is one; none when there were none."""
        if not self._selector.select(max(0.0, seconds)):
            return []
        return list(self._reader.recv(4096))

    def close(self) -> None:
        self._selector.close()


@contextmanager
def _signals() -> Iterator[_Signals]:
    def note(_signal: int, _frame: FrameType | None) -> None:
        """The wake-up descriptor has it already."""

    reader, writer = socket.socketpair()
    reader.setblocking(False)
    writer.setblocking(False)
    wanted = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
    handlers = {number: signal.signal(number, note) for number in wanted}
    descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    signals = _Signals(reader)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(descriptor)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signals.close()
        reader.close()
        writer.close()


class _Kept:
    """One child over all its lives."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0
        self.started_at = 0.0
        self.start_at = 0.0
        self.pause = FIRST_PAUSE_SECONDS

    def start(self) -> None:
        if self.child.takes_hangup:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warehouse.cli.supervised", *self.child.arguments],
                env=dict(self.child.environ),
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        self.starts += 1
        self.started_at = time.monotonic()
        logger.info("%s runs as process %d", self.child.name, self.process.pid)

    def ended(self) -> int | None:
        """The exit code when it has just ended, negative for a signal; else None."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        return code

    def plan_start(self, code: int) -> None:
        """Start again after a pause, which is longer each time it dies young."""
        if time.monotonic() - self.started_at >= SETTLED_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        logger.error("%s ended %s; starting it again in %.1f s", self.child.name, _told(code), self.pause)
        self.start_at = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)

    def gave_up(self, code: int) -> bool:
        """Whether it ended at once, by itself and with an error, the first time it was started."""
        return code > 0 and self.starts == 1 and time.monotonic() - self.started_at < START_SECONDS

    def signal(self, number: int) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """End it and what it started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class _Supervision:
    def __init__(self, children: Sequence[Child], signals: _Signals, terminal: Terminal) -> None:
        self._kept = [_Kept(child) for child in children]
        self._signals = signals
        self._terminal = terminal

    def run(self) -> int:
        failed: _Kept | None = None
        try:
            while failed is None and not self._told_to_stop():
                failed = self._keep()
        except BaseException:
            for kept in self._kept:
                kept.kill()
            raise
        if failed is not None:
            logger.error("%s could not start, so nothing runs", failed.child.name)
        return self._stop() or int(failed is not None)

    def _keep(self) -> _Kept | None:
        """Start what is not running and due; a child that cannot start at all, if there is one."""
        for kept in self._kept:
            code = kept.ended()
            if code is not None and kept.gave_up(code):
                return kept
            if code is not None:
                kept.plan_start(code)
            if kept.process is None and time.monotonic() >= kept.start_at:
                kept.start()
        return None

    def _told_to_stop(self) -> bool:
        waiting = [kept.start_at - time.monotonic() for kept in self._kept if kept.process is None]
        received = self._signals.wait(min(waiting, default=LONGEST_PAUSE_SECONDS))
        if signal.SIGHUP in received and self._terminal.is_gone():
            logger.info("the terminal was closed")
            return True
        if signal.SIGHUP in received:
            for kept in self._kept:
                if kept.child.takes_hangup:
                    kept.signal(signal.SIGHUP)
        return signal.SIGTERM in received or signal.SIGINT in received

    def _stop(self) -> int:
        logger.info("stopping")
        in_order = [self._stop_one(kept) for kept in self._kept]
        logger.info("stopped")
        return 0 if all(in_order) else 1

    def _stop_one(self, kept: _Kept) -> bool:
        """Whether it ended politely, or had ended already."""
        if kept.ended() is not None or kept.process is None:
            return True
        kept.signal(signal.SIGTERM)
        deadline = time.monotonic() + kept.child.grace
        while (code := kept.ended()) is None:
            received = self._signals.wait(deadline - time.monotonic())
            again = signal.SIGTERM in received or signal.SIGINT in received
            if again or time.monotonic() >= deadline:
                why = "asked again" if again else f"not ended after {kept.child.grace:.0f} s"
                logger.error("%s is killed: %s", kept.child.name, why)
                for other in self._kept if again else [kept]:
                    other.kill()
                if kept.process is not None:
                    kept.process.wait()
                return False
        logger.info("%s ended %s", kept.child.name, _told(code))
        return code in (0, -signal.SIGTERM)


def _told(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
