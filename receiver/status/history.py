"""The last hour by the minute, of all workers of a home, also of those that have ended since.

Every few seconds each worker puts what its counters have gained into the minute at hand and writes its hour to a small
file of its own; whoever wants to see adds the files up. A request pays nothing for it.
"""

import asyncio
import copy
import logging
import os
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec
from starlette.concurrency import run_in_threadpool

from receiver.metrics import Metrics
from warehouse.errors import NoteError
from warehouse.system.note_file import read_note
from warehouse.system.sources import Sources, Unread

SAMPLE_SECONDS: Final = 5.0
MINUTES: Final = 60
SUFFIX: Final = ".hour"
SOURCE: Final = "history"
FORGET_HOUR: Final = "move it out of the way: it is an hour of figures for this page, and no delivery"

logger = logging.getLogger(__name__)


class Minute(msgspec.Struct):
    """What came in during the minute that begins at `at` (seconds since 1970). Lags are seconds from published_at to
    received_at: the longest one, and some of all."""

    at: int
    answers: dict[str, int] = {}
    names: dict[str, int] = {}
    problems: dict[str, int] = {}
    bytes: int = 0
    commits: int = 0
    commit_seconds: float = 0.0
    lag_max: float | None = None
    lags: list[float] = []
    faults: dict[str, int] = {}

    @property
    def deliveries(self) -> int:
        """Deliveries on the disk."""
        return sum(self.names.values())


class Hour(msgspec.Struct):
    """One worker's file; `last_ack` in seconds since 1970, 0 before the first."""

    pid: int
    last_ack: float
    minutes: list[Minute]
    name: str = ""


class History:
    """This worker's hour in the folder of a home."""

    def __init__(self, metrics: Metrics, folder: Path, name: str) -> None:
        self._metrics = metrics
        self._path = folder / f"{name}{SUFFIX}"
        self._before: dict[tuple[str, str], float] = {}
        self._hour = Hour(os.getpid(), 0.0, [], name)
        self._failed = False
        # The sampling itself and whoever looks meet here.
        self._alone = Lock()

    async def keep_sampling(self) -> None:
        """Sample every few seconds, for ever."""
        while True:
            await run_in_threadpool(self.sample)
            await asyncio.sleep(SAMPLE_SECONDS)

    def sample(self) -> None:
        """Put into the current minute what has come since the last sample, and write the file if that is possible."""
        with self._alone:
            self._sample(int(time.time()))

    def look(self, sources: Sources) -> list[Hour]:
        """The hours of all workers as of now. This one's needs no file, so that it is known whatever happens to it."""
        self.sample()
        with self._alone:
            *before, at_hand = self._hour.minutes
            own = Hour(self._hour.pid, self._hour.last_ack, [*before, copy.deepcopy(at_hand)], self._hour.name)
        others = sources.read(SOURCE, lambda: read_hours(self._path.parent, sources), FORGET_HOUR) or []
        return [*(hour for hour in others if hour.name != own.name), own]

    def _sample(self, now: int) -> None:
        minute = self._minute(now - now % 60)
        for (kind, label), value in self._metrics.totals().items():
            gained = value - self._before.get((kind, label), 0.0)
            self._before[kind, label] = value
            if gained:
                _gain(minute, kind, label, gained)
        lag_max, lags = self._metrics.take_lags()
        if lag_max is not None:
            minute.lag_max = lag_max if minute.lag_max is None else max(minute.lag_max, lag_max)
            minute.lags = [*minute.lags, *lags][-500:]
        self._hour.last_ack = self._metrics.last_ack
        self._write(now)

    def _minute(self, at: int) -> Minute:
        minutes = self._hour.minutes
        if not minutes or minutes[-1].at != at:
            minutes.append(Minute(at, {}, {}, {}, lags=[], faults={}))
        self._hour.minutes = [minute for minute in minutes if minute.at > at - 60 * (MINUTES + 1)]
        return self._hour.minutes[-1]

    def _write(self, now: int) -> None:
        draft = self._path.with_suffix(".tmp")
        try:
            # Not the home itself: one that is gone must stay gone until somebody puts it back.
            self._path.parent.mkdir(0o700, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(self._hour))
            draft.replace(self._path)
            _remove_old(self._path.parent, now)
        except OSError as error:
            # Looks only: a disk that is full must not be troubled further, and the journal will say so itself.
            if not self._failed:
                logger.warning("the status page lacks the last minutes: %s", error.strerror)
            self._failed = True
        else:
            self._failed = False


def read_hours(folder: Path, sources: Sources) -> list[Hour]:
    """The hours of all workers whose files are there; of those that cannot be read `sources` is told."""
    hours = []
    for path in sorted(path for name in os.listdir(folder) if (path := folder / name).suffix == SUFFIX):  # noqa: PTH208
        try:
            hour = read_note(path, Hour)
        except NoteError as error:
            sources.fails(Unread(SOURCE, error.message, FORGET_HOUR))
        else:
            # Just removed when it is None.
            hours += [hour] if hour is not None else []
    return hours


def add_up(hours: Iterable[Hour], now: float) -> list[Minute | None]:
    """The last hour's minutes of all workers together, oldest first; None where no receiver was running."""
    last = int(now) - int(now) % 60
    found: dict[int, list[Minute]] = {}
    for hour in hours:
        for minute in hour.minutes:
            found.setdefault(minute.at, []).append(minute)
    return [_together(found[at]) if at in found else None for at in range(last - 60 * (MINUTES - 1), last + 1, 60)]


def _together(parts: list[Minute]) -> Minute:
    longest = [part.lag_max for part in parts if part.lag_max is not None]
    return Minute(
        parts[0].at,
        dict(sum((Counter(part.answers) for part in parts), Counter())),
        dict(sum((Counter(part.names) for part in parts), Counter())),
        dict(sum((Counter(part.problems) for part in parts), Counter())),
        sum(part.bytes for part in parts),
        sum(part.commits for part in parts),
        sum(part.commit_seconds for part in parts),
        max(longest, default=None),
        [lag for part in parts for lag in part.lags],
        dict(sum((Counter(part.faults) for part in parts), Counter())),
    )


def _gain(minute: Minute, kind: str, label: str, gained: float) -> None:
    if kind == "commit_seconds":
        minute.commit_seconds += gained
    elif kind in ("bytes", "commits"):
        setattr(minute, kind, getattr(minute, kind) + int(gained))
    else:
        counts: dict[str, int] = getattr(minute, kind)
        counts[label] = counts.get(label, 0) + int(gained)


def _remove_old(folder: Path, now: int) -> None:
    for path in folder.glob(f"*{SUFFIX}"):
        if path.stat().st_mtime < now - 120 * 60:
            path.unlink(missing_ok=True)
