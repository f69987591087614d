"""Writes one journal file. `append` returns only after the bytes are on the disk, or raises and never writes again.

A small group of records is written into room that an earlier one reserved: its sync has nothing to do but the bytes,
where a file that grows makes the file system commit its own journal, with all that others have written meanwhile.

The file has its name only once its header is on the disk and its lock is held, so whoever sees a journal whose lock is
free knows that nobody will write to it any more. It must keep that name: what is in a file that was deleted or moved
away while it was written was acknowledged, and nobody would find it. So before each group and after its sync the file
is looked for under its name, and what it held when it is not there is copied to a new one.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Final

from warehouse.delivery.delivery import Delivery
from warehouse.errors import JournalDisplaced, JournalError
from warehouse.journal.record import RESERVED, SUFFIX, pack_header, pack_records, seed_of
from warehouse.system.disk import make_folder, sync_file, sync_folder

# A journal that has no header on the disk yet.
UNNAMED: Final = ".new"
# Room is reserved for at least so many groups like the one at hand.
ROOM_GROUPS: Final = 4
# The end of a journal of which a part is lost: no reader takes it for a record, for room or for a torn tail.
CUT: Final = b"cut\n"
PIECE_BYTES: Final = 2**20


class JournalWriter:
    """A new journal in `folder`, held by this process until `close`; for one thread at a time.

    `size` is in bytes, without the room reserved for more: so many bytes at once as `reserve` says, for groups much
    smaller than that. A large one would take as long for its room as for itself. Raises JournalError when the file
    cannot be made durable.
    """

    def __init__(self, folder: Path, reserve: int = 0) -> None:
        self.name = _new_name()
        self.path = folder / f"{self.name}{SUFFIX}"
        self._seed = seed_of(self.name)
        self._next = 0
        self._sound = True
        self._opened = monotonic()
        header = pack_header(self.name)
        self.size = self._end = len(header)
        self._room = RESERVED * reserve
        try:
            make_folder(folder)
            self._descriptor = _create(self.path, header)
            self._file = _identity(os.fstat(self._descriptor))
        except OSError as error:
            raise _failure(self.path, "could not be created", error) from error

    @property
    def age(self) -> float:
        """Seconds since the file was made."""
        return monotonic() - self._opened

    @property
    def sound(self) -> bool:
        """Whether more can be appended: false after a failed append and after `close`."""
        return self._sound

    def append(self, deliveries: Sequence[Delivery]) -> int:
        """Put the deliveries on the disk with one write and one sync; the position of the first of them.

        When it returns, the file that holds them had its name after the sync. Raises JournalError, JournalDisplaced
        where that is not so, and from then on always: what a failed sync leaves in the file is anybody's guess.
        """
        if not self._sound:
            raise JournalError("takes no more deliveries.", "start a new journal", where=self.path)
        self._sound = False
        self._check_place(self.size)
        data = pack_records(deliveries, self._next, self._seed)
        size = self.size + len(data)
        try:
            _write(self._descriptor, data)
            if size > self._end:
                self._end = size + self._reserve(size, len(data))
            sync_file(self._descriptor)
        except OSError as error:
            raise _failure(self.path, "could not be written", error) from error
        self._check_place(size)
        self._sound = True
        first = self._next
        self._next += len(deliveries)
        self.size = size
        return first

    @property
    def holds(self) -> bool:
        """Whether all that was appended is still under the file's name."""
        return self._is_in_place(self.size)

    def rescue(self) -> Path | None:
        """Have all that was appended under a name again, and close the file; the path, None where nothing was appended.

        A copy is the same journal under whatever name it is, so what is sealed of it already, or comes back with the
        old file, is in the log once. A part that is lost is left as a gap that every reader reports. Raises
        JournalError when the copy cannot be made; the file is still open then.
        """
        if not self._next:
            self.close()
            return None
        try:
            path = self.path
            if self._is_in_place(0):
                if not self.holds:
                    _mark_cut(self._descriptor, self.size)
            else:
                path = self._copy()
        except OSError as error:
            raise _failure(self.path, "what it held could not be copied", error) from error
        self.close()
        return path

    def _is_in_place(self, size: int) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            # Whatever the reason, it cannot be opened under its name.
            return False
        return _identity(found) == self._file and found.st_size >= size

    def _check_place(self, size: int) -> None:
        if not self._is_in_place(size):
            raise JournalDisplaced(
                "is no longer the file that is being written, or became shorter.",
                "find out what deletes, moves or truncates journals: nothing of this product does to one in use",
                where=self.path,
            )

    def _copy(self) -> Path:
        """Copy what was appended into a file of this journal's name, or of one like it where that is taken."""
        path = self.path
        if os.path.lexists(path):
            path = path.with_name(f"{self.name}-{secrets.token_hex(4)}{SUFFIX}")
        make_folder(path.parent)
        unnamed = path.with_suffix(UNNAMED)
        descriptor = _open_locked(unnamed)
        try:
            copied = _copy_bytes(self._descriptor, descriptor, self.size)
            if copied < self.size:
                _mark_cut(descriptor, self.size)
            sync_file(descriptor)
            unnamed.rename(path)
            sync_folder(path.parent)
            # Until here it was in use, and whoever deletes what is in use may have met it as well.
            if _identity(path.stat()) != _identity(os.fstat(descriptor)):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        except BaseException:
            unnamed.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        return path

    def _reserve(self, size: int, group: int) -> int:
        """Make room after the first `size` bytes for more groups of so many bytes; how much there is now."""
        if group > len(self._room) // ROOM_GROUPS:
            return 0
        try:
            return os.write(self._descriptor, self._room)
        except OSError:
            # The disk is full, or so broken that the sync fails as well. Without room appends are slower, nothing else.
            self._room = b""
            return 0
        finally:
            os.lseek(self._descriptor, size, os.SEEK_SET)

    def close(self) -> None:
        """Release the file; closing twice does nothing."""
        self._sound = False
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> "JournalWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def remove_unnamed(folder: Path) -> list[Path]:
    """Delete the journals in `folder` whose process died before they had their name; they hold no delivery."""
    removed = []
    for path in folder.glob(f"*{UNNAMED}"):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            removed.append(path)
        except BlockingIOError:
            # It is being made at this moment.
            continue
        finally:
            os.close(descriptor)
    return removed


