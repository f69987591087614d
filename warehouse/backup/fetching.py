"""Brings the files of a backup to this machine, each compared with its digest, within one folder."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Final

from warehouse.backup.manifest import Item, Manifest
from warehouse.backup.store import PIECE_BYTES, Store
from warehouse.errors import BackupError
from warehouse.personal.ledger import FILE as ERASURES
from warehouse.progress import Progress
from warehouse.system.disk import make_folder, sync_file, sync_folder

FETCHES_AT_A_TIME: Final = 4
# What a backup has of a home, by the first part of its path.
PARTS: Final = ("lake", "journal", "accepted_losses.json", ERASURES)


class Fetching:
    """Brings the files of a manifest to this machine, those that a restore before this one has not brought."""

    def __init__(self, store: Store, stage: Path, progress: Progress) -> None:
        self._store = store
        self._stage = stage
        self._progress = progress
        self._turn = Lock()
        self._done = self._total = 0

    def fetch(self, manifest: Manifest) -> None:
        """Have all of them whole, within the folder."""
        for item in manifest.items:
            parts = Path(item.path).parts
            if parts[:1] not in [(name,) for name in PARTS] or ".." in parts:
                raise self._damaged(item, "is nothing that a home has")
        self._total = manifest.bytes
        with ThreadPoolExecutor(FETCHES_AT_A_TIME) as pool:
            waiting = [pool.submit(self._take, item) for item in manifest.items]
            try:
                for one in waiting:
                    one.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _take(self, item: Item) -> None:
        path = self._stage / item.path
        if not _is(path, item):
            self._fetch(item, path)
        with self._turn:
            self._done += item.size
            self._progress(self._done, self._total)

    def _fetch(self, item: Item, path: Path) -> None:
        make_folder(path.parent)
        digest, size = hashlib.sha256(), 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                for piece in self._store.chunks(item.object):
                    digest.update(piece)
                    size += file.write(piece)
                file.flush()
                sync_file(file.fileno())
        except FileNotFoundError as error:
            raise self._damaged(item, "is gone") from error
        if (size, digest.hexdigest()) != (item.size, item.digest):
            raise self._damaged(item, "is not as it was written")
        sync_folder(path.parent)

    def _damaged(self, item: Item, what: str) -> BackupError:
        return BackupError(
            f"{item.path} of this backup {what}.",
            "`warehouse backup verify` says which backups have it; delete what is here and restore another with --at",
            where=f"{self._store.address}/{item.object}",
        )


def _is(path: Path, item: Item) -> bool:
    """Whether a file was fetched whole."""
    try:
        if path.stat().st_size != item.size:
            return False
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(PIECE_BYTES):
                digest.update(piece)
    except OSError:
        return False
    return digest.hexdigest() == item.digest
