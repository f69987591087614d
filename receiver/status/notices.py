"""What the status page says: the last hour, the home, and what is wrong, worst first.

Judged from the receiver's own counters and small files; what only a database knows is as of the last refresh.
"""

import time
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path

import msgspec

from receiver.status.history import History, Minute, add_up
from receiver.status.home import HomeView, look_at_home
from warehouse.notes.refresh_attempt import State
from warehouse.remedies import LOOK_THROUGH, RECOVER, REFRESH
from warehouse.settings import Settings
from warehouse.system.sources import Sources

RECENT_MINUTES = 10
QUIET_SECONDS = 15 * 60
LATE_SECONDS = 15 * 60
STALE_SECONDS = 3600
LONG_SECONDS = 3600
FINDINGS_SHOWN = 3
# What this page reads, as it calls it; of those in ASIDE it can do without.
SOURCES = {
    "history": "The last hour of a worker",
    "disk": "The room on the disk",
    "journal": "The journals",
    "marks": "The note of how far journals are sealed",
    "publication": "The note of the last refresh",
    "refresh": "The note of how refreshes go",
    "figures": "The figures of the log",
    "log": "The note of what was looked through of the log",
    "lake": "The lake's catalog",
}
ASIDE = frozenset({"history", "marks"})
LITTLE_ROOM = 0.1
LITTLE_ROOM_BYTES = 2 * 2**30


class Level(IntEnum):
    """How bad something is."""

    GOOD = 0
    NOTE = 1
    WARNING = 2
    WRONG = 3


class Notice(msgspec.Struct, frozen=True):
    """Something to know, and what to do about it."""

    level: Level
    title: str
    text: str


class Status(msgspec.Struct, frozen=True):
    """A receiver at the moment `now`; times in seconds since 1970, `minutes` oldest first, None where none ran.

    `problem` is why nothing can be stored, if that is so.
    """

    now: float
    place: str
    workers: int
    minutes: list[Minute | None]
    last_ack: float | None
    home: HomeView
    problem: str | None
    notices: tuple[Notice, ...]

    @property
    def level(self) -> Level:
        """The worst there is."""
        return max((notice.level for notice in self.notices), default=Level.GOOD)

    def count(self, kind: str, minutes: int = 60) -> Counter[str]:
        """What was counted as `answers`, `names`, `problems` or `faults` in the last so many minutes."""
        return sum((Counter(getattr(minute, kind)) for minute in self.minutes[-minutes:] if minute), Counter())


def look(settings: Settings, history: History, problem: str | None) -> Status:
    """Look now; `problem` is why deliveries cannot be stored, if they cannot. What cannot be read is a notice."""
    sources = Sources()
    hours = history.look(sources)
    now = time.time()
    home = look_at_home(settings)
    status = Status(
        now=now,
        place=str(settings.home.absolute()),
        workers=sum(bool(hour.minutes) and hour.minutes[-1].at > now - 120 for hour in hours),
        minutes=add_up(hours, now),
        last_ack=max((hour.last_ack for hour in hours), default=0.0) or None,
        home=msgspec.structs.replace(
            home,
            looked_at=(*sources.looked_at, *home.looked_at),
            unread=(*sources.unread, *home.unread),
        ),
        problem=problem,
        notices=(),
    )
    found = [
        *_storing(status),
        *_unread(status),
        *_refused(status),
        *_arriving(status),
        *_refreshing(status),
        *_log(status),
    ]
    return msgspec.structs.replace(status, notices=tuple(sorted(found, key=lambda notice: -notice.level)))


def status_folder(settings: Settings) -> Path:
    """Where the workers keep their hours."""
    return settings.home / "status"


def _storing(status: Status) -> Iterator[Notice]:
    if status.problem is not None:
        yield Notice(
            Level.WRONG,
            f"Nothing can be stored: {status.problem}",
            "NewStore gets 500 and sends everything again later; free the disk or mend it, no restart is needed.",
        )
    if displaced := status.count("faults")["displaced"]:
        yield Notice(
            Level.WRONG,
            f"{displaced:,} {'journal was' if displaced == 1 else 'journals were'} deleted, moved or cut short in use "
            "in the last hour",
            "Nothing of this product does that: find out what does. What they held was copied back as far as it could "
            "be read; `warehouse log verify` names what is missing.",
        )
    disk = status.home.disk
    if disk is None:
        return
    share = disk.free / max(disk.size, 1)
    if status.problem is None and share < LITTLE_ROOM and disk.free < LITTLE_ROOM_BYTES:
        yield Notice(
            Level.WARNING,
            f"The disk is nearly full: {share:.0%} left",
            "Free space, or move the lake's files elsewhere; a full disk stops the stream.",
        )


# By answer: how bad it is, what happened, and what to do about it.
REFUSED = {
    "500": (
        Level.WRONG,
        "not stored",
        "NewStore sends them again. The receiver's log says which journal failed and why.",
    ),
    "413": (
        Level.WRONG,
        "too large to be taken",
        "NewStore's stream is stuck at it: raise WAREHOUSE_MAX_BODY and start the receiver again.",
    ),
    "429": (
        Level.WARNING,
        "sent back, too many were waiting for the disk",
        "NewStore sends them again. The disk is slow, or there are too few workers.",
    ),
    "403": (
        Level.NOTE,
        "refused for a missing or wrong key",
        "If these are NewStore's, its stream has stopped: compare its api_key with the keys set here.",
    ),
    "411": (Level.WARNING, "refused for saying no length", "Whoever sends these should send Content-Length or chunks."),
    "415": (Level.WARNING, "refused for being encoded", "Whoever sends these should send plain JSON."),
    "408": (
        Level.NOTE,
        "given up, the client was too slow",
        "Harmless, unless NewStore comes through a very thin line.",
    ),
}