def _new_name() -> str:
    # The time sorts; the random part keeps hosts, clocks set back and process numbers used again apart.
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z-{os.getpid()}-{secrets.token_hex(8)}"


def process_of(path: Path) -> str:
    """The number of the process that began the journal, by its name; another name says nothing of it."""
    parts = path.name.split("-")
    return parts[1] if len(parts) > 1 else "unknown"


def _create(path: Path, header: bytes) -> int:
    unnamed = path.with_suffix(UNNAMED)
    descriptor = _open_locked(unnamed)
    try:
        _write(descriptor, header)
        sync_file(descriptor)
        unnamed.rename(path)
        sync_folder(path.parent)
    except BaseException:
        os.close(descriptor)
        # No delivery was ever accepted into it.
        unnamed.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return descriptor


def _open_locked(unnamed: Path) -> int:
    while True:
        descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            unnamed.unlink(missing_ok=True)
            raise
        # Before it was locked it looked like one that a dead process had left, see `remove_unnamed`.
        os.close(descriptor)


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _copy_bytes(source: int, target: int, size: int) -> int:
    """Copy the first `size` bytes, or as many as can be read; how many these are."""
    copied = 0
    while copied < size:
        try:
            piece = os.pread(source, min(PIECE_BYTES, size - copied), copied)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            break
        if not piece:
            break
        _write(target, piece)
        copied += len(piece)
    return copied


def _mark_cut(descriptor: int, size: int) -> None:
    """Give a file the length it had, so that what is lost of it is missed and not taken for what was never written."""
    os.ftruncate(descriptor, size)
    os.pwrite(descriptor, CUT, size - len(CUT))
    sync_file(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written < len(data):
        rest = memoryview(data)
        while written < len(data):
            written += os.write(descriptor, rest[written:])


def _failure(path: Path, what: str, error: OSError) -> JournalError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = f"free space on the disk of {path.parent}"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = f"give this user the right to write to {path.parent}"
    else:
        hint = f"check the disk of {path.parent}; `dmesg` says more"
    return JournalError(f"{what}: {error.strerror or error}.", hint, error.errno, where=path)
