"""Whatever is changed in a file of the log or of the journals is found, and nothing else is."""

import shutil
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from tests.journals import deliver_bodies, log_files
from tests.live import envelope
from warehouse.care.accepted_losses import Accepted
from warehouse.care.verify import CheckReport, verify
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeMissing
from warehouse.journal import JournalWriter, list_journals
from warehouse.lake.connection import catalog_path, open_lake
from warehouse.log.parquet_file import digest_of
from warehouse.log.sealer import seal
from warehouse.settings import Settings


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two files of the log, a journal in each, and one that is not sealed yet."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("sealed") / "home"))
    for first in (0, 100):
        deliver_bodies(settings, *[envelope(first + n) for n in range(50)], b"no json", b"\xff\xfe", b"")
        seal(settings)
    deliver_bodies(settings, envelope(200))
    return settings.home


@pytest.fixture
def copied(sealed: Path, settings: Settings) -> Settings:
    shutil.copytree(sealed, settings.home)
    return settings


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def found(settings: Settings) -> list[str]:
    return [str(finding) for finding in verify(settings).findings]


def test_a_sound_home_has_no_findings(copied: Settings) -> None:
    told: list[tuple[int, int | None]] = []
    report = verify(copied, lambda done, total: told.append((done, total)))
    sizes = [path.stat().st_size for path in (*log_files(copied), *list_journals(copied.journal_dir))]
    assert report == CheckReport(2, 106, 3, 107, 0, 0, 0, "nothing is built", Accepted(), sum(sizes), ())
    assert told[-1] == (sum(sizes), sum(sizes))


def test_a_home_with_nothing_in_it(settings: Settings) -> None:
    with pytest.raises(LakeMissing, match="nothing to verify"):
        verify(settings)


def test_a_flipped_bit_is_placed_in_its_column(copied: Settings) -> None:
    path = log_files(copied)[0]
    metadata = pq.read_metadata(path)
    for column in (0, 3, 10):
        chunk = metadata.row_group(0).column(column)
        saved = path.read_bytes()
        flip(path, (chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1)
        (finding,) = [line for line in found(copied) if "is not as it was written" in line]
        assert finding.startswith(f"{path}: row group 0, column {chunk.path_in_schema}, bytes ")
        path.write_bytes(saved)


def test_what_a_damaged_file_held_is_told_as_missing(settings: Settings) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        for first in (0, 10):
            journal.append([decode(envelope(first + n), 1) for n in range(10)])
            seal(settings)
    first_file = next(path for path in log_files(settings) if f"{journal.name}-0-" in path.name)
    flip(first_file, 100)
    lines = found(settings)
    assert [line for line in lines if line.startswith(str(first_file))]
    assert [line for line in lines if f"journal {journal.name}: deliveries 0 to 9 are missing" in line]
    assert [line for line in lines if "deliveries 0 to 9: were passed over by the log; they are here" in line]
    assert len(lines) == 3


def test_a_file_that_is_gone_or_cut_short(copied: Settings) -> None:
    first, second = log_files(copied)
    first.unlink()
    second.write_bytes(second.read_bytes()[:-20])
    lines = found(copied)
    assert [line for line in lines if line.startswith(f"{first}: the file: cannot be read")]
    assert [line for line in lines if line.startswith(str(second)) and "footer" in line]


def test_a_body_that_was_wrong_before_its_digest_was_made(copied: Settings) -> None:
    path = log_files(copied)[0]
    table = pq.read_table(path)
    texts = table.column("body").to_pylist()
    row = next(number for number, text in enumerate(texts) if text and "order-7" in text)
    texts[row] = str(texts[row]).replace("order-7", "order-8")
    place = table.schema.get_field_index("body")
    pq.write_table(table.set_column(place, table.schema.field(place), [texts]), path)
    digest = path.name.removesuffix(".parquet").rpartition("-")[2]
    renamed = path.rename(path.with_name(path.name.replace(digest, digest_of(path))))
    # Without its catalog the home is checked by what is there.
    catalog_path(copied).unlink()
    assert f"{renamed}: row {row}: the body does not match its payload_hash" in found(copied)


def test_a_gap_and_a_delivery_that_is_there_twice(copied: Settings) -> None:
    path = log_files(copied)[0]
    with open_lake(copied) as con:
        con.execute("delete from log.events where position between 10 and 19 and batch = 1")
        con.execute("call ducklake_rewrite_data_files('lake', 'events', schema => 'log', delete_threshold => 0)")
    assert any("is not one that this product gives" in line for line in found(copied))
    shutil.copy(path, path.with_name(path.name.replace("-0-", "-1-")))
    catalog_path(copied).unlink()
    assert any("deliveries 0 to 52 are in the log twice" in line for line in found(copied))


def test_a_lost_or_unreadable_catalog_is_a_finding_and_the_files_are_read(copied: Settings) -> None:
    catalog = catalog_path(copied)
    catalog.write_bytes(b"no catalog" * 1000)
    for beside in catalog.parent.glob("catalog.sqlite-*"):
        beside.unlink()
    report = verify(copied)
    assert [finding.place for finding in report.findings] == ["the catalog"]
    assert report.deliveries == 106
    catalog.unlink()
    report = verify(copied)
    assert [finding.path for finding in report.findings] == [str(catalog)]


def test_a_counter_that_went_back(copied: Settings) -> None:
    with open_lake(copied) as con:
        con.execute("update log.counter set batch = 1")
    assert any("the counter: is 1, and the log has batch 2" in line for line in found(copied))


def test_damage_in_a_journal_names_its_byte(copied: Settings) -> None:
    path = list_journals(copied.journal_dir)[-1]
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(bytes(1000))
    assert found(copied) == [f"{path}: torn tail at byte {size}: nothing can be read from delivery 1 on"]


def test_records_that_the_log_has_passed_over_are_found_in_their_journal(settings: Settings) -> None:
    deliver_bodies(settings, *[envelope(n) for n in range(5)])
    (path,) = list_journals(settings.journal_dir)
    whole = path.read_bytes()
    flip(path, whole.index(b"order-2"))
    seal(settings)
    assert any(f"journal {path.stem}: deliveries 2 to 2 are missing" in line for line in found(settings))
    path.write_bytes(whole)
    assert f"{path}: deliveries 2 to 2: were passed over by the log; they are here" in found(settings)


def test_a_report_is_json(copied: Settings) -> None:
    assert msgspec.json.decode(msgspec.json.encode(verify(copied)), type=CheckReport) == verify(copied)
