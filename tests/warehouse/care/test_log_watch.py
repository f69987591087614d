"""The log is looked through by itself, a little at a time; what was not looked at is never called well."""

import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.live import envelope
from warehouse.care.log_watch import AGAIN_SECONDS, PAUSE_SECONDS, LogWatcher, look_through, next_look
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import catalog_path, log_folder
from warehouse.log.sealer import seal
from warehouse.notes.log_watch_note import LogWatch, Look, log_watch_path, read_log_watch
from warehouse.settings import Settings
from warehouse.system.note_file import write_note

FILES = 3


@pytest.fixture
def sealed(settings: Settings) -> Settings:
    """A home whose log has some files, one delivery in each."""
    for number in range(FILES):
        with JournalWriter(settings.journal_dir) as journal:
            journal.append([decode(envelope(number), time.time_ns() // 1000)])
        seal(settings)
    return settings


def known(settings: Settings) -> LogWatch:
    found = read_log_watch(settings)
    assert found is not None
    return found


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_look_that_has_no_time_takes_one_file_and_the_next_goes_on(sealed: Settings) -> None:
    for number in range(1, FILES + 1):
        look_through(sealed, 0.0)
        assert (known(sealed).files, known(sealed).verified, known(sealed).damaged) == (FILES, number, 0)
    before = known(sealed)
    look_through(sealed, 0.0)
    assert known(sealed).looks == before.looks, "nothing is due before a day is over"


def test_what_was_looked_at_longest_ago_is_looked_at_again(sealed: Settings) -> None:
    look_through(sealed)
    looks = {
        name: Look(look.at - AGAIN_SECONDS - place) for place, (name, look) in enumerate(known(sealed).looks.items())
    }
    write_note(log_watch_path(sealed), msgspec.structs.replace(known(sealed), looks=looks))
    look_through(sealed, 0.0)
    (renewed,) = [name for name, look in known(sealed).looks.items() if look != looks[name]]
    assert renewed == list(looks)[-1]


def test_damage_is_found_kept_in_mind_and_forgotten_with_what_was_damaged(sealed: Settings) -> None:
    path = sorted(log_folder(sealed).glob("*.parquet"))[1]
    whole = path.read_bytes()
    flip(path)
    for _ in range(2):
        look_through(sealed)
        assert known(sealed).damaged == 1
        assert [str(path) in finding for finding in known(sealed).findings] == [True]
    path.write_bytes(whole)
    look_through(sealed, 0.0)
    assert (known(sealed).damaged, known(sealed).findings) == (0, ())


def test_a_file_that_is_gone_is_found_while_it_is_part_of_the_log(sealed: Settings) -> None:
    path = min(log_folder(sealed).glob("*.parquet"))
    path.unlink()
    look_through(sealed)
    assert known(sealed).damaged == 1
    assert str(path) in known(sealed).findings[0]


def test_a_log_that_cannot_be_looked_at_is_not_called_well(sealed: Settings) -> None:
    look_through(sealed)
    catalog_path(sealed).unlink()
    look_through(sealed)
    unread = known(sealed).unread
    assert unread is not None
    assert "catalog is gone" in unread.reason
    assert "warehouse log recover" in unread.hint


def test_it_takes_a_bounded_share_of_the_time(settings: Settings) -> None:
    settings.home.mkdir()
    now = time.time()
    # Where nothing was ever looked at, watching begins now.
    assert next_look(settings) == pytest.approx(now + PAUSE_SECONDS, abs=100)
    for seconds in (0.1, 10.0, 60.0):
        write_note(log_watch_path(settings), LogWatch(now, now, seconds))
        assert next_look(settings) >= now + max(PAUSE_SECONDS, 49 * seconds)
    # A clock that was set back does not put it off for ever.
    write_note(log_watch_path(settings), LogWatch(now, now + 10**8, 1.0))
    assert next_look(settings) < now + 2 * PAUSE_SECONDS + 100


def test_the_loop_has_a_process_look_and_waits_for_nothing(sealed: Settings) -> None:
    write_note(log_watch_path(sealed), LogWatch(time.time() - 10 * PAUSE_SECONDS))
    watcher = LogWatcher(sealed)
    try:
        deadline = time.monotonic() + 240
        while known(sealed).verified < FILES:
            watcher.go_on()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        watcher.close()
    # Just done: nothing is due.
    watcher = LogWatcher(sealed)
    watcher.go_on()
    assert watcher._process is None


def test_its_process_ends_with_the_one_that_started_it(sealed: Settings) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "warehouse.care.log_watch"],
        env={"PYTHONPATH": ":".join(sys.path), **sealed.to_environ()},
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) in (-15, 0)
