"""Moves deliveries from the journals of a home into `log.events`: each exactly once, whatever dies when.

The log itself says how far a journal is sealed: up to the greatest position of it among the rows. A journal is deleted
only when all of it is in the log, and the log's files and catalog are on the disk; at once on a disk nearly full. One
that cannot be read is left as it is, holds up no other, and is spoken of at every run.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import msgspec

from warehouse.errors import JournalCorrupt, JournalUnread, LakeError
from warehouse.journal import (
    Damage,
    Journal,
    Mark,
    Reason,
    SealedMark,
    list_journals,
    load_marks,
    remove_unnamed,
    save_marks,
)
from warehouse.journal.deleted_journals import note_deleted
from warehouse.lake.connection import open_lake
from warehouse.log.commit import BATCH_BYTES, BATCH_ROWS, commit_batch, remove_strays, sync_catalog
from warehouse.log.parquet_file import LogRows
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes, make_folder, sync_folder
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

LOCK_SECONDS: Final = 600.0
ROWS_A_STEP: Final = 2_000


class SealReport(msgspec.Struct, frozen=True):
    """What one sealing did: the last batch it made, if any, the deliveries in it, and how many journals they came from.

    `damage` lists every place of this home's journals that cannot be read, whether it is new or not.
    """

    batch: int | None
    deliveries: int
    journals: int
    damage: tuple[Damage, ...]


def seal(
    settings: Settings,
    progress: Progress | None = None,
    *,
    con: duckdb.DuckDBPyConnection | None = None,
    before_commit: Callable[[], None] | None = None,
) -> SealReport:
    """Bring every delivery that is on the disk of this home into the log; creates the lake if there is none.

    `progress` is told the bytes read and their sum, `con` is a connection that has the lake attached already,
    `before_commit` is called when a batch's file is on the disk and not yet in the catalog. Raises LockHeld, LakeError,
    or, when all that can be read is in the log, JournalUnread.
    """
    if con is None:
        HomeFolder(settings.home)
        make_folder(settings.write_lock.parent)
    with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
        lake = con or open_lake(settings)
        try:
            with _garbage_left_alone():
                return _Sealing(settings, lake, progress, before_commit).run()
        except duckdb.Error as error:
            raise LakeError(
                f"the log could not be read: {str(error).splitlines()[0]}",
                "try again: nothing is lost, the journals keep what is not sealed; `warehouse log verify` looks closer",
                where=settings.home,
            ) from error
        finally:
            if con is None:
                lake.close()


@contextmanager
def _garbage_left_alone() -> Iterator[None]:
    """Rows make no cycles; to search hundreds of thousands of them for some again and again costs a tenth of a seal."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _State(msgspec.Struct, frozen=True):
    """A journal after this run: read to `mark`; `sound` when nothing written whole is missing from the log."""

    path: Path
    mark: Mark
    live: bool
    sound: bool


