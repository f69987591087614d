"""What one of catalog, files and journals knows and another lacks is found, and nobody deletes what only it has."""

import os
import random
import shutil
from pathlib import Path

import msgspec
import pytest

import warehouse
from tests.journals import deliver, lose_journals
from tests.live import envelope
from warehouse.care.file_digests import NOTES, note_digests, table_of
from warehouse.care.lake_compaction import compact
from warehouse.care.recover import recover
from warehouse.care.verify import check_catalog, verify
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeError
from warehouse.journal import JournalWriter, list_journals
from warehouse.journal.deleted_journals import deleted_journals, ledger_path, note_deleted
from warehouse.journal.record import SYNC
from warehouse.lake.connection import catalog_path, data_path, log_folder, open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def logged(settings: Settings) -> list[str]:
    with warehouse.connect(settings.home) as con:
        keys = con.execute("select idempotency_key from log.events").fetchall()
    return sorted(str(key) for (key,) in keys)


def found(settings: Settings) -> list[str]:
    return [str(finding) for finding in verify(settings).findings]


def keep_catalog(settings: Settings) -> Path:
    kept = settings.home / "catalog.then"
    shutil.copy(catalog_path(settings), kept)
    return kept


def put_back(settings: Settings, kept: Path) -> None:
    catalog = catalog_path(settings)
    for path in catalog.parent.glob(f"{catalog.name}-*"):
        path.unlink()
    shutil.copy(kept, catalog)


@pytest.fixture
def older(settings: Settings) -> Settings:
    """A home whose catalog was put back to when it knew the first of two files of the log; journals are still there."""
    deliver(settings, *range(10))
    seal(settings)
    kept = keep_catalog(settings)
    deliver(settings, *range(100, 106))
    seal(settings)
    put_back(settings, kept)
    return settings


def test_deliveries_in_a_file_that_the_catalog_does_not_know_are_found_and_come_back(older: Settings) -> None:
    lose_journals(older)
    lines = found(older)
    assert [line for line in lines if "deliveries 0 to 5 are here alone" in line] == lines
    assert [str(finding) for finding in check_catalog(older)] == lines
    deliver(older, 200)
    seal(older)
    assert len(logged(older)) == 11
    assert found(older) == lines, "no sealing takes it for a stray of its own"
    assert recover(older).is_needed
    recover(older, dry_run=False)
    assert len(logged(older)) == 17
    assert found(older) == []
    assert not recover(older).is_needed


def test_a_file_that_the_catalog_does_not_know_is_nothing_while_the_journals_have_it(older: Settings) -> None:
    assert found(older) == []
    assert check_catalog(older) == ()
    assert seal(older).deliveries == 6
    assert len(logged(older)) == 16
    assert len(list(log_folder(older).iterdir())) == 2
    assert found(older) == []


def test_a_stray_that_holds_more_than_the_journals_that_are_left_is_kept(settings: Settings) -> None:
    deliver(settings, 0)
    seal(settings)
    kept = keep_catalog(settings)
    first, second = deliver(settings, *range(100, 103)), deliver(settings, *range(200, 203))
    seal(settings)
    put_back(settings, kept)
    # The file is named for the first journal, which is sealed again, and has the only copy of the second.
    second.unlink()
    assert seal(settings).deliveries == 3
    assert first.exists()
    assert [line for line in found(settings) if f"journal {second.stem}: deliveries 0 to 2 are here alone" in line]
    recover(settings, dry_run=False)
    assert len(logged(settings)) == 7


def test_a_compacted_file_that_the_catalog_does_not_know_is_kept_when_it_alone_has_the_rows(settings: Settings) -> None:
    for number in range(2):
        deliver(settings, number)
        seal(settings)
    kept = keep_catalog(settings)
    compact(settings)
    (joined,) = log_folder(settings).glob("compacted-*")
    put_back(settings, kept)
    lose_journals(settings)
    for path in log_folder(settings).iterdir():
        os.utime(path, (0, 0))
        if path != joined:
            path.unlink()
    with pytest.raises(LakeError):
        compact(settings)
    assert joined.exists()
    assert [line for line in found(settings) if "are here alone" in line]
    recover(settings, dry_run=False)
    assert len(logged(settings)) == 2


def test_files_that_wait_for_deletion_are_no_findings(settings: Settings) -> None:
    for number in range(3):
        deliver(settings, number)
        seal(settings)
    compact(settings)
    lose_journals(settings)
    assert len(list(log_folder(settings).iterdir())) == 4
    assert found(settings) == []
    assert check_catalog(settings) == ()
    assert not recover(settings).is_needed


