"""Remembers how far each journal was sealed, so that sealing need not read it again from its beginning.

Only an aid: what is sealed is what the log holds, and a mark that does not fit to that, or is lost, is not used.
"""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from warehouse.journal.reader import Mark

FILE: Final = "sealed.marks"


class SealedMark(msgspec.Struct, frozen=True):
    """A journal is read and sealed up to `mark`, which it was first found to be at `since` (seconds since 1970)."""

    mark: Mark
    since: float


def load_marks(folder: Path) -> dict[str, SealedMark]:
    """The marks by the journals' file names; none when they were never saved or are not readable any more."""
    try:
        written = (folder / FILE).read_bytes()
    except FileNotFoundError:
        return {}
    checksum, _, marks = written.partition(b"\n")
    # Saved without a sync, the file may be anything after a power cut. A wrong offset would pass over records.
    if checksum != b"%08x" % zlib.crc32(marks):
        return {}
    try:
        return msgspec.json.decode(marks, type=dict[str, SealedMark])
    except msgspec.ValidationError:
        # Another version of this product saved them.
        return {}


def save_marks(folder: Path, marks: Mapping[str, SealedMark]) -> None:
    """Replace all marks. Raises OSError."""
    unfinished = folder / f"{FILE}.new"
    encoded = msgspec.json.encode(marks)
    unfinished.write_bytes(b"%08x\n%b" % (zlib.crc32(encoded), encoded))
    unfinished.rename(folder / FILE)
