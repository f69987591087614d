"""Reads journal files. Every record given out is one that was written, byte for byte; whatever is not is reported.

A reader tells a journal that is still being written from a dead one by its lock: at the end of a live one an unfinished
record is on its way, at the end of a dead one it is a torn tail. Room reserved for more records is neither.
"""

import fcntl
import os
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from warehouse.delivery.delivery import Delivery
from warehouse.errors import JournalCorrupt
from warehouse.journal.record import (
    CHECKSUM,
    FRAME,
    HEAD,
    HEADER,
    MAGIC,
    NUMBER,
    RESERVED,
    SUFFIX,
    SYNC,
    VERSION,
    Meta,
    decode_meta,
    seed_of,
)
from warehouse.system.disk import sync_file

CHUNK_BYTES: Final = 4 * 2**20
PIECE_BYTES: Final = 2**16
# The least that a disk writes: either all of it is on the disk or nothing.
SECTOR_BYTES: Final = 512


class Reason(StrEnum):
    """What is wrong with a place in a journal."""

    HEADER = "header"
    CORRUPT = "corrupt"
    GAP = "gap"
    TORN_TAIL = "torn_tail"


class Damage(msgspec.Struct, frozen=True):
    """Bytes at `offset` that are no record: the deliveries `first_missing` to `last_missing` are not readable.

    `last_missing` is None when the file ends in the damage, so that nobody can tell how many there were (in a torn
    tail: none that was acknowledged). A damaged header misses nothing: both are None.
    """

    path: Path
    offset: int
    reason: Reason
    first_missing: int | None
    last_missing: int | None

    def __str__(self) -> str:
        if self.first_missing is None:
            missing = "no delivery is missing"
        elif self.last_missing is None:
            missing = f"nothing can be read from delivery {self.first_missing} on"
        else:
            missing = f"deliveries {self.first_missing} to {self.last_missing} are missing"
        return f"{self.path}: {self.reason.replace('_', ' ')} at byte {self.offset}: {missing}"


class Mark(msgspec.Struct, frozen=True):
    """A place between two records: everything before byte `offset` is read, and `position` comes next."""

    offset: int
    position: int


