"""A place for backups: objects with names, each there whole or not at all, whoever dies while it is written.

A folder or a bucket of S3. Nothing in it is ever changed; objects are added, read and deleted.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import msgspec

from warehouse.errors import BackupError
from warehouse.system.disk import make_folder, sync_file, sync_folder

PIECE_BYTES: Final = 2**20
UNFINISHED: Final = ".tmp"
S3: Final = "s3://"


class Entry(msgspec.Struct, frozen=True):
    """An object: its name, its bytes, and when it was written, in seconds since 1970."""

    name: str
    size: int
    written: float


class Store(Protocol):
    """Where objects are. Every method raises BackupError, TargetUnreachable where trying again may do."""

    address: str

    def put(self, name: str, source: BinaryIO, size: int) -> None:
        """Write an object of so many bytes; when it returns, it is there for good."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of an object. Raises FileNotFoundError when there is no such object."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """The objects whose name begins so."""

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""

    def remove_unfinished(self, before: float) -> None:
        """Delete what was begun before that time, in seconds since 1970, and never finished."""


def open_store(target: str, attempts: int = 8) -> Store:
    """The store at an address: `s3://bucket/prefix`, else a folder. Nothing is asked of it yet.

    `attempts` is how often a store that is reached over a network tries each request before it gives up. Raises
    BackupError when the address is none, or what it needs is not installed.
    """
    if target.startswith(S3):
        from warehouse.backup.s3_store import S3Store

        return S3Store(target, attempts)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", target):
        raise BackupError("backups cannot go there.", "name a folder, or s3://BUCKET/PREFIX", where=target)
    return FolderStore(Path(target))


def read_whole(store: Store, name: str) -> bytes:
    """A small object. Raises FileNotFoundError when there is none of this name."""
    return b"".join(store.chunks(name))


def size_and_digest(store: Store, name: str) -> tuple[int, str]:
    """What an object is, by reading all of it. Raises FileNotFoundError."""
    digest, size = hashlib.sha256(), 0
    for piece in store.chunks(name):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


class FolderStore:
    """A folder of this machine, or one that is mounted there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.address = str(self._folder)

    def put(self, name: str, source: BinaryIO, size: int) -> None:
        """Write it under a passing name, and give it its own when it is on the disk."""
        path = self._folder / name
        draft = path.with_name(f"{path.name}.{os.getpid()}{UNFINISHED}")
        try:
            make_folder(path.parent)
            with draft.open("wb") as file:
                written = 0
                while piece := source.read(PIECE_BYTES):
                    written += file.write(piece)
                file.flush()
                sync_file(file.fileno())
            if written != size:
                raise BackupError(f"{written} bytes came of {size}.", "try again", where=path)
            draft.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise self._failure(error) from error
        finally:
            draft.unlink(missing_ok=True)

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read the file."""
        try:
            with (self._folder / name).open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self._failure(error) from error

    def entries(self, prefix: str) -> Iterator[Entry]:
        """The files below a folder; a prefix is a folder's name here, with its slash."""
        try:
            for path in sorted((self._folder / prefix).rglob("*")):
                if path.suffix == UNFINISHED or not path.is_file():
                    continue
                found = path.stat()
                yield Entry(path.relative_to(self._folder).as_posix(), found.st_size, found.st_mtime)
        except OSError as error:
            raise self._failure(error) from error

    def delete(self, name: str) -> None:
        """Delete the file."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._failure(error) from error

    def remove_unfinished(self, before: float) -> None:
        """Delete the drafts of whoever died."""
        try:
            for path in self._folder.rglob(f"*{UNFINISHED}"):
                if path.stat().st_mtime < min(before, time.time()):
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> BackupError:
        return BackupError(
            f"{error.strerror or error}.",
            "check that folder, its rights and the room on its disk; what was whole there still is",
            where=error.filename or self._folder,
        )
