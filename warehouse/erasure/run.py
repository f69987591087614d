"""Erases a person from a home: from the log, and with it from all that is made from the log.

The ledger knows the person before anything else is done; from then on whatever is sealed or replayed comes in without
them. Each step may be done again, so an erasure that died goes on when the command is run again, with no more than the
ledger to go by. It has ended when nothing of the person is left, and a report says what was changed where.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import duckdb
import msgspec

from warehouse.build.session import open_session
from warehouse.care.erased_log import Found, erase_from_log, find_erased
from warehouse.delivery.delivery import Delivery
from warehouse.erasure.leftovers import clear_catalog, delete_aside, forget_past, put_aside
from warehouse.erasure.person import Wanted, find_person
from warehouse.errors import ErasureError
from warehouse.journal import Journal, list_journals
from warehouse.journal.letting_go import wait_for_journals
from warehouse.lake.connection import lake_error, open_lake
from warehouse.log.sealer import seal
from warehouse.notes.refresh_attempt import attempting
from warehouse.personal.ledger import Identity, Ledger
from warehouse.pipeline.refresh import refresh_in
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.disk import make_folder
from warehouse.system.lock import hold_lock
from warehouse.system.note_file import utc_now, write_note

LOCK_SECONDS: Final = 3600.0
# A receiver looks every five seconds whether somebody waits for its journal.
LET_GO_SECONDS: Final = 20.0
REPORTS: Final = "erasures"

_T = TypeVar("_T")


class Preview(msgspec.Struct, frozen=True):
    """What an erasure would do: whom it means, by the kinds of what is known of them; deliveries by event name, of the
    quarantine by problem; in how many each field has something of them; what else would go."""

    known: dict[str, int]
    deliveries: dict[str, int]
    fields: dict[str, int]
    journals: int
    folders: int
    unfinished: int


class ErasureReport(msgspec.Struct, frozen=True):
    """What an erasure did; no value of a person is in it. `ids` are the ledger's, `journals_left` those that somebody
    still writes to and that name the person: the erasure is complete when they are sealed."""

    ids: tuple[str, ...]
    began_at: str
    ended_at: str
    deliveries: dict[str, int]
    fields: dict[str, int]
    log_files: tuple[str, ...]
    moments: int
    deleted_files: int
    deleted_folders: int
    journals_left: tuple[str, ...]
    path: str | None


def preview(settings: Settings, wanted: Wanted) -> Preview:
    """Say what `erase` would do, and change nothing. Raises ErasureError when nobody is meant, and LakeError."""
    with open_lake(settings, read_only=True) as con:
        ledger = Ledger(settings)
        unfinished = len(ledger.open)
        persons = _find(con, settings.home, ledger, wanted)
        ledger.add(persons, for_good=False)
        found = find_erased(con, ledger)
    known = Counter[str]()
    for person in persons:
        known.update({kind: len(getattr(person.named, kind)) for kind in person.named.__struct_fields__})
    journals = len(list_journals(settings.journal_dir))
    return Preview(
        _sorted(+known), _sorted(found.names), _sorted(found.fields), journals, len(put_aside(settings)), unfinished
    )


def erase(
    settings: Settings,
    wanted: Wanted | None,
    progress: Progress = lambda _done, _total: None,
) -> ErasureReport:
    """Erase a person, and finish what earlier erasures have begun; None finishes only.

    `progress` is told how far each step is. Raises ErasureError when nobody is meant or something
    is held open by others, LockHeld, JournalUnread, LakeError or RefreshError; run again, it goes on.
    """
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS), attempting(settings):
        folder = settings.journal_dir
        wait_for_journals(folder, list_journals(folder), LET_GO_SECONDS)
        seal(settings)
        ledger = Ledger(settings)
        if wanted is not None:
            with open_lake(settings, read_only=True) as con:
                persons = _find(con, settings.home, ledger, wanted, is_open_enough=True)
            if persons:
                ledger.add(persons)
        if not ledger.open:
            raise ErasureError("no erasure is unfinished.", "name a person: `warehouse erase customer ID`")
        return _Erasure(settings, ledger, progress).run()


def erase_again(settings: Settings) -> ErasureReport | None:
    """Erase everybody whom the ledger has once more: for whoever has put an earlier state of this home, or a part of
    one, back. None when nobody was ever erased. Raises what `erase` raises."""
    ledger = Ledger(settings)
    if not ledger:
        return None
    ledger.reopen()
    return erase(settings, None)


class _Erasure:
    """The steps after the ledger knows the person, under the home's refresh lock."""

    def __init__(self, settings: Settings, ledger: Ledger, progress: Progress) -> None:
        self._settings = settings
        self._ledger = ledger
        self._progress = progress
        self._began_at = utc_now()

    def run(self) -> ErasureReport:
        settings = self._settings
        # Each journal that is sealed to its end is deleted: the log has what is left of it.
        seal(msgspec.structs.replace(settings, journal_keep=0))
        with open_lake(settings) as con:
            found = find_erased(con, self._ledger, self._progress)
            files = self._locked(lambda: erase_from_log(con, settings, self._ledger, found.positions))
        with open_session(settings) as session:
            refresh_in(session, settings, progress=self._progress)
        with open_lake(settings) as con:
            moments, deleted = self._locked(lambda: forget_past(con, settings))
        with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
            clear_catalog(settings)
        folders = delete_aside(settings)
        return self._report(found, files, moments, deleted, folders)

    def _locked(self, call: Callable[[], _T]) -> _T:
        with hold_lock(self._settings.write_lock, wait=LOCK_SECONDS):
            try:
                return call()
            except duckdb.Error as error:
                hint = "run `warehouse erase --yes`: it goes on where it stopped"
                raise lake_error("the erasure stopped", error, hint, where=self._settings.home) from error

    def _report(self, found: Found, files: list[str], moments: int, deleted: int, folders: int) -> ErasureReport:
        ids = tuple(one.id for one in self._ledger.open)
        left = tuple(sorted(path.name for path in list_journals(self._settings.journal_dir) if self._names(path)))
        report = ErasureReport(
            ids=ids,
            began_at=self._began_at,
            ended_at=utc_now(),
            deliveries=_sorted(found.names),
            fields=_sorted(found.fields),
            log_files=tuple(files),
            moments=moments,
            deleted_files=deleted,
            deleted_folders=folders,
            journals_left=left,
            path=None,
        )
        place = self._settings.home / REPORTS
        make_folder(place)
        path = place / f"{report.ended_at.replace(':', '')}.json"
        report = msgspec.structs.replace(report, path=str(path))
        write_note(path, report)
        if not left:
            self._ledger.finish(ids)
        return report

    def _names(self, path: Path) -> bool:
        """Whether a journal that is still there names somebody who was erased; one that is gone does not."""
        try:
            with Journal(path) as journal:
                return any(
                    self._ledger.applied(delivery) is not delivery
                    for delivery in (Delivery(*meta, body) for _, meta, body in journal.records(lambda _: None))
                )
        except FileNotFoundError:
            return False


def _find(
    con: duckdb.DuckDBPyConnection, home: Path, ledger: Ledger, wanted: Wanted, *, is_open_enough: bool = False
) -> list[Identity]:
    """Whom the words mean. Who was erased is found no more: that is said, unless it is still being done."""
    try:
        persons = find_person(con, wanted)
    except duckdb.Error as error:
        raise lake_error(
            "the log could not be read", error, "`warehouse log verify` looks closer", where=home
        ) from error
    tenants = sorted({person.tenant for person in persons})
    if len(tenants) > 1:
        raise ErasureError(
            f"this is said of somebody in {len(tenants)} tenants.", f"add --tenant, one of {', '.join(tenants)}"
        )
    if persons or (is_open_enough and ledger.open):
        return persons
    raise ErasureError(
        "no delivery of the log names such a person.",
        "who was erased is found no more, `erasures/` in the home has the reports; what is in a journal is found after "
        "`warehouse refresh`; else look for a typing mistake",
    )


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