class Journal:
    """One journal file opened for reading, as far as it was written at that moment.

    `live` says whether somebody still writes to it; `mark` is how far the records have been read. Raises OSError when
    the file cannot be opened, JournalCorrupt when it was written by a later version of this product.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name.removesuffix(SUFFIX)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # In this order: the length of a journal found dead is final.
            self.live = not _try_lock(self._descriptor)
            self.size = os.fstat(self._descriptor).st_size
            self._data, self._base = b"", 0
            start = self._read_header()
        except BaseException:
            os.close(self._descriptor)
            raise
        self.mark = Mark(start, 0)
        self._seed = seed_of(self.name)

    def sync(self) -> None:
        """Return only after everything that can be read here is on the disk. Raises OSError."""
        sync_file(self._descriptor)

    def close(self) -> None:
        """Release the file, and with it the lock of a dead journal."""
        os.close(self._descriptor)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def records(
        self, on_damage: Callable[[Damage], None], start: Mark | None = None
    ) -> Iterator[tuple[int, Meta, bytes]]:
        """The position, meta and body of each record from `start` on, in order; each damage as it is met."""
        self.mark = start or self.mark
        offset, expected = self.mark.offset, self.mark.position
        while offset < self.size:
            at, record = self._next_record(offset, expected)
            if at > offset and record and self.live:
                # A later record was there already, so by now all before it is, which it need not have been when it was
                # read: what is written and read at the same moment comes in pieces.
                self._data = b""
                at, record = self._next_record(offset, expected)
            if record is None:
                break
            position, meta, body, end = record
            if position > expected or at > offset:
                reason = Reason.GAP if at == offset else Reason.CORRUPT if offset else Reason.HEADER
                on_damage(Damage(self.path, offset, reason, *_missing(expected, position)))
            offset, expected = end, position + 1
            self.mark = Mark(offset, expected)
            yield position, meta, body
        if offset == 0:
            on_damage(Damage(self.path, 0, Reason.HEADER, 0, None))
        elif offset < self.size and not self.live and not self._is_reserved(offset, self.size):
            reason = Reason.TORN_TAIL if self._is_torn(offset) else Reason.CORRUPT
            on_damage(Damage(self.path, offset, reason, expected, None))

    def _read_header(self) -> int:
        """Where the records begin: 0 when the header is not as it was written."""
        prefix = os.pread(self._descriptor, HEADER.size, 0)
        if len(prefix) == HEADER.size:
            magic, version, length = HEADER.unpack(prefix)
            end = HEADER.size + length + CHECKSUM.size
            if magic == MAGIC and end <= min(self.size, 4096):
                header = os.pread(self._descriptor, end, 0)
                text, checksum = header[: -CHECKSUM.size], header[-CHECKSUM.size :]
                if CHECKSUM.unpack(checksum) == (zlib.crc32(text),):
                    if version != VERSION:
                        raise JournalCorrupt(
                            f"a journal of version {version}; this product reads version {VERSION}.",
                            "install the version of newstore-warehouse that wrote it",
                            where=self.path,
                        )
                    # A copy under another name is still the same journal's bytes.
                    self.name = text[HEADER.size :].decode()
                    return int(end)
        return 0

    def _record_at(self, offset: int) -> tuple[int, Meta, bytes, int] | None:
        """Position, meta, body and end of the record that begins at `offset`, if one does."""
        if offset + HEAD.size > self.size:
            return None
        at = self._load(offset, HEAD.size)
        sync, length, checksum, position, meta_length = HEAD.unpack_from(self._data, at)
        end = offset + FRAME.size + length
        if sync != SYNC or end > self.size or NUMBER.size + meta_length > length:
            return None
        # A damaged length may be as long as the file: believe it before making room for it.
        if length > CHUNK_BYTES and self._checksum(offset + FRAME.size, end) != checksum:
            return None
        at = self._load(offset, end - offset)
        stop = at + end - offset
        if zlib.crc32(memoryview(self._data)[at + FRAME.size : stop], self._seed) != checksum:
            return None
        body = at + HEAD.size + meta_length
        try:
            meta = decode_meta(memoryview(self._data)[at + HEAD.size : body])
        except msgspec.MsgspecError:
            return None
        return position, meta, self._data[body:stop], end

    def _next_record(self, offset: int, expected: int) -> tuple[int, tuple[int, Meta, bytes, int] | None]:
        """Where the first record at or after `offset` begins whose position is `expected` or later, and that record."""
        while offset + HEAD.size <= self.size:
            at = self._load(offset, HEAD.size)
            if self._data.startswith(RESERVED, at) and self._is_reserved(offset, self.size):
                break
            found = self._data.find(SYNC, at)
            if found < 0:
                offset = self._base + len(self._data) - len(SYNC) + 1
                continue
            offset = self._base + found
            record = self._record_at(offset)
            if record is not None and record[0] >= expected:
                return offset, record
            offset += 1
        return offset, None

    def _load(self, offset: int, length: int) -> int:
        """The index in `_data` of the byte at `offset`, with at least `length` bytes from there on."""
        at = offset - self._base
        if at < 0 or at + length > len(self._data):
            self._data = self._read(offset, min(max(length, CHUNK_BYTES), self.size - offset))
            self._base, at = offset, 0
        return at

    def _read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        while len(data) < length:
            piece = os.pread(self._descriptor, length - len(data), offset + len(data))
            if not piece:
                raise JournalCorrupt(
                    f"became shorter while it was read, at byte {offset + len(data)}.",
                    "find out what truncates it: nothing of this product does",
                    where=self.path,
                )
            data += piece
        return data

    def _checksum(self, offset: int, end: int) -> int:
        checksum = self._seed
        while offset < end:
            piece = self._read(offset, min(CHUNK_BYTES, end - offset))
            checksum = zlib.crc32(piece, checksum)
            offset += len(piece)
        return checksum

    def _is_torn(self, offset: int) -> bool:
        """Whether the file ends in a record that was never wholly written: cut short, or a part of it only reserved."""
        if offset + HEAD.size > self.size:
            return True
        sync, length, *_ = HEAD.unpack_from(self._data, self._load(offset, HEAD.size))
        if sync != SYNC:
            begun = sync.rstrip(RESERVED)
            begins = begun and SYNC.startswith(begun) and self._is_reserved(offset + len(begun), self.size)
            return bool(begins) or self._is_all(b"\0", offset, self.size)
        end = offset + FRAME.size + length
        if end > self.size:
            return True
        # A write that ends early leaves the record's end as it was, a power cut any sector.
        sectors = range(offset - offset % SECTOR_BYTES + SECTOR_BYTES, end - SECTOR_BYTES, SECTOR_BYTES)
        return self._is_reserved(end - 1, end) or any(self._is_reserved(at, at + SECTOR_BYTES) for at in sectors)

    def _is_reserved(self, offset: int, end: int) -> bool:
        return self._is_all(RESERVED, offset, end)

    def _is_all(self, byte: bytes, offset: int, end: int) -> bool:
        """Whether there is nothing but `byte` from `offset` to `end`."""
        while offset < end:
            piece = self._read(offset, min(CHUNK_BYTES, end - offset))
            if piece.count(byte) != len(piece):
                return False
            offset += len(piece)
        return True


def read_journal(
    path: Path, after: int = -1, on_damage: Callable[[Damage], None] | None = None
) -> Iterator[tuple[int, Delivery]]:
    """The position and the delivery of each record later than position `after`, in order.

    Without `on_damage` the first damage raises JournalCorrupt, which names the file and the byte.
    """
    with Journal(path) as journal:
        for position, meta, body in journal.records(on_damage or _refuse):
            if position > after:
                yield position, Delivery(*meta, body)


def written_after(path: Path, offset: int) -> int:
    """How many bytes of the journal come after `offset`, without the room reserved at its end. Raises OSError."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end > offset:
            start = max(offset, end - PIECE_BYTES)
            file.seek(start)
            written = len(file.read(end - start).rstrip(RESERVED))
            if written:
                return start + written - offset
            end = start
    return 0


def list_journals(folder: Path) -> list[Path]:
    """The journals in `folder`, the oldest first; none when there is no such folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _refuse(damage: Damage) -> None:
    raise JournalCorrupt(f"{damage}.", "keep the file; `warehouse log verify` lists all that can still be read")


def _missing(expected: int, position: int) -> tuple[int | None, int | None]:
    return (expected, position - 1) if position > expected else (None, None)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
