"""Brings journals to another place as they grow, within seconds: the answer to a disk that is lost.

It reads what the receiver has written and holds up nobody. Whatever fails over there is tried again, with pauses that
grow, for as long as it takes. Only whole records are shipped, each byte once; a journal that is closed becomes one
object.
"""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from warehouse.backup.claim import claim
from warehouse.backup.journal_bytes import journal_bytes
from warehouse.backup.shipped import Piece, list_shipped, name_of, shipped_end
from warehouse.backup.store import FolderStore, Store, open_store
from warehouse.errors import HomeMissing, JournalCorrupt, WarehouseError
from warehouse.journal import Journal, Mark, list_journals, written_after
from warehouse.notes.backup_notes import ShipNote, ship_note_path
from warehouse.settings import Settings
from warehouse.system.note_file import write_note
from warehouse.system.sources import Unread, explain

PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
# A request is given up soon: the next pass makes it again, and says meanwhile how far behind it is.
ATTEMPTS: Final = 2
PIECE_BYTES: Final = 16 * 2**20
CHECK_SHIPPING: Final = "check the target; the journals here keep everything meanwhile"

logger = logging.getLogger(__name__)


class _Sent:
    """How far one journal is shipped."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        end = shipped_end(pieces)
        # What was shipped ends with a record; which number the next has, it says itself.
        self.mark = Mark(end, 0) if end else None
        self.is_final = False

    @property
    def end(self) -> int:
        return self.mark.offset if self.mark else 0


class Shipper:
    """Ships the journals of a home; what is there already it asks the target at its beginning."""

    def __init__(self, settings: Settings, target: str) -> None:
        self._settings = settings
        self._store: Store = open_store(target, ATTEMPTS)
        self._sent: dict[str, _Sent] | None = None
        self.shipped = 0

    @property
    def target(self) -> str:
        """Where it ships to."""
        return self._store.address

    def ship(self) -> Unread | None:
        """Ship what there is; a journal that cannot be read holds up no other and is what it gives back.

        Raises BackupError when the target fails: what was shipped by then is.
        """
        if not self._settings.home.is_dir():
            raise HomeMissing("the home is gone.", "put it back, or restore it", where=self._settings.home)
        if self._sent is None or isinstance(self._store, FolderStore):
            # A folder may be a disk that is not mounted any more.
            claim(self._store, self._settings)
        if self._sent is None:
            self._sent = {name: _Sent(pieces) for name, pieces in list_shipped(self._store).items()}
        unread = None
        for path in list_journals(self._settings.journal_dir):
            try:
                self._ship(path, self._sent.setdefault(path.name, _Sent([])))
            except FileNotFoundError:
                # Sealed and past its time.
                continue
            except (OSError, JournalCorrupt) as error:
                unread = explain("ship", error, CHECK_SHIPPING)
        return unread

    def waiting(self) -> int:
        """How many bytes of the journals are not shipped."""
        total = 0
        for path in list_journals(self._settings.journal_dir):
            sent = self._sent.get(path.name) if self._sent else None
            try:
                total += 0 if sent and sent.is_final else written_after(path, sent.end if sent else 0)
            except OSError:
                continue
        return total

    def _ship(self, path: Path, sent: _Sent) -> None:
        if sent.is_final:
            return
        with Journal(path) as journal:
            for _ in journal.records(lambda _damage: None, sent.mark):
                if journal.mark.offset - sent.end >= PIECE_BYTES:
                    self._put(path, sent, journal)
            if journal.mark.offset > sent.end:
                self._put(path, sent, journal)
            if not journal.live:
                self._join(path, sent, journal)
                sent.is_final = True

    def _put(self, path: Path, sent: _Sent, journal: Journal) -> None:
        start, mark = sent.end, journal.mark
        name = name_of(path.name, start, mark.offset)
        self._store.put(name, journal_bytes(journal, start, mark.offset), mark.offset - start)
        sent.pieces.append(Piece(start, mark.offset, time.time(), name))
        sent.mark = mark
        self.shipped += mark.offset - start

    def _join(self, path: Path, sent: _Sent, journal: Journal) -> None:
        """Put one object in the place of a closed journal's many."""
        if len(sent.pieces) < 2:
            return
        name = name_of(path.name, 0, sent.end)
        self._store.put(name, journal_bytes(journal, 0, sent.end), sent.end)
        for piece in sent.pieces:
            if piece.object != name:
                self._store.delete(piece.object)
        sent.pieces = [Piece(0, sent.end, time.time(), name)]


def keep_shipping(settings: Settings, target: str, stop: threading.Event) -> None:
    """Ship again and again until `stop` is set, then once more; the note of the home says how far it is."""
    shipper = Shipper(settings, target)
    note = ShipNote(shipper.target, time.time())
    last = False
    while True:
        note = _pass(settings, shipper, note)
        if last:
            return
        pause = PAUSE_SECONDS
        if note.failures:
            pause = min(PAUSE_SECONDS * 2.0 ** min(note.failures, 10), LONGEST_PAUSE_SECONDS)
        last = stop.wait(pause)


def _pass(settings: Settings, shipper: Shipper, note: ShipNote) -> ShipNote:
    began = time.time()
    try:
        unread = shipper.ship()
    except (WarehouseError, OSError) as error:
        unread = explain("ship", error, CHECK_SHIPPING)
    if unread is None:
        if note.failures:
            logger.info("journals are shipped again")
        note = msgspec.structs.replace(
            note, complete=began, waiting=0, shipped=shipper.shipped, failures=0, failure=None
        )
    else:
        if not note.failures:
            logger.error("journals are not shipped: %s Try: %s", unread.reason, unread.hint)
        waiting = _or_zero(shipper.waiting)
        note = msgspec.structs.replace(
            note, waiting=waiting, shipped=shipper.shipped, failures=note.failures + 1, failure=unread
        )
    try:
        write_note(ship_note_path(settings), note)
    except OSError as error:
        logger.warning(
            "%s: how far journals are shipped cannot be written: %s", ship_note_path(settings), error.strerror
        )
    return note


def _or_zero(count: Callable[[], int]) -> int:
    """What a home that may be gone at this moment can tell."""
    try:
        return count()
    except OSError:
        return 0
