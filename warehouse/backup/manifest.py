"""The manifest of a backup: which files a home had at one moment. It is written last: without it there is no backup.

Its name carries the digest of its content, and it names each file's content by digest, so what is read is what was.
"""

import hashlib
import io
import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from warehouse.backup.store import Store, read_whole
from warehouse.errors import BackupError

FOLDER: Final = "backups/"
FILES: Final = "files/"
FORMAT: Final = 1
NAME: Final = re.compile(r"backups/(\d{8}T\d{12}Z-([0-9a-f]{16}))\.json")


class Item(msgspec.Struct, frozen=True):
    """A file of the home: where it was, its bytes and the SHA-256 of its content."""

    path: str
    size: int
    digest: str

    @property
    def object(self) -> str:
        """The name of its content in the store."""
        return f"{FILES}{self.digest}"


class Manifest(msgspec.Struct, frozen=True):
    """A home at `moment` (seconds since 1970): all that was acknowledged before it is in these files.

    `journals` are the files that the journal's folder had, `home` says whose they are, `unread` names journals that
    nobody could read.
    """

    moment: float
    home: str
    version: str
    items: tuple[Item, ...]
    journals: tuple[str, ...]
    unread: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """What a home restored from it takes on a disk."""
        return sum(item.size for item in self.items)


class Backup(msgspec.Struct, frozen=True):
    """A manifest with the id by which people name it."""

    id: str
    manifest: Manifest


def write_manifest(store: Store, manifest: Manifest) -> Backup:
    """Make the backup exist; returns when its manifest has been read back."""
    text = msgspec.json.encode(manifest)
    stamp = datetime.fromtimestamp(manifest.moment, UTC).strftime("%Y%m%dT%H%M%S%f")
    backup = Backup(f"{stamp}Z-{hashlib.sha256(text).hexdigest()[:16]}", manifest)
    store.put(name_of(backup.id), io.BytesIO(text), len(text))
    return read_manifest(store, backup.id)


def read_manifest(store: Store, backup: str) -> Backup:
    """The backup with that id. Raises BackupError."""
    try:
        text = read_whole(store, name_of(backup))
    except FileNotFoundError as error:
        hint = f"`warehouse backup list {store.address}` lists those there are"
        raise BackupError(f"there is no backup {backup}.", hint, where=store.address) from error
    if hashlib.sha256(text).hexdigest()[:16] != backup.rpartition("-")[2]:
        raise BackupError(
            f"the manifest of backup {backup} is not as it was written.",
            "restore another one; `warehouse backup verify` looks at all of them",
            where=store.address,
        )
    version = msgspec.json.decode(text, type=dict[str, msgspec.Raw])["format"]
    if bytes(version) != str(FORMAT).encode():
        raise BackupError(
            f"backup {backup} is of format {bytes(version).decode()}; this product reads format {FORMAT}.",
            "install the version of newstore-warehouse that made it",
            where=store.address,
        )
    return Backup(backup, msgspec.json.decode(text, type=Manifest))


def list_ids(store: Store) -> list[str]:
    """The ids of all backups, the oldest first."""
    found = (NAME.fullmatch(entry.name) for entry in store.entries(FOLDER))
    return sorted(match[1] for match in found if match)


def name_of(backup: str) -> str:
    """The object that is a backup's manifest."""
    return f"{FOLDER}{backup}.json"
