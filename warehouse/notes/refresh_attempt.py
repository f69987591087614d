"""The note of a home's last attempt to refresh: whether one runs, how the last one ended, and when one went well.

It is written when a refresh begins, and again when it ends. Whoever runs one holds a lock meanwhile, which the kernel
releases however the process ends: an attempt that has begun and not ended, and holds no lock, has died.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from warehouse.errors import NoteError, WarehouseError
from warehouse.settings import Settings
from warehouse.system.note_file import read_note, utc_now, utc_seconds, write_note
from warehouse.system.sources import explain

FILE: Final = "refresh_attempt.json"
LONGEST_PAUSE_SECONDS: Final = 300.0
# A loop that is so much behind its own next attempt does not run any more; waiting for another refresh is no delay.
OVERDUE_SECONDS: Final = 60.0
LOCK_TRIES: Final = 20
KILLED: Final = "it was killed while it ran, and could say nothing"
KILLED_HINT: Final = (
    "`warehouse refresh` once more; the system's log knows who killed it: when it was for memory, "
    "give it a smaller WAREHOUSE_MEMORY"
)

logger = logging.getLogger(__name__)


class Failure(msgspec.Struct, frozen=True):
    """How a refresh failed: what it said, what to do, and when, in ISO 8601 and UTC."""

    message: str
    hint: str
    failed_at: str

    def __post_init__(self) -> None:
        utc_seconds(self.failed_at)


class State(StrEnum):
    """How the last attempt is going."""

    RUNNING = "running"
    WELL = "well"
    FAILED = "failed"
    DIED = "died"
    OVERDUE = "overdue"


class Attempt(msgspec.Struct, frozen=True):
    """The last attempt, as its process left word of it; times in ISO 8601 and UTC.

    `ended_at` is None until it has ended. `failures` have failed since the last that went well, and `failure` says how
    the last of them did. `interval` is how often, in seconds, the process that made it looks for something new; None
    when it was made once.
    """

    started_at: str
    ended_at: str | None
    succeeded_at: str | None
    failures: int
    failure: Failure | None
    interval: float | None

    def __post_init__(self) -> None:
        for moment in (self.started_at, self.ended_at, self.succeeded_at):
            if moment is not None:
                utc_seconds(moment)

    def next_by(self) -> float | None:
        """When, in seconds since 1970, the next one has to have begun at the latest; None when none is promised."""
        if self.interval is None or self.ended_at is None:
            return None
        return utc_seconds(self.ended_at) + pause_after(self.interval, self.failures) + OVERDUE_SECONDS


class Attempted(msgspec.Struct, frozen=True):
    """The last attempt as it looks now: an attempt that died counts among the failures."""

    state: State
    started_at: str
    ended_at: str | None
    succeeded_at: str | None
    failures: int
    failure: Failure | None

    @property
    def started(self) -> float:
        """When it began, in seconds since 1970."""
        return utc_seconds(self.started_at)

    @property
    def succeeded(self) -> float | None:
        """When one last went well, in seconds since 1970."""
        return None if self.succeeded_at is None else utc_seconds(self.succeeded_at)


def attempt_path(settings: Settings) -> Path:
    """Where the note is."""
    return settings.home / FILE


def pause_after(interval: float, failures: int) -> float:
    """The seconds from one look for something new to the next: longer after each failure, up to five minutes."""
    return min(interval * 2.0 ** min(failures, 16), max(interval, LONGEST_PAUSE_SECONDS))


def read_attempt(settings: Settings) -> Attempted | None:
    """The last attempt of this home; None before the first. Raises NoteError, or OSError when its lock is out of reach.

    Asks for the lock first: whoever ends in between has written so by then.
    """
    is_running = _is_running(settings)
    attempt = read_note(attempt_path(settings), Attempt)
    if attempt is None:
        return None
    state, failures, failure = State.FAILED if attempt.failures else State.WELL, attempt.failures, attempt.failure
    if attempt.ended_at is None and is_running:
        state = State.RUNNING
    elif attempt.ended_at is None:
        state, failures = State.DIED, failures + 1
        failure = Failure(KILLED, KILLED_HINT, attempt.started_at)
    elif not attempt.failures and (due := attempt.next_by()) is not None and time.time() > due and not is_running:
        state = State.OVERDUE
    return Attempted(state, attempt.started_at, attempt.ended_at, attempt.succeeded_at, failures, failure)


class Attempting:
    """An attempt of this process, from now until one of its ends. That no word can be left of it stops nothing."""

    def __init__(self, settings: Settings, interval: float | None = None) -> None:
        self._settings = settings
        beside = _is_beside_another(settings)
        self._lock = _take_lock(settings)
        before = _before(settings, beside)
        self._note = msgspec.structs.replace(before, started_at=utc_now(), ended_at=None, interval=interval)
        _leave(settings, self._note)

    def succeed(self) -> None:
        """It went well."""
        now = utc_now()
        self._end(msgspec.structs.replace(self._note, ended_at=now, succeeded_at=now, failures=0, failure=None))

    def fail(self, error: BaseException) -> None:
        """It failed with this."""
        self._end(_failed(self._note, error))

    def end_in_part(self) -> None:
        """It did what it was asked for, which was not a whole refresh: what was known before stays."""
        self._end(msgspec.structs.replace(self._note, ended_at=utc_now()))

    def _end(self, note: Attempt) -> None:
        _leave(self._settings, note)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def attempting(settings: Settings, interval: float | None = None) -> Iterator[None]:
    """Leave word that a refresh runs, and at the end of the block how it went; what fails is passed on.

    `interval` is how often, in seconds, the process looks for something new.
    """
    attempt = Attempting(settings, interval)
    try:
        yield
    except BaseException as error:
        attempt.fail(error)
        raise
    attempt.succeed()


def stop_attempting(settings: Settings) -> None:
    """Leave word that the process which looked for something new again and again does so no more, as it was told."""
    note = _last_note(settings)
    if note is not None and note.ended_at is not None:
        _leave(settings, msgspec.structs.replace(note, interval=None))


def _last_note(settings: Settings) -> Attempt | None:
    try:
        return read_note(attempt_path(settings), Attempt)
    except NoteError as error:
        logger.warning("%s", error.message)
        return None


def _before(settings: Settings, beside: bool) -> Attempt:
    """The last note, as what begins now takes it up: one that died is among the failures."""
    note = _last_note(settings)
    if note is None:
        now = utc_now()
        return Attempt(now, now, None, 0, None, None)
    if note.ended_at is None and not beside:
        failure = Failure(KILLED, KILLED_HINT, note.started_at)
        return msgspec.structs.replace(note, failures=note.failures + 1, failure=failure)
    return note


def _failed(attempt: Attempt, error: BaseException) -> Attempt:
    now = utc_now()
    if isinstance(error, WarehouseError | OSError):
        said = explain("refresh", error)
        failure = Failure(said.reason, said.hint, now)
    elif isinstance(error, Exception):
        # What is not ours may quote a value: only its kind is kept.
        failure = Failure(f"it ended with {type(error).__name__}", "`warehouse refresh` shows all of it", now)
    else:
        failure = Failure(
            f"it was stopped before its end: {type(error).__name__}", "`warehouse refresh` once more", now
        )
    return msgspec.structs.replace(attempt, ended_at=now, failures=attempt.failures + 1, failure=failure)


def _leave(settings: Settings, attempt: Attempt) -> None:
    try:
        write_note(attempt_path(settings), attempt)
    except OSError as error:
        logger.warning("%s: the refresh cannot leave word of itself: %s", attempt_path(settings), error.strerror)


def _lock_path(settings: Settings) -> Path:
    return attempt_path(settings).with_suffix(".lock")


def _take_lock(settings: Settings) -> int | None:
    """The descriptor of the lock that says so; where another attempt runs beside, its lock says it for both."""
    try:
        descriptor = os.open(_lock_path(settings), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)
    except OSError as error:
        logger.warning("%s: cannot be opened: %s", _lock_path(settings), error.strerror)
        return None
    for _ in range(LOCK_TRIES):
        if _lock(descriptor, fcntl.LOCK_EX):
            break
        # Whoever looks has it for a moment.
        time.sleep(0.01)
    return descriptor


def _is_running(settings: Settings) -> bool:
    """Whether an attempt holds the lock. Raises OSError."""
    try:
        descriptor = os.open(_lock_path(settings), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _is_beside_another(settings: Settings) -> bool:
    try:
        return _is_running(settings)
    except OSError:
        # Told where the lock is opened to be held.
        return False


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
