"""A home at one moment, to be copied while it goes on: nobody waits longer than the copy of the catalog takes.

The catalog is copied under the lock of those who write to the lake, and the journals are opened under it: what was
acknowledged by then is in one or the other, and an open journal can be read to its end although it is deleted later.
The lake's files are not held. One of them that has gone is missed, and then another moment is taken.
"""

import io
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from warehouse.backup.journal_bytes import journal_bytes
from warehouse.care.accepted_losses import accepted_path
from warehouse.care.file_digests import NOTES
from warehouse.errors import BackupError, JournalCorrupt, LakeError
from warehouse.journal import Journal, list_journals
from warehouse.journal.deleted_journals import ledger_path
from warehouse.lake.connection import catalog_path, data_path
from warehouse.lake.mark import had_lake
from warehouse.personal.ledger import FILE as ERASURES
from warehouse.settings import Settings
from warehouse.system.disk import make_folder
from warehouse.system.lock import hold_lock

LOCK_SECONDS: Final = 600.0
COPY_SECONDS: Final = 600.0
LOOK_CLOSER: Final = "`warehouse log verify` looks at it closer; earlier backups stay as they are"
CATALOG: Final = "lake/catalog.sqlite"
DATA: Final = "lake/data/"
JOURNALS: Final = "journal/"
# SQLite's files are opened in a process of its own: closing one here would drop locks that this process has on it.
COPY: Final = """
import sqlite3, sys
catalog, copy = sqlite3.connect(f"file:{sys.argv[1]}?mode=rw", uri=True, timeout=60), sqlite3.connect(sys.argv[2])
catalog.backup(copy)
copy.execute("pragma journal_mode = delete")
copy.close()
print("ok")
"""
# All files that any moment of the lake needs.
FILES: Final = """
select
    case
        when file.path_is_relative then coalesce(sch.path, '') || coalesce(tab.path, '') || file.path
        else file.path
    end
from (
    select table_id, path, path_is_relative from ducklake_data_file
    union
    select table_id, path, path_is_relative from ducklake_delete_file
) as file
inner join (
    select table_id, max(schema_id) as schema_id, max(path) as path from ducklake_table group by table_id
) as tab on file.table_id = tab.table_id
inner join (select schema_id, max(path) as path from ducklake_schema group by schema_id) as sch
    on tab.schema_id = sch.schema_id
order by 1
"""


class Part(msgspec.Struct, frozen=True):
    """A file to be copied: its place in a home, its bytes where they are known, and how to open it.

    What `is_final` has the same content whenever it has the same place and size.
    """

    path: str
    size: int
    is_final: bool
    open: Callable[[], BinaryIO]


class Moment(msgspec.Struct, frozen=True):
    """What a home held at one time, in seconds since 1970."""

    at: float
    parts: tuple[Part, ...]
    journals: tuple[str, ...]
    unread: tuple[str, ...]


@contextmanager
def moment_of(settings: Settings, folder: Path) -> Iterator[Moment]:
    """The home at this moment, as long as the block; `folder` takes the copy of the catalog.

    Raises LockHeld, LakeError or BackupError when the catalog cannot be copied, OSError for a file that has gone.
    """
    catalog, copy = catalog_path(settings), folder / "catalog.sqlite"
    shutil.rmtree(folder, ignore_errors=True)
    make_folder(folder)
    with ExitStack() as held:
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
            at = time.time()
            if has_lake := catalog.exists():
                _copy_catalog(catalog, copy)
            elif had_lake(settings):
                raise LakeError(
                    "the lake of this home is gone; a backup of what is left would look whole.",
                    "`warehouse doctor` says what to do",
                    where=catalog,
                )
            journals, unread = _open_journals(settings, held)
            # They speak of what is in this catalog, and in no later one.
            notes = list(_notes(settings))
        parts = [*_journals(journals), *notes]
        if has_lake:
            _check_catalog(copy, catalog)
            parts = [_file(CATALOG, copy, is_final=False), *_lake_files(settings, copy), *parts]
        yield Moment(at, tuple(parts), tuple(journal.path.name for journal in journals), tuple(unread))


def _copy_catalog(catalog: Path, copy: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COPY, str(catalog), str(copy)],
        capture_output=True,
        text=True,
        timeout=COPY_SECONDS,
        check=False,
    )
    if done.stdout.strip() != "ok":
        said = (done.stdout.strip() or done.stderr.strip() or "SQLite ended without a word").splitlines()[-1]
        raise BackupError(f"it cannot be copied: {said}.", LOOK_CLOSER, where=catalog)


def _check_catalog(copy: Path, catalog: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as con:
            ((said,),) = con.execute("pragma quick_check(1)").fetchall()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise BackupError(f"the catalog is damaged: {said}.", LOOK_CLOSER, where=catalog)


def _open_journals(settings: Settings, held: ExitStack) -> tuple[list[Journal], list[str]]:
    journals, unread = [], []
    for path in list_journals(settings.journal_dir):
        try:
            journals.append(held.enter_context(Journal(path)))
        except OSError as error:
            unread.append(f"{path}: {error.strerror or error}")
        except JournalCorrupt as error:
            unread.append(error.message)
    return journals, unread


def _journals(journals: list[Journal]) -> Iterator[Part]:
    for journal in journals:
        end = whole_end(journal) if journal.live else journal.size
        yield Part(f"{JOURNALS}{journal.path.name}", end, True, partial(journal_bytes, journal, 0, end))


def whole_end(journal: Journal) -> int:
    """Where the last whole record of a journal ends: what comes behind is on its way, or reserved."""
    for _ in journal.records(lambda _damage: None):
        pass
    return journal.mark.offset


def _notes(settings: Settings) -> Iterator[Part]:
    for place, path in (
        (f"{JOURNALS}{ledger_path(settings).name}", ledger_path(settings)),
        (accepted_path(settings).name, accepted_path(settings)),
        (ERASURES, settings.home / ERASURES),
        (f"{DATA}{NOTES}", data_path(settings) / NOTES),
    ):
        if path.exists():
            # They are written anew at any time.
            written = path.read_bytes()
            yield Part(place, len(written), False, partial(io.BytesIO, written))


def _lake_files(settings: Settings, copy: Path) -> Iterator[Part]:
    folder = data_path(settings)
    with closing(sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)) as con:
        listed = [str(path) for (path,) in con.execute(FILES)]
    for name in listed:
        path = Path(os.path.normpath(folder / name))
        if not path.is_relative_to(folder):
            # It was written when the home lay elsewhere.
            path = folder / "log" / "events" / Path(name).name
        yield _file(f"{DATA}{path.relative_to(folder).as_posix()}", path, is_final=True)


def _file(place: str, path: Path, *, is_final: bool) -> Part:
    return Part(place, path.stat().st_size, is_final, lambda: path.open("rb"))
