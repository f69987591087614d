"""Makes a home of a backup: every file is compared with its digest before any has its place.

All of it is fetched into a folder within the home, and then moved to where it belongs. Until it is done nothing starts
there, and a restore that died goes on when it is run again.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from warehouse.backup.claim import Identity, identity_path
from warehouse.backup.manifest import Backup, Item, Manifest, list_ids, read_manifest
from warehouse.backup.store import PIECE_BYTES, Store, open_store
from warehouse.errors import BackupError
from warehouse.lake.connection import catalog_path
from warehouse.lake.mark import mark_lake
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes, make_folder, sync_file, sync_file_at, sync_folder
from warehouse.system.home_folder import UNFINISHED, being_restored
from warehouse.system.lock import hold_lock
from warehouse.system.note_file import read_note, write_note

FETCHES_AT_A_TIME: Final = 4
PLAN: Final = "plan.json"
# Every file has its place: what differs from the backup from here on was changed by what is called after it.
PLACED: Final = "placed"
# Called in this order when every file is in its place, before the home can be used and before anything is built of it:
# what must not come back with a backup is taken out here. One that raises leaves the restore unfinished, and is called
# again when it goes on, so each must do no harm when it is called twice.
AFTER_RESTORE: Final[tuple[Callable[[Settings], None], ...]] = ()


class Plan(msgspec.Struct, frozen=True):
    """What is being restored: from where, the time that was asked for, and the backup that it means."""

    target: str
    at: float | None
    backup: str


class RestoreReport(msgspec.Struct, frozen=True):
    """A home that was restored: of which backup, of which moment (seconds since 1970), and how much that was."""

    backup: str
    moment: float
    files: int
    bytes: int


def restore(
    settings: Settings,
    target: str,
    at: str | None = None,
    progress: Progress = lambda _done, _total: None,
) -> RestoreReport:
    """Make the home what it was at the newest backup, or at the newest one not after the time `at`.

    `progress` is told bytes and their sum. The lake's marts are those of the backup; a refresh brings them up to date.
    Raises BackupError, also when the home holds anything.
    """
    store = open_store(target)
    stage = settings.home / UNFINISHED
    _refuse(settings)
    make_folder(stage)
    with hold_lock(stage / "lock"), being_restored(settings.home):
        backup = _planned(store, stage, Plan(store.address, _seconds(at), ""))
        if not (stage / PLACED).exists():
            _check_room(settings, stage, backup.manifest)
            _Fetching(store, stage, progress).fetch(backup.manifest)
            _place(settings, stage, store, backup.manifest)
        for act in AFTER_RESTORE:
            act(settings)
        # The plan says that this is unfinished; without it nothing else in there counts.
        (stage / PLAN).unlink()
        shutil.rmtree(stage)
        sync_folder(settings.home)
    return RestoreReport(backup.id, backup.manifest.moment, len(backup.manifest.items), backup.manifest.bytes)


def _refuse(settings: Settings) -> None:
    if settings.catalog is not None or settings.data_path is not None:
        raise BackupError(
            "a restore puts the lake into the home.",
            "unset WAREHOUSE_CATALOG and WAREHOUSE_DATA_PATH, restore, then move the lake to where they say",
            where=settings.home,
        )
    home = settings.home
    found = sorted(path.name for path in home.iterdir()) if home.is_dir() else []
    if not found or (home / UNFINISHED / PLAN).exists() or found == [UNFINISHED]:
        return
    raise BackupError(
        f"this home is not empty: {', '.join(found[:5])}{', …' if len(found) > 5 else ''}.",
        "name another --home, or move away what is there",
        where=home,
    )


def _seconds(at: str | None) -> float | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise BackupError(f"--at '{at}' is not a timestamp.", "--at '2025-11-24 08:00', in UTC") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _planned(store: Store, stage: Path, wanted: Plan) -> Backup:
    """The backup to be restored: of the restore that is unfinished here, or chosen and written down."""
    begun = read_note(stage / PLAN, Plan)
    if begun is not None and (begun.target, begun.at) != (wanted.target, wanted.at):
        raise BackupError(
            f"a restore of backup {begun.backup} from {begun.target} is unfinished here.",
            "run that one again, or delete the home and begin anew",
            where=stage.parent,
        )
    backup = _chosen(store, wanted.at) if begun is None else read_manifest(store, begun.backup)
    if begun is None:
        write_note(stage / PLAN, msgspec.structs.replace(wanted, backup=backup.id))
        sync_file_at(stage / PLAN)
        sync_folder(stage)
    return backup


def _chosen(store: Store, at: float | None) -> Backup:
    for one in reversed(list_ids(store)):
        backup = read_manifest(store, one)
        if at is None or backup.manifest.moment <= at:
            return backup
    raise BackupError(
        "there is no backup here." if at is None else "there is no backup here from so early.",
        f"`warehouse backup list {store.address}` lists those there are",
        where=store.address,
    )


def _check_room(settings: Settings, stage: Path, manifest: Manifest) -> None:
    there = sum(path.stat().st_size for path in stage.parent.rglob("*") if path.is_file())
    missing = manifest.bytes + settings.reserve - there - free_bytes(stage)
    if missing > 0:
        raise BackupError(
            f"the disk lacks {missing:,} bytes for {manifest.bytes:,}.",
            "free space, or take a larger disk",
            where=stage,
        )


class _Fetching:
    """Brings the files of a manifest to this machine, those that a restore before this one has not brought."""

    def __init__(self, store: Store, stage: Path, progress: Progress) -> None:
        self._store = store
        self._stage = stage
        self._progress = progress
        self._turn = Lock()
        self._done = self._total = 0

    def fetch(self, manifest: Manifest) -> None:
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
        path, placed = self._stage / item.path, self._stage.parent / item.path
        if not _is(path, item) and not _is(placed, item):
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


def _place(settings: Settings, stage: Path, store: Store, manifest: Manifest) -> None:
    """Move what was fetched to where it belongs; what is there already was moved by a restore that died."""
    home = settings.home
    for path in sorted(stage.iterdir()):
        if path.name not in (PLAN, "lock"):
            path.rename(home / path.name)
    make_folder(settings.journal_dir)
    if catalog_path(settings).exists():
        mark_lake(settings, catalog_path(settings))
    write_note(identity_path(settings), Identity(manifest.home, (store.address,)))
    sync_folder(home)
    (stage / PLACED).touch()
    sync_folder(stage)
