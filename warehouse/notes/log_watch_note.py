"""The note of what was looked through of the files of the lake, when, and what was found.

It speaks of the files that are the lake now: one that has not been looked at counts as that, and as nothing else.
"""

from pathlib import Path
from typing import Final

import msgspec

from warehouse.settings import Settings
from warehouse.system.note_file import read_note
from warehouse.system.sources import Unread

FILE: Final = "log_watch.json"


class Look(msgspec.Struct, frozen=True):
    """When a file was looked through, in seconds since 1970, and how many findings there were."""

    at: float
    findings: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.at < 2**40:
            raise ValueError("no time")


class LogWatch(msgspec.Struct, frozen=True):
    """What is known of the files that were the lake at the last look; `looks` by name, `findings` the first of all.

    `since` is when watching began, `looked` when the last look ended, both in seconds since 1970, `seconds` what it
    took of a processor. `unread` says why the last one could not be made, or what kept it from being whole.
    """

    since: float
    looked: float | None = None
    seconds: float = 0.0
    files: int = 0
    looks: dict[str, Look] = {}
    findings: tuple[str, ...] = ()
    unread: Unread | None = None

    @property
    def verified(self) -> int:
        """How many of the files have been looked through."""
        return len(self.looks)

    @property
    def damaged(self) -> int:
        """Findings in all of them."""
        return sum(look.findings for look in self.looks.values())

    @property
    def oldest(self) -> float | None:
        """When the file that waits longest was looked through."""
        return min((look.at for look in self.looks.values()), default=None)


def log_watch_path(settings: Settings) -> Path:
    """Where the note is."""
    return settings.home / FILE


def read_log_watch(settings: Settings) -> LogWatch | None:
    """What is known of this home's log; None before the first refresh. Raises NoteError."""
    return read_note(log_watch_path(settings), LogWatch)
