"""Makes a home of a backup: every file is compared with its digest before any has its place.

All of it is fetched into a folder within the home, and then moved to where it belongs. Until it is done nothing starts
there, and a restore that died goes on when it is run again.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from warehouse.backup.claim import Identity, identity_path, owner_of
from warehouse.backup.fetching import PARTS, Fetching
from warehouse.backup.manifest import Backup, Manifest, list_ids, read_manifest
from warehouse.backup.shipped import FOLDER as SHIPPED
from warehouse.backup.shipped import cut_after, fetch_journal, list_shipped, shipped_end
from warehouse.backup.store import Store, open_store
from warehouse.errors import BackupError
from warehouse.lake.connection import catalog_path
from warehouse.lake.mark import mark_lake
from warehouse.personal.ledger import FILE as ERASURES
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes, make_folder, sync_file_at, sync_folder
from warehouse.system.home_folder import UNFINISHED, being_restored
from warehouse.system.lock import hold_lock
from warehouse.system.note_file import read_note, write_note

PLAN: Final = "plan.json"
# Every file has its place: what differs from the backup from here on was changed by what is called after it.
PLACED: Final = "placed"


class Plan(msgspec.Struct, frozen=True):
    """What is being restored: from where, the time that was asked for, and the backup that it means."""

    target: str
    at: float | None
    backup: str


class RestoreReport(msgspec.Struct, frozen=True):
    """A home that was restored: of which backup, of which moment (seconds since 1970), how much that was, and
    of how many journals more was shipped; an empty id where there was no backup and all is in those."""

    backup: str
    moment: float
    files: int
    bytes: int
    shipped: int


def restore(
    settings: Settings,
    target: str,
    at: str | None = None,
    progress: Progress = lambda _done, _total: None,
    shipped: str | None = None,
    after: Callable[[Settings], object] = lambda _settings: None,
) -> RestoreReport:
    """Make the home what it was when its journals were last shipped, or at the time `at`.

    That is the newest backup, or the newest one not after `at`, with the journals that were shipped since: to the same
    target, and to `shipped`. `progress` is told bytes and their sum. The lake's marts are those of the backup; a
    refresh brings them up to date. Its ledger of erasures is that of the newest backup, whichever is restored.
    `after` takes out what must not come back with a backup, when every file is in its place and before the home can be
    used. Where it raises, the restore stays unfinished and calls it again, so it must do no harm when called twice.
    Raises BackupError, also when the home holds anything.
    """
    store = open_store(target)
    stage = settings.home / UNFINISHED
    _refuse(settings)
    make_folder(stage)
    with hold_lock(stage / "lock"), being_restored(settings.home):
        plan = Plan(store.address, _seconds(at), "")
        backup = _planned(store, stage, plan)
        journals = 0
        if not (stage / PLACED).exists():
            _take_back(stage)
            _check_room(settings, stage, backup.manifest)
            Fetching(store, stage, progress).fetch(backup.manifest)
            _fetch_erasures(store, stage)
            for place in _places(store, shipped, backup.manifest.home):
                journals += _fetch_shipped(place, stage, plan.at)
            _place(settings, stage, store, backup.manifest)
        after(settings)
        # The plan says that this is unfinished; without it nothing else in there counts.
        (stage / PLAN).unlink()
        shutil.rmtree(stage)
        sync_folder(settings.home)
    manifest = backup.manifest
    return RestoreReport(backup.id, manifest.moment, len(manifest.items), manifest.bytes, journals)


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
    if begun is None:
        backup = _chosen(store, wanted.at)
    else:
        backup = read_manifest(store, begun.backup) if begun.backup else _nothing(store)
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
    if next(store.entries(SHIPPED), None) is not None:
        return _nothing(store)
    raise BackupError(
        "there is no backup here." if at is None else "there is no backup here from so early.",
        f"`warehouse backup list {store.address}` lists those there are",
        where=store.address,
    )


def _nothing(store: Store) -> Backup:
    """Where journals were shipped and no backup was made, all is in them."""
    return Backup("", Manifest(0.0, owner_of(store) or "", "", (), ()))


def _places(store: Store, shipped: str | None, home: str) -> list[Store]:
    """Where there may be journals of this home. Raises BackupError for a place of another home's."""
    places = {store.address: store}
    if shipped is not None:
        other = open_store(shipped)
        places.setdefault(other.address, other)
        if owner_of(other) not in (None, home):
            raise BackupError("here are journals of another home.", "name the right place", where=other.address)
    return list(places.values())


def _fetch_shipped(store: Store, stage: Path, at: float | None) -> int:
    """Bring the journals of which more was shipped than the backup has, up to the time `at`; how many these are."""
    folder, fetched = stage / "journal", 0
    make_folder(folder)
    for name, pieces in list_shipped(store).items():
        path, draft = folder / name, stage / "fetched.tmp"
        if shipped_end(pieces) > (path.stat().st_size if path.exists() else 0):
            fetch_journal(store, pieces, draft)
            if at is not None:
                cut_after(draft, at)
            draft.rename(path)
            fetched += 1
    sync_folder(folder)
    return fetched


def _fetch_erasures(store: Store, stage: Path) -> None:
    """Bring the newest ledger of erasures that any backup has: by an older one who was erased since would come back."""
    ids = list_ids(store)
    if ids:
        newest = read_manifest(store, ids[-1]).manifest
        items = tuple(item for item in newest.items if item.path == ERASURES)
        Fetching(store, stage, lambda _done, _total: None).fetch(msgspec.structs.replace(newest, items=items))


def _check_room(settings: Settings, stage: Path, manifest: Manifest) -> None:
    there = sum(path.stat().st_size for path in stage.parent.rglob("*") if path.is_file())
    missing = manifest.bytes + settings.reserve - there - free_bytes(stage)
    if missing > 0:
        raise BackupError(
            f"the disk lacks {missing:,} bytes for {manifest.bytes:,}.",
            "free space, or take a larger disk",
            where=stage,
        )


def _take_back(stage: Path) -> None:
    """Have all files in one place again that a restore which died had begun to move."""
    for path in sorted(stage.parent.iterdir()):
        if path.name in PARTS:
            path.rename(stage / path.name)


def _place(settings: Settings, stage: Path, store: Store, manifest: Manifest) -> None:
    """Move what was fetched to where it belongs."""
    home = settings.home
    for name in PARTS:
        if (stage / name).exists():
            (stage / name).rename(home / name)
    make_folder(settings.journal_dir)
    if catalog_path(settings).exists():
        mark_lake(settings, catalog_path(settings))
    write_note(identity_path(settings), Identity(manifest.home, (store.address,)))
    sync_folder(home)
    (stage / PLACED).touch()
    sync_folder(stage)
