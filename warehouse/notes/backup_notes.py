"""What a home remembers of its copies elsewhere: the last backup, how far journals are shipped, and what failed.

The one who copies writes them, the page, the metrics and the commands read them. Times are in seconds since 1970.
"""

from pathlib import Path
from typing import Final

import msgspec

from warehouse.settings import Settings
from warehouse.system.note_file import read_note
from warehouse.system.sources import Unread

# One that is not made by now, counted in times of its schedule, is overdue.
OVERDUE: Final = 2.0
LATE_SECONDS: Final = 600.0


class Made(msgspec.Struct, frozen=True):
    """A backup: its id, of which moment it is, its files and bytes, the bytes that were copied for it."""

    id: str
    moment: float
    files: int
    bytes: int
    new_bytes: int
    seconds: float


class BackupNote(msgspec.Struct, frozen=True):
    """Backups of a home: where they go, how often (None: whenever somebody asks), since when, the last that was made,
    and how many failed since, the last for which reason and when."""

    target: str
    every: float | None
    since: float
    made: Made | None = None
    failures: int = 0
    failure: Unread | None = None
    failed: float | None = None

    def is_overdue(self, now: float) -> bool:
        """Whether the schedule says that there should be a younger one."""
        if self.every is None:
            return False
        return now - max(self.since, self.made.moment if self.made else 0.0) > OVERDUE * self.every + LATE_SECONDS


class ShipNote(msgspec.Struct, frozen=True):
    """Journals on their way to another place: everything acknowledged before `complete` is there; how many bytes wait,
    how many were shipped since `since`, and how often it failed since it last went well."""

    target: str
    since: float
    complete: float | None = None
    waiting: int = 0
    shipped: int = 0
    failures: int = 0
    failure: Unread | None = None

    def lag(self, now: float) -> float:
        """How long ago that was: what was acknowledged since would go with this disk."""
        return max(0.0, now - (self.since if self.complete is None else self.complete))


def backup_note_path(settings: Settings) -> Path:
    """Where the note of backups is."""
    return settings.home / "backup.json"


def ship_note_path(settings: Settings) -> Path:
    """Where the note of shipping is."""
    return settings.home / "ship.json"


def read_backup_note(settings: Settings) -> BackupNote | None:
    """What is known of backups; None where none was ever tried. Raises NoteError."""
    return read_note(backup_note_path(settings), BackupNote)


def read_ship_note(settings: Settings) -> ShipNote | None:
    """What is known of shipping; None where nothing was ever shipped. Raises NoteError."""
    return read_note(ship_note_path(settings), ShipNote)