def _refused(status: Status) -> Iterator[Notice]:
    answers = status.count("answers", RECENT_MINUTES)
    for answer, (level, what, advice) in REFUSED.items():
        if count := answers[answer]:
            # Strangers try every door; but where nobody gets in, it may have been NewStore.
            worse = answer == "403" and not answers["200"]
            requests = "request" if count == 1 else "requests"
            title = f"{count:,} {requests} {what} in the last {RECENT_MINUTES} minutes"
            yield Notice(Level.WRONG if worse else level, title, advice)


def _arriving(status: Status) -> Iterator[Notice]:
    if status.last_ack is None:
        yield Notice(
            Level.NOTE,
            "Nothing has arrived yet",
            "Point NewStore's event stream at this receiver, or try it with `warehouse simulate --to URL`.",
        )
    elif status.now - status.last_ack > QUIET_SECONDS:
        yield Notice(
            Level.WARNING,
            f"Quiet: nothing has come for {span(status.now - status.last_ack)}",
            "At night that may be right. Else look at NewStore's stream, and at what is between it and this receiver.",
        )
    lags = sorted(lag for minute in status.minutes[-RECENT_MINUTES:] if minute for lag in minute.lags)
    if lags and lags[len(lags) // 2] > LATE_SECONDS:
        # Published over more time than it took to come: these are old events, and not slow ones.
        are_old = lags[len(lags) * 3 // 4] - lags[len(lags) // 4] > RECENT_MINUTES * 60
        yield Notice(
            Level.NOTE if are_old else Level.WARNING,
            f"Deliveries come {span(lags[len(lags) // 2])} after they were published",
            "NewStore is catching up or sends old events again: this ends by itself."
            if are_old
            else "NewStore, or something between it and this receiver, is slow.",
        )
    if problems := status.count("problems"):
        count = sum(problems.values())
        yield Notice(
            Level.NOTE,
            f"{count:,} {'delivery' if count == 1 else 'deliveries'} of the last hour could not be read as events",
            "They were answered with 200 and kept as they came; below is what and why.",
        )


def _unread(status: Status) -> Iterator[Notice]:
    """What this page should tell of and cannot: nothing here says that it is well."""
    for unread in status.home.unread:
        level = Level.NOTE if unread.source in ASIDE else Level.WRONG
        yield Notice(
            level, f"{SOURCES[unread.source]} cannot be read", f"{_sentence(unread.reason)} Try: {unread.hint}."
        )


def _refreshing(status: Status) -> Iterator[Notice]:
    attempt, shown = status.home.attempt, status.home.refreshed_at
    since = "No facts are shown yet." if shown is None else f"Readers see the facts of {ago(status.now - shown)}."
    if status.home.is_unread("publication"):
        since = "Readers keep the facts they had."
    if attempt is not None and attempt.failure is not None and attempt.failures:
        failed = attempt.failure
        times = "The last refresh" if attempt.failures == 1 else f"The last {attempt.failures:,} refreshes"
        title = f"{times} {'died' if attempt.state is State.DIED else 'failed'}"
        text = f"{_sentence(failed.message)} {since} Events are safe in the journals and the log. Try: {failed.hint}."
        yield Notice(Level.WRONG, title, text)
    elif attempt is not None and attempt.state is State.OVERDUE:
        text = f"Nobody refreshes any more, and nobody ended it. {since} Try: {REFRESH}."
        yield Notice(
            Level.WRONG, f"The next refresh is overdue; the last began {ago(status.now - attempt.started)}", text
        )
    elif attempt is not None and attempt.state is State.RUNNING and status.now - attempt.started > LONG_SECONDS:
        title = f"A refresh has been running for {span(status.now - attempt.started)}"
        yield Notice(Level.WARNING, title, f"{since} A first one, or one of all there is, may take long.")
    elif attempt is not None and attempt.state is State.RUNNING:
        return
    elif shown is None and status.last_ack is not None and not status.home.is_unread("publication"):
        yield Notice(Level.NOTE, "No refresh yet", f"{REFRESH}: either builds the facts.")
    elif shown is not None and status.now - shown > STALE_SECONDS and _is_behind(status):
        title = f"The facts are old: the last refresh ended {ago(status.now - shown)}"
        yield Notice(Level.WARNING, title, f"Events are safe in the journals. Try: {REFRESH}.")


def _is_behind(status: Status) -> bool:
    """Whether deliveries may have come that readers do not see; where nobody can know, they may."""
    return status.home.backlog is None or status.home.backlog.unsealed > 0 or status.home.backlog.unread > 0


def _log(status: Status) -> Iterator[Notice]:
    looked = status.home.log_watch
    if looked is None:
        return
    if looked.damaged:
        title = f"The log is damaged: {looked.damaged:,} {'finding' if looked.damaged == 1 else 'findings'}"
        text = f"{_sentence('; '.join(looked.findings[:FINDINGS_SHOWN]))} Try: {LOOK_THROUGH}; {RECOVER}."
        yield Notice(Level.WRONG, title, text)
    if looked.unread is not None:
        text = f"{_sentence(looked.unread.reason)} Try: {looked.unread.hint}."
        yield Notice(Level.WRONG, "The log cannot be looked through", text)


def _sentence(text: str) -> str:
    """The text with a full stop at its end."""
    return text if text.endswith((".", "…")) else f"{text}."


def span(seconds: float) -> str:
    """A length of time for a person: 1.2 ms, 12 s, 4 min, 3 h, 2 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    if seconds >= 1:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def ago(seconds: float) -> str:
    """How long before now."""
    return f"{span(seconds)} ago" if seconds >= 1 else "just now"
