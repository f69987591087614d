"""Locks between the processes of one home: held by the kernel, so they end with the process, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from warehouse.errors import HomeMissing, LockHeld

POLL_SECONDS = 0.05


@contextmanager
def hold_lock(path: Path, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file at `path` for the length of the block, waiting up to `wait` seconds for it.

    Raises LockHeld, naming the process that has it and since when, when the time is over, and HomeMissing when the
    folder is not there: whoever takes a lock does not begin a home by it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as error:
        raise HomeMissing(
            "there is no such folder.", "name the right --home, or put it back", where=path.parent
        ) from error
    try:
        _acquire(descriptor, path, time.monotonic() + wait)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 64, 0).decode("ascii", "replace").strip() or "unknown"
                raise LockHeld(
                    f"held by process {holder}.",
                    "wait until that process has finished, then run this again",
                    where=path,
                ) from None
        time.sleep(POLL_SECONDS)
