"""Small files in a home in which one process leaves word for others. Each is written whole or not at all.

A note may be missing, which says that nothing has happened yet. One that is there and cannot be read is an error.
"""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from warehouse.errors import NoteError

Note = TypeVar("Note", bound=msgspec.Struct)

# None of ours comes near; whoever asks for the metrics must not be made to read a gigabyte.
MOST_BYTES: Final = 4 * 2**20


def read_note(path: Path, kind: type[Note]) -> Note | None:
    """The note at `path`; None when there is none. Raises NoteError when it cannot be read, or is no such note."""
    try:
        written = _read(path)
    except FileNotFoundError as error:
        if path.is_symlink():
            raise _unreadable(path, "it is a link to nothing") from error
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    try:
        return msgspec.json.decode(written, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(path, "it is not what this product wrote") from error


def write_note(path: Path, note: msgspec.Struct) -> None:
    """Replace the note at `path`. Raises OSError."""
    draft = path.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(note))
    draft.replace(path)


def utc_seconds(text: str) -> float:
    """A time of a note, in ISO 8601 with its zone, in seconds since 1970. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.timestamp()


def utc_now() -> str:
    """This moment as notes say it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _read(path: Path) -> bytes:
    # Opening a pipe would wait for somebody who writes to it.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a file")
        written = file.read(MOST_BYTES + 1)
    if len(written) > MOST_BYTES:
        raise OSError(0, f"it has more than {MOST_BYTES:,} bytes")
    return written


def _unreadable(path: Path, reason: str) -> NoteError:
    return NoteError(
        f"this note cannot be read: {reason}.",
        "move it out of the way, and see that its folder takes files; the next `warehouse refresh` makes a new one",
        where=path,
    )
