"""Journals as they lie in a target: pieces named by their first byte and the byte after their last.

A piece is written once, with bytes that were in the journal already. Whoever reads takes the longest at each place, so
pieces may overlap, and one that stands for several is there before they go.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from warehouse.backup.store import Store
from warehouse.errors import BackupError
from warehouse.journal import Journal, Mark
from warehouse.system.disk import sync_file

FOLDER: Final = "journals/"
NAME: Final = re.compile(r"journals/([^/]+\.journal)/(\d{12})-(\d{12})")


class Piece(msgspec.Struct, frozen=True, order=True):
    """The bytes of a journal from `start` to `end`, and when they were written, in seconds since 1970."""

    start: int
    end: int
    written: float
    object: str


def list_shipped(store: Store) -> dict[str, list[Piece]]:
    """The pieces of each journal that was shipped there, by its file's name."""
    found: dict[str, list[Piece]] = {}
    for entry in store.entries(FOLDER):
        match = NAME.fullmatch(entry.name)
        if match is not None:
            piece = Piece(int(match[2]), int(match[3]), entry.written, entry.name)
            if entry.size == piece.end - piece.start:
                found.setdefault(match[1], []).append(piece)
    return found


def cover(pieces: Iterable[Piece]) -> list[Piece]:
    """The fewest of these pieces that make up the journal from its beginning, as far as they go without a gap."""
    chosen: list[Piece] = []
    end = 0
    longest: Piece | None = None
    for piece in sorted(pieces):
        if piece.start > end and longest is not None and longest.end > end:
            chosen.append(longest)
            end = longest.end
        if piece.start > end:
            break
        if longest is None or piece.end > longest.end:
            longest = piece
    if longest is not None and longest.end > end:
        chosen.append(longest)
    return chosen


def shipped_end(pieces: Iterable[Piece]) -> int:
    """How many bytes of the journal there are from its beginning."""
    chosen = cover(pieces)
    return chosen[-1].end if chosen else 0


def name_of(journal: str, start: int, end: int) -> str:
    """The object with these bytes of a journal."""
    return f"{FOLDER}{journal}/{start:012d}-{end:012d}"


def fetch_journal(store: Store, pieces: Iterable[Piece], path: Path) -> int:
    """Write what was shipped of a journal to a file; its bytes, when they are on the disk."""
    with path.open("wb") as file:
        for piece in cover(pieces):
            _append(store, piece, file)
        file.flush()
        sync_file(file.fileno())
        return file.tell()


def _append(store: Store, piece: Piece, file: BinaryIO) -> None:
    end = file.tell()
    file.seek(piece.start)
    file.writelines(store.chunks(piece.object))
    if file.tell() != piece.end or piece.end <= end:
        raise BackupError(
            f"{piece.object} is not as long as it was written.", "try again", where=f"{store.address}/{piece.object}"
        )


def cut_after(path: Path, moment: float) -> None:
    """Drop the records of a journal from the first on that was received later, in seconds since 1970."""
    with Journal(path) as journal:
        end = journal.mark
        for _, meta, _ in journal.records(lambda _damage: None):
            if meta[0] > moment * 1e6:
                break
            end = journal.mark
    _truncate(path, end)


def _truncate(path: Path, end: Mark) -> None:
    with path.open("r+b") as file:
        file.truncate(end.offset)
        sync_file(file.fileno())