def test_what_a_deleted_journal_had_is_missed_in_a_lake_that_was_put_back(settings: Settings) -> None:
    at_once = msgspec.structs.replace(settings, journal_keep=0)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number), 1) for number in range(4)])
        seal(at_once)
        shutil.copytree(settings.lake_dir, settings.home / "then")
        journal.append([decode(envelope(number), 1) for number in range(4, 9)])
        seal(at_once)
    other = deliver(settings, 50, 51)
    seal(at_once)
    assert list_journals(settings.journal_dir) == []
    assert deleted_journals(settings) == {journal.name: 9, other.stem: 2}
    assert found(settings) == []
    shutil.rmtree(settings.lake_dir)
    (settings.home / "then").rename(settings.lake_dir)
    for lines in (found(settings), [str(finding) for finding in check_catalog(settings)]):
        assert len(lines) == 2
        assert f"journal {journal.name}: deliveries 4 to 8 are missing; they were in the log when" in lines[0]
        assert f"journal {other.stem}: deliveries 0 to 1 are missing" in lines[1]
    assert len([one for one in recover(settings).damage if "are missing" in one.problem]) == 2


def test_a_line_of_the_ledger_that_is_damaged_costs_no_other(settings: Settings) -> None:
    settings.journal_dir.mkdir(parents=True)
    note_deleted(settings, {"a": 1, "b": 2})
    with ledger_path(settings).open("ab") as file:
        file.write(b"c 3 0000")
    note_deleted(settings, {"d": 4})
    assert deleted_journals(settings) == {"a": 1, "b": 2, "d": 4}
    data = ledger_path(settings).read_bytes()
    ledger_path(settings).write_bytes(data.replace(b"b 2", b"b 9"))
    assert deleted_journals(settings) == {"a": 1, "d": 4}


def test_a_journal_that_is_shorter_than_what_was_sealed_of_it(settings: Settings) -> None:
    path = deliver(settings, *range(5))
    seal(settings)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(SYNC)])
    assert found(settings) == [f"{path}: deliveries 4 to 4: are in the log and not here any more"]


def test_a_file_of_the_log_that_is_gone_is_found_without_reading_any(settings: Settings) -> None:
    deliver(settings, *range(5))
    seal(settings)
    (path,) = log_folder(settings).iterdir()
    data = path.read_bytes()
    for harmed in (data + b"more", None):
        path.unlink()
        if harmed is not None:
            path.write_bytes(harmed)
        gone, unread = check_catalog(settings)
        assert (gone.path, gone.problem) == (str(path), "is gone or has another length")
        assert unread.problem.startswith("cannot be read")


@pytest.fixture
def with_mart(settings: Settings) -> Settings:
    """A lake with a mart of one file and a log of two."""
    for number in range(2):
        deliver(settings, *range(10 * number, 10 * number + 10))
        seal(settings)
    with open_lake(settings) as con:
        con.execute("create table lake.marts.things as select i as id, i % 97 as amount from range(3000) as r (i)")
        note_digests(con, settings)
    return settings


def mart_file(settings: Settings) -> Path:
    (path,) = (data_path(settings) / "marts").rglob("*.parquet")
    return path


def test_every_flipped_bit_in_a_file_of_a_mart_is_found(with_mart: Settings, seed: int) -> None:
    chance, path = random.Random(seed), mart_file(with_mart)
    whole = path.read_bytes()
    assert verify(with_mart).others == 1
    for _ in range(12):
        harmed = bytearray(whole)
        harmed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(harmed)
        (finding,) = verify(with_mart).findings
        assert (finding.path, finding.problem) == (str(path), "is not as it was written")
        assert table_of(with_mart, finding) == "marts.things"
    path.write_bytes(whole)
    assert found(with_mart) == []


def test_a_damaged_file_is_not_written_anew_as_if_it_were_sound(with_mart: Settings) -> None:
    with open_lake(with_mart) as con:
        con.execute("insert into lake.marts.things select i, 0 from range(3000) as r (i)")
        note_digests(con, with_mart)
    path = next((data_path(with_mart) / "marts").rglob("*.parquet"))
    harm(path)
    with pytest.raises(LakeError, match="is not as it was written"):
        compact(with_mart)
    assert [finding.path for finding in verify(with_mart).findings] == [str(path)]


def test_a_damaged_file_of_the_log_is_not_joined_with_others(with_mart: Settings) -> None:
    path = min(log_folder(with_mart).iterdir())
    harm(path)
    with pytest.raises(LakeError, match="not joined with others"):
        compact(with_mart)
    assert list(log_folder(with_mart).glob("compacted-*")) == []


def harm(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 8
    path.write_bytes(data)


def test_notes_that_are_lost_leave_files_unproven_and_are_made_again(with_mart: Settings) -> None:
    (data_path(with_mart) / NOTES).unlink()
    report = verify(with_mart)
    assert (report.others, report.unproven, report.findings) == (1, 1, ())
    compact(with_mart)
    assert verify(with_mart).unproven == 0


def test_a_damaged_page_of_the_catalog_is_found(settings: Settings) -> None:
    deliver(settings, *range(5))
    seal(settings)
    catalog = catalog_path(settings)
    data = bytearray(catalog.read_bytes())
    # The last page is of an index or of rows; whatever it was, it is not one now.
    data[-4096:] = os.urandom(4096)
    catalog.write_bytes(data)
    assert [line for line in found(settings) if line.startswith(f"{catalog}: the catalog")]
