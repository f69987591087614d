"""Bits that flip and tails that are cut or zeroed are always found, and what is read is only what was sent."""

import random
import shutil
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.log_state import settings_of
from tests.live import envelope
from warehouse.care.recover import recover
from warehouse.care.verify import check_file, verify
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.journal import Damage, JournalWriter, list_journals, read_journal
from warehouse.journal.record import SYNC
from warehouse.lake.connection import catalog_path, log_folder, open_lake
from warehouse.log.parquet_file import digest_of, named_digest
from warehouse.log.sealer import seal

DELIVERIES = [decode(envelope(number, note="é" * (number % 7)), number) for number in range(40)]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one file of the log and its journal."""
    home = tmp_path_factory.mktemp("sealed") / "home"
    settings = settings_of(home)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append(DELIVERIES)
    seal(settings)
    return home


def flip(data: bytes, chance: random.Random) -> bytes:
    harmed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 3))):
        harmed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(harmed)


def read(path: Path) -> tuple[list[tuple[int, Delivery]], list[Damage]]:
    damage: list[Damage] = []
    return list(read_journal(path, on_damage=damage.append)), damage


def test_every_flip_in_a_journal_is_found_and_costs_few_records(sealed: Path, tmp_path: Path, scale: Scale) -> None:
    chance = scale.chance()
    (path,) = list_journals(settings_of(sealed).journal_dir)
    data = path.read_bytes()
    copy = tmp_path / path.name
    whole = dict(enumerate(DELIVERIES))
    for _ in range(scale.rounds(300, 1_000)):
        harmed = flip(data, chance)
        copy.write_bytes(harmed)
        found, damage = read(copy)
        assert bool(damage) == (harmed != data)
        assert all(whole[position] == delivery for position, delivery in found), "a delivery that was never written"
        assert len(found) >= len(whole) - 3
        scale.tell(rounds=1, events=len(found), faults=1)


def test_every_flip_in_a_file_of_the_log_is_found(sealed: Path, tmp_path: Path, scale: Scale) -> None:
    chance = scale.chance()
    (path,) = log_folder(settings_of(sealed)).glob("*.parquet")
    data = path.read_bytes()
    copy = tmp_path / path.name
    for number in range(scale.rounds(100, 1_000)):
        harmed = flip(data, chance)
        copy.write_bytes(harmed)
        if number % 25 == 0:
            checked = check_file(copy)
            assert bool(checked.findings) == (harmed != data)
            assert all(finding.path == str(copy) and finding.place for finding in checked.findings)
        else:
            # The whole of it, without the second process that looks for the place.
            assert (digest_of(copy) == named_digest(copy)) == (harmed == data)
        scale.tell(rounds=1, faults=1)


def test_what_is_recovered_from_a_flipped_file_was_sent(sealed: Path, tmp_path: Path, scale: Scale) -> None:
    chance = scale.chance()
    sent = {delivery.body for delivery in DELIVERIES}
    for number in range(scale.rounds(3, 100)):
        home = tmp_path / str(number)
        shutil.copytree(sealed, home)
        settings = settings_of(home)
        (path,) = log_folder(settings).glob("*.parquet")
        path.write_bytes(flip(path.read_bytes(), chance))
        catalog_path(settings).unlink()
        journals_left = chance.random() < 0.5
        if not journals_left:
            for journal in list_journals(settings.journal_dir):
                journal.unlink()
        recover(settings, dry_run=False)
        with open_lake(settings, read_only=True) as con:
            rows = [bytes(row[0]) for row in con.execute("select encode(body) from log.events").fetchall()]
        assert set(rows) <= sent
        assert len(rows) == len(set(rows))
        assert len(rows) == len(sent) or not journals_left
        scale.tell(rounds=1, events=len(rows), faults=1)
        shutil.rmtree(home)


def test_a_journal_cut_at_every_byte_of_its_last_records_is_verified_with_file_and_offset(
    home: Path, scale: Scale
) -> None:
    settings = settings_of(home)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append(DELIVERIES[:5])
    path = journal.path
    data = path.read_bytes()
    starts = [place for place in range(len(data)) if data.startswith(SYNC, place)]
    for length in range(starts[-2] + 1, len(data), scale.rounds(7, 1)):
        path.write_bytes(data[:length])
        report = verify(settings)
        whole = 3 if length < starts[-1] else 4
        assert report.records == whole
        if length == starts[-1]:
            assert report.findings == ()
        else:
            (finding,) = report.findings
            assert finding.path == str(path)
            assert finding.place == f"torn tail at byte {starts[whole]}"
        scale.tell(rounds=1, events=whole, faults=1)


@pytest.mark.parametrize("zeros", [1, 11, 12, 100, 4096])
def test_a_tail_of_zeros_is_verified_with_file_and_offset(home: Path, scale: Scale, zeros: int) -> None:
    settings = settings_of(home)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append(DELIVERIES[:5])
    size = journal.path.stat().st_size
    with journal.path.open("r+b") as file:
        # As a file system leaves it that had made room and not written yet.
        file.seek(size - 30)
        file.write(bytes(30 + zeros))
    report = verify(settings)
    assert report.records == 4
    (finding,) = report.findings
    assert finding.path == str(journal.path)
    assert "at byte" in finding.place
    scale.tell(rounds=1, events=4, faults=1)
