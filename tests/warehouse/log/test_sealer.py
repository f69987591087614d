"""Every delivery of the journals is in the log exactly once, whatever dies and however often sealing runs."""

import multiprocessing
import multiprocessing.synchronize
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import msgspec
import pytest

import warehouse
from tests.live import ROOT, envelope
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.delivery.payload_hash import payload_hash
from warehouse.errors import LockHeld
from warehouse.journal import JournalWriter, Reason, list_journals, load_marks, save_marks
from warehouse.journal.record import SYNC
from warehouse.lake.connection import log_folder, open_lake
from warehouse.log import sealer
from warehouse.log.commit import remove_strays
from warehouse.log.parquet_file import digest_of, named_digest
from warehouse.log.sealer import SealReport, seal
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

Row = tuple[int, str, int, bytes]


def deliver(settings: Settings, *bodies: bytes) -> Path:
    """A dead journal with these bodies."""
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, 1_000_000) for body in bodies])
        return journal.path


def numbered(first: int, count: int) -> list[bytes]:
    return [envelope(number) for number in range(first, first + count)]


def log(settings: Settings) -> list[Row]:
    """Batch, journal, position and body of every row, in the order of the first three."""
    with warehouse.connect(settings.home) as con:
        rows = con.execute(
            "select batch, journal, position, coalesce(raw_body, encode(body)) from log.events order by all"
        ).fetchall()
        ((counter,),) = con.execute("select batch from log.counter").fetchall()
    assert counter == max((row[0] for row in rows), default=0)
    return [(batch, journal, position, bytes(body)) for batch, journal, position, body in rows]


def bodies(settings: Settings) -> list[bytes]:
    return [row[3] for row in log(settings)]


def files(settings: Settings) -> list[Path]:
    return sorted(path for path in log_folder(settings).rglob("*") if path.is_file())


def test_a_delivery_is_in_the_log_as_it_was_received(settings: Settings) -> None:
    sent = [envelope(1), b"not json", b"\xff\xfe", b"", envelope(2, text="\ufeff \u0000 \u2028")]
    journal = deliver(settings, *sent)
    assert seal(settings) == SealReport(1, 5, 1, ())
    with warehouse.connect(settings.home) as con:
        rows = con.execute("select * from log.events order by position").fetchall()
    received = [decode(body, 1_000_000) for body in sent]
    for position, (row, delivery) in enumerate(zip(rows, received, strict=True)):
        batch, name, at, received_at, tenant, event, key, published_at, content, problem, body, raw = row
        assert (batch, name, at) == (1, journal.stem, position)
        assert int(received_at.timestamp() * 1e6) == delivery.received_at
        assert published_at is None or round(published_at.timestamp() * 1e6) == delivery.published_at
        assert (tenant, event, key) == (delivery.tenant, delivery.name, delivery.idempotency_key)
        assert problem == (None if delivery.problem is None else str(delivery.problem))
        assert content == payload_hash(delivery.body)
        assert (raw if body is None else body.encode()) == delivery.body


def test_sealing_again_changes_nothing(settings: Settings) -> None:
    deliver(settings, *numbered(0, 3))
    seal(settings)
    before = log(settings), files(settings)
    assert seal(settings) == SealReport(None, 0, 0, ())
    assert (log(settings), files(settings)) == before


def test_a_home_without_journals_has_nothing_to_seal(settings: Settings) -> None:
    assert seal(settings) == SealReport(None, 0, 0, ())
    assert log(settings) == []


