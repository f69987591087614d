"""A lost or damaged catalog is made anew from the files alone: the same rows, the counter right, nothing twice."""

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import warehouse
from tests.journals import deliver_bodies, log_files, lose_journals
from tests.live import envelope
from warehouse.care.lake_compaction import compact
from warehouse.care.recover import recover
from warehouse.care.verify import verify
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeError
from warehouse.journal import JournalWriter, list_journals
from warehouse.lake.connection import catalog_path, log_folder, open_lake
from warehouse.log import parquet_file
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings


def log(settings: Settings) -> list[tuple[Any, ...]]:
    with warehouse.connect(settings.home) as con:
        return con.execute("select * from log.events order by journal, position").fetchall()


def identities(settings: Settings) -> list[tuple[Any, ...]]:
    """Everything but the batch, which a delivery that comes from a journal once more gets anew."""
    return [row[1:] for row in log(settings)]


def counter(settings: Settings) -> int:
    with warehouse.connect(settings.home) as con:
        return int(con.execute("select batch from log.counter").fetchall()[0][0])


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four batches, of which two were compacted; the files from before that are still there."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("filled") / "home"))
    for first in (0, 100):
        deliver_bodies(settings, *[envelope(first + n) for n in range(20)], b"no json", b"\xff\xfe", b"")
        seal(settings)
    compact(settings)
    for first in (200, 300):
        deliver_bodies(settings, *[envelope(first + n) for n in range(20)])
        seal(settings)
    assert len(log_files(settings)) == 5
    return settings.home


@pytest.fixture
def copied(filled: Path, settings: Settings) -> Settings:
    shutil.copytree(filled, settings.home)
    return settings


@pytest.mark.parametrize("harm", ["lost", "garbage", "empty", "of another moment"])
def test_the_log_is_what_it_was(copied: Settings, harm: str) -> None:
    before = log(copied)
    lose_journals(copied)
    catalog = catalog_path(copied)
    if harm == "lost":
        catalog.unlink()
    elif harm == "garbage":
        catalog.write_bytes(os.urandom(100_000))
    elif harm == "empty":
        catalog.write_bytes(b"")
    else:
        data = bytearray(catalog.read_bytes())
        data[4096 : len(data) // 2] = bytes(len(data) // 2 - 4096)
        catalog.write_bytes(data)
    harmed = catalog.read_bytes() if catalog.exists() else None
    found = recover(copied)
    assert (found.files, found.superseded, found.deliveries, found.batch) == (3, 2, 86, 4)
    assert (catalog.read_bytes() if catalog.exists() else None) == harmed, "a dry run changes nothing"
    done = recover(copied, dry_run=False)
    assert log(copied) == before
    assert counter(copied) == 4
    assert verify(copied).findings == ()
    assert done.aside is not None
    kept = {path.name for path in Path(done.aside).iterdir()}
    assert len([name for name in kept if name.endswith(".parquet")]) == 2
    if harmed is not None:
        assert (Path(done.aside) / catalog.name).read_bytes() == harmed
    deliver_bodies(copied, envelope(999))
    assert seal(copied).batch == 5
    assert len(log(copied)) == 87


def test_a_new_catalog_is_never_begun_beside_old_files(copied: Settings) -> None:
    catalog_path(copied).unlink()
    with pytest.raises(LakeError, match="catalog is gone") as raised:
        seal(copied)
    assert "warehouse log recover --yes" in raised.value.hint
    with pytest.raises(LakeError, match="catalog is gone"):
        warehouse.connect(copied.home)
    assert not catalog_path(copied).exists()
    assert len(log_files(copied)) == 5


def test_what_only_the_journals_have_comes_from_them(copied: Settings) -> None:
    before = identities(copied)
    # The journal is sealed further than this file, so plain sealing would pass over what was in it.
    with JournalWriter(copied.journal_dir) as journal:
        for first in (400, 500):
            journal.append([decode(envelope(first + n), 1) for n in range(5)])
            seal(copied)
    whole = identities(copied)
    assert len(whole) == len(before) + 10
    first_file = next(path for path in log_files(copied) if f"{journal.name}-0-" in path.name)
    damaged = bytearray(first_file.read_bytes())
    damaged[pq.read_metadata(first_file).row_group(0).column(10).data_page_offset + 100] ^= 4
    first_file.write_bytes(damaged)
    catalog_path(copied).unlink()
    done = recover(copied, dry_run=False)
    assert identities(copied) == whole
    assert (done.from_journals, done.batch, counter(copied)) == (5, 7, 7)
    assert [finding.path for finding in done.damage] == [str(first_file)]
    assert (Path(str(done.aside)) / first_file.name).read_bytes() == damaged
    assert not first_file.exists()
    assert seal(copied).deliveries == 0


def test_the_sound_row_groups_of_a_damaged_file_are_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "MAX_GROUP_ROWS", 10)
    deliver_bodies(settings, *[envelope(n, note="x" * 100) for n in range(50)])
    seal(settings)
    before = identities(settings)
    lose_journals(settings)
    (path,) = log_files(settings)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    catalog_path(settings).unlink()
    done = recover(settings, dry_run=False)
    after = identities(settings)
    assert set(after) < set(before)
    assert len(after) == done.deliveries == 40
    assert (done.files, done.partly) == (0, 1)
    group = int(done.damage[0].place.split()[2].rstrip(","))
    # What was lost stays lost, and is told.
    lost = f"deliveries {10 * group} to {10 * group + 9} are missing"
    assert [finding.problem for finding in verify(settings).findings] == ([lost] if group < 4 else [])


def test_a_file_that_was_never_committed_is_no_second_copy(copied: Settings) -> None:
    before = log(copied)
    original = log_files(copied)[-1]
    # The same deliveries under an earlier number, as a refused attempt to commit leaves them.
    with open_lake(copied) as con:
        con.execute("set arrow_large_buffer_size = true")
        table = con.execute(
            "select * replace (1::bigint as batch) from read_parquet(?)", [str(original)]
        ).to_arrow_table()
    stray = parquet_file.write_remainder_file(log_folder(copied), table, original)
    catalog_path(copied).unlink()
    assert recover(copied, dry_run=False).superseded == 3
    assert log(copied) == before
    assert not stray.exists()


def test_it_may_be_run_again_and_while_the_catalog_is_sound(copied: Settings) -> None:
    before = log(copied)
    for _ in range(2):
        recover(copied, dry_run=False)
        assert log(copied) == before
    assert len(list(catalog_path(copied).parent.glob("before-recovery-*"))) == 2


def test_a_home_with_nothing_in_it(settings: Settings) -> None:
    with pytest.raises(LakeError, match="nothing to recover from"):
        recover(settings)


def test_a_refresh_afterwards_builds_the_marts_again(settings: Settings) -> None:
    deliver_bodies(settings, *[envelope(n) for n in range(5)])
    refresh(settings)
    orders = "select * from marts.fct_orders order by all"
    with warehouse.connect(settings.home) as con:
        before = con.execute(orders).fetchall()
    assert len(before) == 5
    deliver_bodies(settings, envelope(5))
    lose_journals_but_last = list_journals(settings.journal_dir)[:-1]
    for path in lose_journals_but_last:
        path.unlink()
    catalog_path(settings).unlink()
    done = recover(settings, dry_run=False)
    assert done.from_journals == 1
    refresh(settings)
    with warehouse.connect(settings.home) as con:
        after = con.execute(orders).fetchall()
    assert len(after) == 6
    assert set(map(str, before)) < set(map(str, after))
