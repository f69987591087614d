"""Looks at each of several sources by itself: one that cannot be read becomes something to say, and hides no other.

Whatever tells how a home is (the page, the metrics, `status`, `doctor`) reads through this, so that it does not break
with what is broken, and never takes for well what it could not look at.
"""

import sqlite3
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from warehouse.errors import WarehouseError
from warehouse.system.texts import shortened

Found = TypeVar("Found")

LONGEST_REASON_LETTERS: Final = 2_000
CHECK_IT: Final = "check that path, its permissions and its disk"


class Unread(msgspec.Struct, frozen=True):
    """A source that could not be read: which one, why, and what to do about it."""

    source: str
    reason: str
    hint: str


class Sources:
    """The sources somebody looks at, and which of them could not be read."""

    def __init__(self) -> None:
        self.unread: list[Unread] = []
        self.looked_at: list[str] = []

    def read(self, source: str, read: Callable[[], Found], hint: str = CHECK_IT) -> Found | None:
        """What `read` gives; None when it fails, whatever it fails with, and `unread` says so then.

        `hint` is for failures that bring none of their own.
        """
        self.looked_at.append(source)
        try:
            return read()
        except Exception as error:  # noqa: BLE001 - what is not foreseen is said as well; it is why this is here
            self.fails(explain(source, error, hint))
            return None

    def fails(self, unread: Unread) -> None:
        """Remember that a source, or a part of it, could not be read."""
        self.unread.append(unread)


def explain(source: str, error: Exception, hint: str = CHECK_IT) -> Unread:
    """A failure as something to say. Nothing that may quote a value of an event is passed on."""
    if isinstance(error, WarehouseError):
        return Unread(source, shortened(error.message, LONGEST_REASON_LETTERS), error.hint)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return Unread(source, shortened(f"{place}{error.strerror or error}", LONGEST_REASON_LETTERS), hint)
    if isinstance(error, sqlite3.Error | ImportError):
        return Unread(source, shortened(str(error), LONGEST_REASON_LETTERS), hint)
    return Unread(source, f"it could not be looked at: {type(error).__name__}", hint)