class _Sealing:
    """One run over all journals of a home, under its lock."""

    def __init__(
        self,
        settings: Settings,
        con: duckdb.DuckDBPyConnection,
        progress: Progress | None,
        before_commit: Callable[[], None] | None,
    ) -> None:
        self._settings = settings
        self._con = con
        self._progress = progress or (lambda _done, _total: None)
        self._before_commit = before_commit or (lambda: None)
        self._paths = list_journals(settings.journal_dir)
        self._marks = load_marks(settings.journal_dir)
        self._sealed: dict[str, int] = {}
        self._rows = LogRows()
        self._batch: int | None = None
        self._deliveries = 0
        self._journals = 0
        self._damage: list[Damage] = []
        # The receiver takes no more on a disk that has only the reserve left, and sealing must do with that.
        self._is_tight = bool(self._paths) and free_bytes(settings.journal_dir) < 2 * settings.reserve
        self._batch_bytes = min(BATCH_BYTES, settings.reserve // 2) if self._is_tight else BATCH_BYTES
        self._bytes_before = 0
        self._bytes = sum(map(_size, self._paths))
        self._unread: dict[Path, str] = {}
        self._names: dict[Path, str] = {}

    def run(self) -> SealReport:
        remove_unnamed(self._settings.journal_dir)
        if not self._paths:
            return SealReport(None, 0, 0, ())
        self._sealed = self._sealed_positions()
        states: list[_State] = []
        for path in self._paths:
            states += self._read(path)
            if self._is_tight:
                # What the next journal needs is what this one has taken up.
                self._commit()
                states = self._remember(states)
        self._commit()
        # Now the log has all that the journals have, so what a sealing that died left behind holds nothing new.
        remove_strays(self._con, self._settings, (path.stem for path in self._paths))
        self._remember(states)
        self._speak_of_unread()
        return SealReport(self._batch, self._deliveries, self._journals, tuple(self._damage))

    def _sealed_positions(self) -> dict[str, int]:
        """The last sealed position of each journal; names sort by time, so the log's older files are passed over."""
        found = self._con.execute(
            "select journal, max(position) from lake.log.events where journal >= ? group by journal",
            [self._paths[0].stem],
        ).fetchall()
        return {str(journal): int(position) for journal, position in found}

    def _sealed_position(self, journal: Journal) -> int:
        if journal.name not in self._sealed and journal.name != journal.path.stem:
            # A copy under another name, which may sort after the journal's own.
            query = "select coalesce(max(position), -1) from lake.log.events where journal = ?"
            ((position,),) = self._con.execute(query, [journal.name]).fetchall()
            self._sealed[journal.name] = int(position)
        return self._sealed.get(journal.name, -1)

    def _read(self, path: Path) -> list[_State]:
        """The journal's state; none when it cannot be read to its end, so that nothing of it is forgotten or deleted.

        What was read before that is taken up: it is whole, and nothing before it is missing.
        """
        try:
            with Journal(path) as journal:
                self._names[path] = journal.name
                state = self._read_journal(journal)
        except (OSError, JournalCorrupt) as error:
            self._unread[path] = str(error.strerror if isinstance(error, OSError) else error.message)
            return []
        self._bytes_before += journal.size
        self._progress(self._bytes_before, self._bytes)
        return [state]

    def _speak_of_unread(self) -> None:
        if not self._unread:
            return
        places = "; ".join(f"{path}: cannot be read: {reason}" for path, reason in self._unread.items())
        raise JournalUnread(
            f"{places.rstrip('.')}. All other journals are in the log.",
            "give this user the right to read it; if its disk is failing, copy the file to another one. "
            "Nothing of it is deleted, and it is sealed as soon as it can be read",
        )

    def _read_journal(self, journal: Journal) -> _State:
        """Take up what the journal holds beyond its sealed position."""
        sealed = self._sealed_position(journal)
        known = self._marks.get(journal.path.name)
        start = known.mark if known and known.mark.position == sealed + 1 else None
        if start and start.offset == journal.size:
            return _State(journal.path, start, journal.live, True)
        damage: list[Damage] = []
        before = self._deliveries + self._rows.count
        for position, meta, body in journal.records(damage.append, start):
            if position > sealed:
                self._rows.add(journal.name, position, meta, body)
                self._sealed[journal.name] = position
                if self._rows.count % ROWS_A_STEP == 0:
                    self._progress(self._bytes_before + journal.mark.offset, self._bytes)
                if self._rows.count >= BATCH_ROWS or self._rows.body_bytes >= self._batch_bytes:
                    journal.sync()
                    self._commit()
        # What was read last may not be on the disk yet; from the commit on its journal is not its only place.
        journal.sync()
        self._journals += self._deliveries + self._rows.count > before
        self._damage += damage
        sound = all(place.reason is Reason.TORN_TAIL for place in damage)
        return _State(journal.path, journal.mark, journal.live, sound)

    def _commit(self) -> None:
        if self._rows.count:
            self._batch = commit_batch(self._con, self._settings, self._rows, self._before_commit)
            self._deliveries += self._rows.count
            self._rows = LogRows()

    def _remember(self, states: list[_State]) -> list[_State]:
        """Note how far each journal is sealed, and delete those that are wholly so and old enough; the others."""
        now = time.time()
        kept, old = {}, set()
        for state in states:
            if not state.sound:
                continue
            known = self._marks.get(state.path.name)
            since = known.since if known and known.mark == state.mark else now
            age = now - max(since, state.path.stat().st_mtime)
            if not state.live and (self._is_tight or age >= self._settings.journal_keep):
                old.add(state.path)
            else:
                kept[state.path.name] = SealedMark(state.mark, since)
        if old:
            sync_catalog(self._settings)
            marks = {state.path: state.mark for state in states}
            old = self._proven(old, marks)
            note_deleted(self._settings, {self._names[path]: marks[path].position for path in old})
            for path in old:
                path.unlink()
            sync_folder(self._settings.journal_dir)
        if kept != self._marks:
            save_marks(self._settings.journal_dir, kept)
        return [state for state in states if state.path not in old]

    def _proven(self, paths: set[Path], marks: dict[Path, Mark]) -> set[Path]:
        """Those of these journals that the catalog, as it lies there now, says are in the log up to their marks.

        The catalog that has taken a batch may have been put away or back since; a journal is the only other place.
        """
        names = {path: self._names[path] for path in paths}
        found = self._con.execute(
            "select journal, max(position) from lake.log.events "
            "where journal in (select unnest(?::varchar[])) group by journal",
            [sorted(set(names.values()))],
        ).fetchall()
        sealed = {str(journal): int(position) for journal, position in found}
        return {path for path in paths if sealed.get(names[path], -1) + 1 >= marks[path].position}


def _size(path: Path) -> int:
    """Bytes of a file, for the progress alone: reading it will tell what is wrong with one that has none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
