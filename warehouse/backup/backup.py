"""Makes a backup: what the target lacks of a home's moment is copied and read back, then the manifest is written.

Content is named by its digest and written once. Dying at any point leaves every earlier backup as it was, and what was
copied is not copied again. No lock is held while bytes go over the wire.
"""

import hashlib
import importlib.metadata
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

import msgspec

from warehouse.backup.claim import claim
from warehouse.backup.manifest import FILES, Backup, Item, Manifest, list_ids, read_manifest, write_manifest
from warehouse.backup.moment import Moment, Part, moment_of
from warehouse.backup.retention import Keep, remove_old, remove_shipped
from warehouse.backup.store import PIECE_BYTES, Store, open_store, size_and_digest
from warehouse.errors import BackupError
from warehouse.journal import list_journals
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

# Another moment is taken so often when files of the last one have gone; each has all that was copied before it.
MOMENTS: Final = 5
# Requests over a network mostly wait.
COPIES_AT_A_TIME: Final = 4


class BackupReport(msgspec.Struct, frozen=True):
    """A backup that was made: its id, its files and bytes, what of it was new in the target, and which older backups
    were let go."""

    id: str
    moment: float
    files: int
    bytes: int
    new_files: int
    new_bytes: int
    dropped: tuple[str, ...]
    seconds: float


def backup(
    settings: Settings, target: str, keep: Keep, progress: Progress = lambda _done, _total: None
) -> BackupReport:
    """Copy the home as it is at one moment; from then on it exists in the target, whatever happens here.

    `progress` is told the bytes that are in the target and those of the whole backup. Raises BackupError, LakeError or
    LockHeld; also, when all else is in the target, where a journal could not be read.
    """
    began = time.monotonic()
    store = open_store(target)
    with hold_lock(settings.home / "backup.lock"):
        home = claim(store, settings)
        copying = _Copying(store, progress)
        made = _make(settings, store, copying, home)
        dropped = remove_old(store, keep)
        for place in dict.fromkeys([target, settings.ship or target]):
            remove_shipped(open_store(place), store, [path.name for path in list_journals(settings.journal_dir)])
    if made.manifest.unread:
        raise BackupError(
            f"backup {made.id} is made, without what could not be read: {'; '.join(made.manifest.unread)}.",
            "give this user the right to read it, or mend its disk; the next backup takes it along",
            where=store.address,
        )
    manifest = made.manifest
    return BackupReport(
        made.id,
        manifest.moment,
        len(manifest.items),
        manifest.bytes,
        copying.new_files,
        copying.new_bytes,
        dropped,
        time.monotonic() - began,
    )


def _make(settings: Settings, store: Store, copying: "_Copying", home: str) -> Backup:
    gone: OSError | None = None
    for _ in range(MOMENTS):
        try:
            with moment_of(settings, settings.home / "backup.tmp") as moment:
                items = copying.copy(moment)
                version = importlib.metadata.version("newstore-warehouse")
                manifest = Manifest(moment.at, home, version, items, moment.journals, moment.unread)
                return write_manifest(store, manifest)
        except FileNotFoundError as error:
            # Compaction has deleted it since the catalog was copied: a later moment does without.
            gone = error
    raise BackupError(
        f"files of the lake are missing, or go faster than they can be copied: {gone}.",
        "`warehouse log verify` says whether they are lost",
        where=settings.home,
    )


class _Copying:
    """What the target has by now, and how the rest gets there."""

    def __init__(self, store: Store, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._turn = Lock()
        self._there = {entry.name.removeprefix(FILES): entry.size for entry in store.entries(FILES)}
        self._known: dict[tuple[str, int], str] = {}
        # What a manifest names was read back before it was written.
        self._proven: set[str] = set()
        for known in list_ids(store)[-1:]:
            for item in read_manifest(store, known).manifest.items:
                self._known[item.path, item.size] = item.digest
                self._proven.add(item.digest)
        self._done = self._total = self.new_files = self.new_bytes = 0

    def copy(self, moment: Moment) -> tuple[Item, ...]:
        """Have every part in the target. Raises FileNotFoundError when one has gone."""
        self._done, self._total = 0, sum(part.size for part in moment.parts)
        with ThreadPoolExecutor(COPIES_AT_A_TIME) as pool:
            waiting = [pool.submit(self._take, part) for part in moment.parts]
            try:
                return tuple(one.result() for one in waiting)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _take(self, part: Part) -> Item:
        known = self._known.get((part.path, part.size)) if part.is_final else None
        digest = known or _digest_of(part)
        item = Item(part.path, part.size, digest)
        if self._there.get(digest) != part.size or digest not in self._proven:
            self._put(part, item)
        with self._turn:
            self._done += part.size
            self._known[part.path, part.size] = digest
            self._progress(self._done, self._total)
        return item

    def _put(self, part: Part, item: Item) -> None:
        """Write its content, unless somebody who died had done so, and read it back."""
        is_new = self._there.get(item.digest) != item.size
        if is_new or size_and_digest(self._store, item.object) != (item.size, item.digest):
            with part.open() as source:
                self._store.put(item.object, source, item.size)
            if size_and_digest(self._store, item.object) != (item.size, item.digest):
                raise BackupError(
                    f"{part.path} is not read back as it was written.",
                    "check the target's disk or its service; `warehouse log verify` checks the home",
                    where=f"{self._store.address}/{item.object}",
                )
        with self._turn:
            self._there[item.digest] = item.size
            self._proven.add(item.digest)
            self.new_files += is_new
            self.new_bytes += item.size if is_new else 0


def _digest_of(part: Part) -> str:
    digest = hashlib.sha256()
    with part.open() as source:
        while piece := source.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
