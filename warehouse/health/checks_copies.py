"""What a diagnosis says of the copies of a home elsewhere: backups, and journals that are shipped."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from warehouse.health.finding import Finding, State, told
from warehouse.notes.backup_notes import read_backup_note, read_ship_note
from warehouse.settings import Settings

LATE_SECONDS: Final = 60.0
MAKE_ONE: Final = "`warehouse up`, which makes them by itself, or `warehouse backup TARGET`"


def backup(settings: Settings) -> Iterator[Finding]:
    """Whether what is here is also somewhere else."""
    now, note = time.time(), read_backup_note(settings)
    if note is None:
        text = "no backup was ever made of this home"
        yield Finding("backup", State.WARN, text, "`warehouse backup TARGET`, on another disk")
        return
    last = f"the last is of {_ago(now - note.made.moment)}, in {note.target}" if note.made else "there is none yet"
    if note.failure is not None:
        text = f"{note.failures:,} failed: {note.failure.reason}; {last}"
        yield Finding("backup", State.WRONG, text, note.failure.hint)
    elif note.is_overdue(now):
        yield Finding("backup", State.WRONG, f"the next is overdue; {last}", MAKE_ONE)
    else:
        yield Finding("backup", State.OK, last)


def ship(settings: Settings) -> Iterator[Finding]:
    """Whether journals reach their other place, where they are meant to."""
    now, note = time.time(), read_ship_note(settings)
    if note is None:
        if settings.ship is not None:
            yield Finding("ship", State.WARN, f"nothing was shipped to {settings.ship} yet", "`warehouse up` does it")
        return
    lag = note.lag(now)
    text = f"what came in the last {told(timedelta(seconds=lag))} may be on this disk only"
    if lag > LATE_SECONDS:
        reason = note.failure.reason if note.failure else "nobody ships"
        hint = note.failure.hint if note.failure else "`warehouse up`, which ships by itself"
        yield Finding("ship", State.WRONG, f"{text}: {reason}", hint)
    else:
        yield Finding("ship", State.OK, text)


def _ago(seconds: float) -> str:
    return f"{told(timedelta(seconds=seconds))} ago"
