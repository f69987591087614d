"""Compaction changes no row that anybody can read, keeps files few, and dies at any moment without harm."""

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest

from warehouse.care.lake_compaction import compact, compact_when_due
from warehouse.care.log_compaction import find_run
from warehouse.delivery.envelope import decode
from warehouse.errors import LakeMissing
from warehouse.journal.record import Meta
from warehouse.lake.connection import log_folder, open_lake
from warehouse.log.commit import commit_batch
from warehouse.log.live_files import FANOUT, LARGE_FILE_BYTES, LogFile, list_log_files
from warehouse.log.parquet_file import LogRows
from warehouse.settings import Settings
from warehouse.simulator import simulate

BATCHES = 40
# Not UTF-8, no name, text with a byte zero in it: what a careless copy would change.
ODD = [b"\xff\xfe", b"", b"{", '{"tenant":"ü\u0000"}'.encode(), b'{"a":"' + b"x" * 70_000 + b'"}']
FINGERPRINT = "select count(*), sum(hash(events)::hugeint), bit_xor(hash(events)) from lake.log.events"


def commit_in_parts(settings: Settings, bodies: list[bytes], parts: int) -> None:
    """As many batches, each of a few deliveries: what as many sealings would commit."""
    with open_lake(settings) as con:
        for part in range(parts):
            rows = LogRows()
            for place in range(len(bodies) * part // parts, len(bodies) * (part + 1) // parts):
                *meta, body = msgspec.structs.astuple(decode(bodies[place], time.time_ns() // 1000))
                rows.add("20260101T000000000000Z-1-0", place, cast("Meta", tuple(meta)), body)
            commit_batch(con, settings, rows, lambda: None)


def query(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with open_lake(settings, read_only=True) as con:
        return con.execute(sql).fetchall()


def make_older(settings: Settings, minutes: int) -> None:
    """Let the lake think that its old files were replaced so much earlier."""
    catalog = sqlite3.connect(settings.lake_dir / "catalog.sqlite")
    with closing(catalog), catalog:
        rows = catalog.execute("select data_file_id, schedule_start from ducklake_files_scheduled_for_deletion")
        for file, start in rows.fetchall():
            earlier = datetime.fromisoformat(start) - timedelta(minutes=minutes)
            text = f"{earlier:%Y-%m-%d %H:%M:%S.%f}+00"
            catalog.execute(
                "update ducklake_files_scheduled_for_deletion set schedule_start = ? where data_file_id = ?",
                (text, file),
            )


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with 40 small batches, which nobody has compacted; to be copied, not changed."""
    settings = Settings(home=tmp_path_factory.mktemp("sealed"), memory=10**9)
    bodies = [*simulate(events=600, seed=5), *ODD]
    random.Random(5).shuffle(bodies)
    commit_in_parts(settings, bodies, BATCHES)
    return settings


@pytest.fixture
def settings(sealed: Settings, tmp_path: Path) -> Settings:
    """A copy of that home."""
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", str(sealed.home), str(home)], check=True)
    return Settings(home=home, memory=10**9)


def test_many_small_batches_become_few_files_with_the_very_same_rows(settings: Settings) -> None:
    before = query(settings, FINGERPRINT)
    bodies = "select coalesce(raw_body, encode(body)) from log.events order by journal, position"
    in_full = query(settings, bodies)
    with open_lake(settings) as con:
        assert len(list_log_files(con)) == BATCHES
        report = compact_when_due(con, settings, BATCHES)
        assert report is not None
        assert report.log_files == len(list_log_files(con)) < FANOUT
        assert compact_when_due(con, settings, BATCHES) is None
    assert query(settings, FINGERPRINT) == before
    assert query(settings, bodies) == in_full
    (newest,) = log_folder(settings).glob("compacted-*.parquet")
    names = pq.read_table(newest, columns=["name"]).column(0).to_pylist()
    assert names == sorted(names, key=lambda name: (name is not None, name or ""))


def test_rows_that_were_deleted_stay_so_and_leave_the_files(settings: Settings) -> None:
    with open_lake(settings) as con:
        # Of one file a row, of another most, of a third all.
        con.execute(
            "delete from lake.log.events where (batch, position) in "
            "(select (3, max(position)) from lake.log.events where batch = 3)"
        )
        con.execute("delete from lake.log.events where batch = 5 and position % 5 != 0")
        con.execute("delete from lake.log.events where batch = 7")
    before = query(settings, FINGERPRINT)
    report = compact(settings)
    assert query(settings, FINGERPRINT) == before
    assert (report.log_files, report.log_rows) == (1, before[0][0])
    (newest,) = log_folder(settings).glob("compacted-*.parquet")
    assert pq.read_metadata(newest).num_rows == before[0][0]


def test_batches_of_a_delivery_or_two_are_joined_too(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, memory=10**9)
    commit_in_parts(settings, ODD, len(ODD))
    before = query(settings, FINGERPRINT)
    assert compact(settings).log_files == 1
    assert query(settings, FINGERPRINT) == before


def test_files_whose_batches_overlap_are_joined_with_each_row_once(settings: Settings) -> None:
    compact(settings)
    before = query(settings, FINGERPRINT)
    with open_lake(settings) as con:
        # As a recovery may leave them: one file of all batches, and files of rows that were within it.
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        for batch in (1, 7, 30):
            con.execute(f"create or replace temp table rows as from lake.log.events where batch = {batch}")
            con.execute(f"delete from lake.log.events where batch = {batch}")
            con.execute("insert into lake.log.events from rows")
        assert [(file.first, file.last) for file in list_log_files(con)] == [(1, 1), (1, BATCHES), (7, 7), (30, 30)]
    assert compact(settings).log_files == 1
    assert query(settings, FINGERPRINT) == before


def test_files_of_more_bodies_than_there_is_memory_are_joined(tmp_path: Path) -> None:
    little = Settings(home=tmp_path, memory=256_000_000)
    bodies = [json.dumps({"tenant": "t", "note": f"{number:x>4000}"}).encode() for number in range(100_000)]
    commit_in_parts(little, bodies, FANOUT)
    before = query(little, FINGERPRINT)
    assert compact(little).log_files == 1
    assert query(little, FINGERPRINT) == before


def test_batches_that_nobody_has_read_yet_are_left_alone(settings: Settings) -> None:
    with open_lake(settings) as con:
        compact_when_due(con, settings, 20)
        assert [(file.first, file.last) for file in list_log_files(con)][-20:] == [(n, n) for n in range(21, 41)]


def test_earlier_moments_can_be_read_for_as_long_as_they_are_kept(settings: Settings) -> None:
    (version,) = query(settings, "select max(snapshot_id) - 10 from lake.snapshots()")[0]
    at_version = f"{FINGERPRINT} at (version => {version})"
    before = query(settings, at_version)
    with open_lake(settings) as con:
        compact_when_due(con, settings, BATCHES)
    assert query(settings, at_version) == before
    current = query(settings, FINGERPRINT)
    report = compact(Settings(home=settings.home, snapshots_keep=0))
    assert report.snapshots > BATCHES
    assert len(query(settings, "from lake.snapshots()")) == 1
    assert query(settings, FINGERPRINT) == current
    with pytest.raises(duckdb.Error):
        query(settings, at_version)


def test_moments_are_thinned_to_the_last_of_each_minute_hour_and_day(settings: Settings) -> None:
    compact(Settings(home=settings.home, snapshots_keep=0))
    now = datetime.now(UTC)
    day = (now - timedelta(days=3)).replace(hour=0, minute=0)
    hour = (now - timedelta(hours=3)).replace(minute=0)
    minute = (now - timedelta(minutes=20)).replace(second=0)
    times = [
        now - timedelta(days=8),
        *(day + timedelta(hours=hours) for hours in (1, 2, 3)),
        *(hour + timedelta(minutes=minutes) for minutes in (1, 2, 3)),
        *(minute + timedelta(seconds=seconds) for seconds in (1, 2, 3)),
        *(now - timedelta(seconds=seconds) for seconds in (540, 539, 538)),
    ]
    with open_lake(settings) as con:
        for _ in times:
            con.execute("update lake.log.counter set batch = batch")
    catalog = sqlite3.connect(settings.lake_dir / "catalog.sqlite")
    with closing(catalog), catalog:
        newest = catalog.execute("select max(snapshot_id) from ducklake_snapshot").fetchone()[0]
        ids = range(newest - len(times) + 1, newest + 1)
        for snapshot, time_ in zip(ids, times, strict=True):
            text = f"{time_:%Y-%m-%d %H:%M:%S.%f}+00"
            catalog.execute("update ducklake_snapshot set snapshot_time = ? where snapshot_id = ?", (text, snapshot))
    report = compact(settings)
    kept = {snapshot for (snapshot,) in query(settings, "select snapshot_id from lake.snapshots()")}
    assert report.snapshots == 7
    assert [snapshot in kept for snapshot in ids] == [
        False,
        *(False, False, True),
        *(False, False, True),
        *(False, False, True),
        *(True, True, True),
    ]


def test_files_are_deleted_only_when_nobody_can_be_reading_them(settings: Settings) -> None:
    short = Settings(home=settings.home, snapshots_keep=0)
    compact(short)
    on_disk = len(list(log_folder(settings).iterdir()))
    assert on_disk == BATCHES + 1
    before = query(settings, FINGERPRINT)
    make_older(settings, minutes=59)
    assert compact(short).deleted_files == 0
    make_older(settings, minutes=2)
    # Those of the log, and what was made anew of the catalog's own rows.
    assert compact(short).deleted_files >= BATCHES
    assert len(list(log_folder(settings).iterdir())) == 1
    assert query(settings, FINGERPRINT) == before


DIE_BEFORE_COMMITTING = """
import os, signal
import warehouse.care.log_compaction as module
from warehouse.care.lake_compaction import compact
from warehouse.settings import Settings

write = module.write_compacted_file

def write_and_die(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

module.write_compacted_file = write_and_die
compact(Settings.load())
"""


def run_to_its_death(settings: Settings, code: str, seconds: float = 60.0) -> None:
    """Run the code with the home's settings in a process that is killed after so many seconds, if it still lives."""
    environ = {**os.environ, **settings.to_environ()}
    with subprocess.Popen([sys.executable, "-c", code], env=environ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.mark.long
def test_a_compaction_that_dies_before_its_commit_leaves_a_file_that_a_later_one_deletes(settings: Settings) -> None:
    before = query(settings, FINGERPRINT)
    run_to_its_death(settings, DIE_BEFORE_COMMITTING)
    (stray,) = log_folder(settings).glob("compacted-*.parquet")
    assert query(settings, FINGERPRINT) == before
    # With the same rows the next one would write the very same file, and put it to use.
    commit_in_parts(settings, [b"one more"], 1)
    before = query(settings, FINGERPRINT)
    assert compact(settings).log_files == 1
    assert stray.exists()
    os.utime(stray, (0, 0))
    assert compact(settings).deleted_files == 1
    assert not stray.exists()
    assert query(settings, FINGERPRINT) == before


@pytest.mark.long
def test_a_compaction_killed_at_random_changes_no_row_and_a_reader_notices_nothing(
    settings: Settings, seed: int
) -> None:
    chance = random.Random(seed)
    short = Settings(home=settings.home, memory=10**9, snapshots_keep=0)
    before = query(settings, FINGERPRINT)
    code = (
        "from warehouse.care.lake_compaction import compact; from warehouse.settings import Settings\n"
        "compact(Settings.load())"
    )
    stop, seen = threading.Event(), list[list[tuple[Any, ...]]]()

    def read() -> None:
        with open_lake(settings, read_only=True) as con:
            while not stop.is_set():
                seen.append(con.execute(FINGERPRINT).fetchall())

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for _ in range(3):
            run_to_its_death(short, code, chance.uniform(0.3, 2.0))
        run_to_its_death(short, code)
        stop.set()
        reading.result()
    assert seen
    assert all(one == before for one in seen)
    assert query(settings, FINGERPRINT) == before
    with open_lake(settings, read_only=True) as con:
        assert len(list_log_files(con)) == 1


def test_a_home_without_a_lake_gets_none(tmp_path: Path) -> None:
    with pytest.raises(LakeMissing):
        compact(Settings(home=tmp_path / "none"))
    assert not (tmp_path / "none").exists()


def test_the_command_says_what_it_did(settings: Settings) -> None:
    command = [sys.executable, "-m", "warehouse", "--home", str(settings.home), "log", "compact"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, timeout=60)
    report = json.loads(done.stdout)
    assert (report["log_files_before"], report["log_files"]) == (BATCHES, 1)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert "1 files before, 1 now" in done.stdout


def test_whatever_the_sizes_few_files_remain_and_they_stay_in_order(seed: int) -> None:
    chance = random.Random(seed)
    files: list[LogFile] = []
    written = sealed = 0
    for batch in range(1, 2_001):
        size = int(chance.choice([3e3, 2e4, 2e4, 2e5, 3e6]) * chance.uniform(0.5, 2))
        files.append(LogFile(size, batch, batch))
        sealed += size
        while run := find_run(files):
            place = files.index(run[0])
            assert files[place : place + len(run)] == run
            joined = LogFile(sum(file.bytes for file in run), run[0].first, run[-1].last)
            written += joined.bytes
            files[place : place + len(run)] = [joined]
    assert [file.first for file in files[1:]] == [file.last + 1 for file in files[:-1]]
    large = sum(file.bytes >= LARGE_FILE_BYTES for file in files)
    assert len(files) - large < FANOUT * (large + 6)
    # Each byte is written anew about once for each of the sizes, not once for each batch.
    assert written < 12 * sealed