def test_a_journal_that_is_still_written_is_sealed_up_to_its_last_whole_record(settings: Settings) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        for first in (0, 3, 6):
            journal.append([decode(body, 1) for body in numbered(first, 3)])
            assert seal(settings).deliveries == 3
        assert [row[:3] for row in log(settings)] == [(n // 3 + 1, journal.name, n) for n in range(9)]
        assert list_journals(settings.journal_dir) == [journal.path]


def test_a_batch_takes_from_many_journals_and_a_large_journal_makes_many(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "BATCH_ROWS", 10)
    names = [deliver(settings, *numbered(100 * n, size)).stem for n, size in enumerate((4, 4, 25, 1))]
    report = seal(settings)
    assert (report.batch, report.deliveries, report.journals) == (4, 34, 4)
    rows = log(settings)
    expected = [(names[n], p) for n, size in enumerate((4, 4, 25, 1)) for p in range(size)]
    assert [(journal, position) for _, journal, position, _ in sorted(rows, key=lambda row: row[1:3])] == expected
    assert [sum(row[0] == batch for row in rows) for batch in (1, 2, 3, 4)] == [10, 10, 10, 4]


def test_the_name_of_a_file_is_the_digest_of_its_content(settings: Settings) -> None:
    deliver(settings, *numbered(0, 50))
    seal(settings)
    (file,) = files(settings)
    assert named_digest(file) == digest_of(file)
    assert len(digest_of(file)) == 32


@pytest.mark.parametrize("moment", ["file", "commit"])
def test_death_between_the_file_and_the_catalog_leaves_no_trace(settings: Settings, moment: str) -> None:
    deliver(settings, *numbered(0, 3))
    program = textwrap.dedent("""
        import os, sys
        from warehouse.log.sealer import seal
        from warehouse.settings import Settings
        seal(Settings.load({}, home=sys.argv[1]), before_commit=lambda: os._exit(9))
    """)
    command = [sys.executable, "-c", program, str(settings.home)]
    assert subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode == 9
    (stray,) = files(settings)
    if moment == "file":
        stray.rename(stray.with_name(stray.name + ".unfinished"))
    assert seal(settings) == SealReport(1, 3, 1, ())
    assert bodies(settings) == numbered(0, 3)
    (file,) = files(settings)
    assert named_digest(file) == digest_of(file)


def test_files_of_another_home_in_the_same_lake_are_left_alone(settings: Settings) -> None:
    deliver(settings, *numbered(0, 1))
    seal(settings)
    other = log_folder(settings) / "20200101T000000000000Z-1-00000000-0-abcdef.parquet"
    other.write_bytes(b"being written by another host")
    with open_lake(settings) as con:
        assert remove_strays(con, settings, [path.stem for path in list_journals(settings.journal_dir)]) == []
    assert other.exists()


def _seal_in_a_process(home: str, started: "multiprocessing.synchronize.Barrier") -> None:
    started.wait()
    seal(Settings.load({}, home=home))


def test_sealers_that_meet_take_turns(settings: Settings) -> None:
    for first in (0, 1000, 2000):
        deliver(settings, *numbered(first, 500))
    spawning = multiprocessing.get_context("spawn")
    started = spawning.Barrier(3)
    sealers = [spawning.Process(target=_seal_in_a_process, args=(str(settings.home), started)) for _ in range(3)]
    for process in sealers:
        process.start()
    for process in sealers:
        process.join(120)
    assert [process.exitcode for process in sealers] == [0, 0, 0]
    rows = log(settings)
    assert len({row[1:3] for row in rows}) == len(rows) == 1500
    assert {row[0] for row in rows} == {1}


def test_a_sealer_waits_for_the_lock_and_says_who_has_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealer, "LOCK_SECONDS", 0.2)
    deliver(settings, envelope(1))
    with hold_lock(settings.write_lock), pytest.raises(LockHeld, match=f"process {os.getpid()}"):
        seal(settings)
    assert seal(settings).deliveries == 1


def _deliver_and_seal(home: str, lake: str, first: int) -> None:
    settings = Settings.load({}, home=home, catalog=f"{lake}/catalog.sqlite", data_path=f"{lake}/data")
    for round_number in range(3):
        deliver(settings, *numbered(first + 10 * round_number, 10))
        seal(settings)


def test_homes_that_share_a_lake_number_their_batches_together(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    open_lake(Settings.load({}, catalog=f"{lake}/catalog.sqlite", data_path=f"{lake}/data")).close()
    spawning = multiprocessing.get_context("spawn")
    homes = [str(tmp_path / name) for name in ("a", "b")]
    hosts = [spawning.Process(target=_deliver_and_seal, args=(home, lake, 1000)) for home in homes]
    for process in hosts:
        process.start()
    for process in hosts:
        process.join(120)
    assert [process.exitcode for process in hosts] == [0, 0]
    settings = Settings.load({}, home=homes[0], catalog=f"{lake}/catalog.sqlite", data_path=f"{lake}/data")
    with open_lake(settings, read_only=True) as con:
        rows = con.execute("select batch, count(*), count(distinct journal) from log.events group by 1 order by 1")
        assert rows.fetchall() == [(batch, 10, 1) for batch in range(1, 7)]
        ((distinct,),) = con.execute("select count(distinct (journal, position)) from log.events").fetchall()
    assert distinct == 60


def test_journals_go_only_when_sealed_dead_sound_and_old(settings: Settings) -> None:
    at_once = msgspec.structs.replace(settings, journal_keep=0)
    old, damaged = deliver(settings, *numbered(0, 3)), deliver(settings, *numbered(10, 3))
    data = bytearray(damaged.read_bytes())
    data[data.rindex(SYNC) - 5] ^= 1
    damaged.write_bytes(data)
    with JournalWriter(settings.journal_dir) as live:
        live.append([decode(envelope(20), 1)])
        assert len(seal(settings).damage) == 1
        assert list_journals(settings.journal_dir) == [old, damaged, live.path]
        seal(at_once)
        assert list_journals(settings.journal_dir) == [damaged, live.path]
    seal(at_once)
    assert list_journals(settings.journal_dir) == [damaged]
    assert sorted(bodies(settings)) == sorted([*numbered(0, 3), envelope(10), envelope(12), envelope(20)])


def test_the_time_to_keep_begins_when_a_journal_is_sealed(settings: Settings) -> None:
    journal = deliver(settings, envelope(1))
    os.utime(journal, (1, 1))
    a_minute = msgspec.structs.replace(settings, journal_keep=60)
    seal(a_minute)
    seal(a_minute)
    assert journal.exists()
    marks = load_marks(settings.journal_dir)
    since = time.time() - 61
    save_marks(settings.journal_dir, {name: msgspec.structs.replace(mark, since=since) for name, mark in marks.items()})
    seal(a_minute)
    assert not journal.exists()
    assert bodies(settings) == [envelope(1)]


def test_damage_is_reported_at_every_run_and_the_rest_sealed(settings: Settings) -> None:
    journal = deliver(settings, *numbered(0, 5))
    data = bytearray(journal.read_bytes())
    data[data.index(b"order-2")] ^= 0x40
    journal.write_bytes(data + b"\x00" * 100)
    for deliveries in (4, 0):
        report = seal(settings)
        assert report.deliveries == deliveries
        assert [(place.path, place.reason, place.first_missing) for place in report.damage] == [
            (journal, Reason.CORRUPT, 2),
            (journal, Reason.TORN_TAIL, 5),
        ][0 if deliveries else -2 :]
    assert bodies(settings) == [envelope(n) for n in (0, 1, 3, 4)]


@pytest.mark.parametrize("marks", [b"", b"\x00" * 200, b"{}", b'{"broken', "other", "behind", "flipped"])
def test_marks_are_an_aid_and_not_believed(settings: Settings, marks: bytes | str) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, 1) for body in numbered(0, 3)])
        seal(settings)
        (file,) = settings.journal_dir.glob("sealed*")
        saved = file.read_bytes()
        journal.append([decode(body, 1) for body in numbered(3, 3)])
        if marks == "other":
            saved = saved.replace(journal.name.encode(), b"20200101T000000000000Z-1-0")
        elif marks == "flipped":
            # Were this offset believed, the record that follows would be passed over.
            (offset,) = {str(mark.mark.offset) for mark in load_marks(settings.journal_dir).values()}
            saved = saved.replace(offset.encode(), str(int(offset) + 50).encode())
        elif isinstance(marks, bytes):
            saved = marks
        if marks == "behind":
            seal(settings)
        file.write_bytes(saved)
        seal(settings)
    assert bodies(settings) == numbered(0, 6)


