"""Shipped journals are what the receiver wrote, whole records of it, and a restore has what was shipped since."""

import logging
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.faults.log_state import seal_and_read
from tests.journals import deliver, deliver_bodies, lose_journals
from tests.live import envelope
from tests.s3 import Proxy
from warehouse.backup.backup import backup
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep, remove_shipped
from warehouse.backup.ship import Shipper, keep_shipping
from warehouse.backup.shipped import Piece, cover, fetch_journal, list_shipped, shipped_end
from warehouse.backup.store import open_store
from warehouse.care.verify import verify
from warehouse.delivery.envelope import decode
from warehouse.errors import BackupError
from warehouse.journal import JournalWriter, read_journal
from warehouse.log.sealer import seal
from warehouse.notes.backup_notes import read_ship_note
from warehouse.settings import Settings


@pytest.fixture
def other(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "other", memory=10**9)


def bodies(*numbers: int) -> set[bytes]:
    return {envelope(number) for number in numbers}


def fetched(target: str, folder: Path) -> set[bytes]:
    """The bodies of all that was shipped."""
    store = open_store(target)
    found = set()
    for name, pieces in list_shipped(store).items():
        fetch_journal(store, pieces, folder / name)
        found |= {delivery.body for _, delivery in read_journal(folder / name)}
        (folder / name).unlink()
    return found


def test_the_fewest_pieces_that_reach_furthest() -> None:
    def piece(start: int, end: int) -> Piece:
        return Piece(start, end, 0.0, f"{start}-{end}")

    pieces = [piece(0, 10), piece(10, 20), piece(0, 20), piece(20, 30), piece(40, 50), piece(5, 25)]
    assert [one.object for one in cover(pieces)] == ["0-20", "20-30"]
    assert shipped_end(pieces) == 30
    assert cover([piece(1, 5)]) == []


def test_a_journal_is_shipped_as_it_grows_and_becomes_one_object(
    settings: Settings, target: str, tmp_path: Path
) -> None:
    shipper = Shipper(settings, target)
    with JournalWriter(settings.journal_dir, reserve=2**16) as journal:
        for number in range(3):
            journal.append([decode(envelope(number), number)])
            assert shipper.ship() is None
            assert fetched(target, tmp_path) == bodies(*range(number + 1))
            assert shipper.waiting() == 0
        # Another one goes on where this one was.
        shipper = Shipper(settings, target)
        journal.append([decode(envelope(3), 3)])
        shipper.ship()
        assert fetched(target, tmp_path) == bodies(0, 1, 2, 3)
        (pieces,) = list_shipped(open_store(target)).values()
        assert len(pieces) == 4
        assert sum(piece.end - piece.start for piece in pieces) == journal.size
    shipper.ship()
    ((piece,),) = list_shipped(open_store(target)).values()
    assert (piece.start, piece.end) == (0, journal.size)
    assert fetched(target, tmp_path) == bodies(0, 1, 2, 3)


def test_a_torn_tail_is_not_shipped(settings: Settings, tmp_path: Path) -> None:
    path = deliver(settings, 1)
    whole = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\xf5\xc1J\xf5 torn")
    Shipper(settings, str(tmp_path / "target")).ship()
    ((piece,),) = list_shipped(open_store(str(tmp_path / "target"))).values()
    assert piece.end == whole


def test_a_restore_has_what_was_shipped_since_the_backup(settings: Settings, other: Settings, target: str) -> None:
    deliver(settings, 1)
    seal(settings)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(2), 2)])
        made = backup(settings, target, Keep())
        journal.append([decode(envelope(3), 3)])
        deliver(settings, 4)
        Shipper(settings, target).ship()
        journal.append([decode(envelope(5), 5)])
    shutil.rmtree(settings.home)
    assert restore(other, target).backup == made.id
    assert verify(other).findings == ()
    assert set(seal_and_read(other.home)) == bodies(1, 2, 3, 4)
    # The home that was restored goes on.
    deliver(other, 6)
    Shipper(other, target).ship()
    assert backup(other, target, Keep()).new_files > 0


def test_journals_shipped_elsewhere_and_without_any_backup(settings: Settings, other: Settings, tmp_path: Path) -> None:
    deliver(settings, 1)
    seal(settings)
    backup(settings, str(tmp_path / "target"), Keep())
    deliver(settings, 2)
    Shipper(settings, str(tmp_path / "ship")).ship()
    restore(other, str(tmp_path / "target"), shipped=str(tmp_path / "ship"))
    assert set(seal_and_read(other.home)) == bodies(1, 2)
    alone = Settings(home=tmp_path / "alone", memory=10**9)
    assert restore(alone, str(tmp_path / "ship")).backup == ""
    assert set(seal_and_read(alone.home)) == bodies(1, 2)
    stranger = Settings(home=tmp_path / "stranger")
    deliver(stranger, 9)
    Shipper(stranger, str(tmp_path / "strange")).ship()
    with pytest.raises(BackupError, match="another home"):
        restore(Settings(home=tmp_path / "mixed"), str(tmp_path / "target"), shipped=str(tmp_path / "strange"))


def test_a_time_between_backups_is_restored_to_the_delivery(
    settings: Settings, other: Settings, tmp_path: Path
) -> None:
    target = str(tmp_path / "target")
    now = int(time.time())
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number), (now + number * 60) * 10**6) for number in range(5)])
    Shipper(settings, target).ship()
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now + 150))
    restore(other, target, at)
    assert set(seal_and_read(other.home)) == bodies(0, 1, 2)


def test_what_no_backup_needs_goes(settings: Settings, tmp_path: Path) -> None:
    target = tmp_path / "target"
    deliver(settings, 1)
    Shipper(settings, str(target)).ship()
    store = open_store(str(target))
    assert remove_shipped(store, store, []) == 0
    backup(settings, str(target), Keep())
    seal(settings)
    lose_journals(settings)
    backup(settings, str(target), Keep())
    for path in (target / "journals").rglob("*-*"):
        if path.is_file():
            os.utime(path, (time.time() - 100_000,) * 2)
    assert remove_shipped(store, store, []) == 0, "the first backup has it in a journal only"
    backup(settings, str(target), Keep(count=1))
    assert list_shipped(store) == {}


def test_a_journal_that_cannot_be_read_holds_up_no_other(settings: Settings, tmp_path: Path) -> None:
    path = deliver(settings, 1)
    path.unlink()
    path.mkdir()
    deliver(settings, 2)
    unread = Shipper(settings, str(tmp_path / "target")).ship()
    assert unread is not None
    assert fetched(str(tmp_path / "target"), tmp_path) == bodies(2)


def test_what_fails_over_there_is_tried_again_and_told(
    settings: Settings, s3: Proxy, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    target, stop = "s3://backups/ship-again", threading.Event()
    deliver_bodies(settings, envelope(1))
    s3.down = True
    shipping = threading.Thread(target=keep_shipping, args=(settings, target, stop))
    shipping.start()
    try:
        deadline = time.monotonic() + 120
        while not ((note := read_ship_note(settings)) and note.failures):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert note.waiting > 0
        assert note.failure is not None
        assert note.complete is None
        assert note.lag(time.time()) > 0
        s3.down, s3.share = False, 0.2
        deliver(settings, 2)
        while not ((note := read_ship_note(settings)) and note.failures == 0 and note.complete):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        s3.share = 0.0
    finally:
        stop.set()
        shipping.join()
    assert fetched(target, tmp_path) == bodies(1, 2)
    assert "journals are not shipped" in caplog.text
    assert "marked-secret-key" not in caplog.text
    assert "marked-access-key" not in caplog.text
