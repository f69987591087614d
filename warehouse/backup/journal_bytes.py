"""A part of a journal as a stream that can be read again and again, while others append to the file or delete it."""

import io
from typing import BinaryIO, cast

from warehouse.journal import Journal


class _Bytes(io.RawIOBase):
    def __init__(self, journal: Journal, start: int, end: int) -> None:
        self._journal = journal
        self._start = start
        self._length = end - start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        length = max(0, min(len(view), self._length - self._at))
        view[:length] = self._journal.read(self._start + self._at, length)
        self._at += length
        return length


def journal_bytes(journal: Journal, start: int, end: int) -> BinaryIO:
    """The bytes of an open journal from `start` to `end`."""
    return cast("BinaryIO", io.BufferedReader(_Bytes(journal, start, end), 2**20))
