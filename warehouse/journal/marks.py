"""Remembers how far each journal was sealed, so that sealing need not read it again from its beginning.

Only an aid: what is sealed is what the log holds, and a mark that does not fit to that, or is lost, is not used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from warehouse.journal.reader import Mark

FILE: Final = "sealed.json"


class SealedMark(msgspec.Struct, frozen=True):
    """A journal is read and sealed up to `mark`, which it was first found to be at `since` (seconds since 1970)."""

    mark: Mark
    since: float


def load_marks(folder: Path) -> dict[str, SealedMark]:
    """The marks by the journals' file names; none when they were never saved or are not readable any more."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=dict[str, SealedMark])
    except (FileNotFoundError, msgspec.DecodeError):
        # Saved without a sync: after a power cut the file may be empty, and the journals are read from the beginning.
        return {}


def save_marks(folder: Path, marks: Mapping[str, SealedMark]) -> None:
    """Replace all marks. Raises OSError."""
    unfinished = folder / f"{FILE}.new"
    unfinished.write_bytes(msgspec.json.encode(marks))
    unfinished.rename(folder / FILE)