def test_a_copy_of_a_journal_is_not_sealed_twice(settings: Settings) -> None:
    journal = deliver(settings, *numbered(0, 3))
    shutil.copy(journal, journal.with_name("0000-copy.journal"))
    shutil.copy(journal, journal.with_name("zzzz-copy.journal"))
    assert seal(settings).deliveries == 3
    assert seal(settings).deliveries == 0
    assert bodies(settings) == numbered(0, 3)


def test_what_a_dying_start_left_is_removed_and_what_begins_is_not(settings: Settings) -> None:
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from warehouse.journal import JournalWriter
        Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        JournalWriter(Path(sys.argv[1]))
    """)
    died = subprocess.run([sys.executable, "-c", program, str(settings.journal_dir)], check=False)
    assert died.returncode == -signal.SIGKILL
    (left,) = settings.journal_dir.glob("*.new")
    beginning = settings.journal_dir / "29990101T000000000000Z-1-0.new"
    with hold_lock(beginning):
        deliver(settings, envelope(1))
        seal(settings)
        assert beginning.exists()
        assert not left.exists()


def test_readers_keep_their_moment_while_batches_arrive(settings: Settings) -> None:
    deliver(settings, envelope(1))
    seal(settings)
    with open_lake(settings, read_only=True) as reader:
        reader.execute("begin")
        assert reader.execute("select count(*) from log.events").fetchall() == [(1,)]
        deliver(settings, envelope(2))
        seal(settings)
        assert reader.execute("select count(*) from log.events").fetchall() == [(1,)]
        reader.execute("commit")
        assert reader.execute("select count(*) from log.events").fetchall() == [(2,)]


def test_a_reader_that_leaves_takes_nothing_from_an_open_sealing(settings: Settings) -> None:
    """The last to leave a SQLite file deletes its log of writes; a sealer at work must never look as if it had left."""
    deliver(settings, *numbered(0, 2))
    seal(settings)
    # SQLite's own shell, or any tool that may write, is such a visitor.
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select * from ducklake_snapshot'); c.close()"
    )

    def read_and_leave() -> None:
        subprocess.run([sys.executable, "-c", program, str(settings.lake_dir / "catalog.sqlite")], check=True)

    for first in (10, 20):
        deliver(settings, *numbered(first, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealer, "BATCH_ROWS", 5)
        seal(settings, before_commit=read_and_leave)
    assert sorted(bodies(settings)) == sorted([*numbered(0, 2), *numbered(10, 5), *numbered(20, 5)])


def test_progress_ends_at_the_size_of_the_journals(settings: Settings) -> None:
    journals = [deliver(settings, *numbered(first, 30)) for first in (0, 100)]
    told: list[tuple[int, int | None]] = []
    seal(settings, lambda done, total: told.append((done, total)))
    size = sum(path.stat().st_size for path in journals)
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_large_delivery_goes_through(settings: Settings) -> None:
    large = Delivery(1, "t", "n", "k", 2, None, b'{"x":"' + b"y" * (16 * 2**20) + b'"}')
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([large])
    seal(settings)
    assert bodies(settings) == [large.body]
