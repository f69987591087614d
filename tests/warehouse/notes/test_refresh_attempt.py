"""Every attempt to refresh leaves word of itself, also one that dies, and nothing it says goes wrong because of it."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from warehouse.errors import RefreshError
from warehouse.notes.refresh_attempt import (
    Attempt,
    State,
    attempt_path,
    attempting,
    pause_after,
    read_attempt,
    stop_attempting,
)
from warehouse.settings import Settings
from warehouse.system.note_file import read_note, write_note


@pytest.fixture
def settings(home: Path) -> Settings:
    home.mkdir()
    return Settings(home=home)


def state_of(settings: Settings) -> tuple[State, int]:
    attempted = read_attempt(settings)
    assert attempted is not None
    return attempted.state, attempted.failures


def fail(settings: Settings, error: BaseException) -> None:
    with pytest.raises(type(error)), attempting(settings):
        raise error


def test_what_goes_well_and_what_fails(settings: Settings) -> None:
    assert read_attempt(settings) is None
    with attempting(settings):
        assert state_of(settings) == (State.RUNNING, 0)
    assert state_of(settings) == (State.WELL, 0)
    before = read_attempt(settings)
    fail(settings, RefreshError("fct_orders: BinderException", "mend it"))
    fail(settings, ValueError("ada@example.com"))
    assert state_of(settings) == (State.FAILED, 2)
    failed = read_attempt(settings)
    assert before is not None
    assert failed is not None
    assert failed.failure is not None
    assert failed.succeeded_at == before.succeeded_at
    # What is not ours may quote an event.
    assert "ada" not in attempt_path(settings).read_text()
    with attempting(settings):
        # How the last one failed is known until another has gone well.
        running = read_attempt(settings)
        assert running is not None
        assert (running.state, running.failures, running.failure) == (State.RUNNING, 2, failed.failure)
    assert state_of(settings) == (State.WELL, 0)


def test_one_that_is_stopped_has_not_gone_well(settings: Settings) -> None:
    fail(settings, KeyboardInterrupt())
    assert state_of(settings) == (State.FAILED, 1)


def test_one_that_dies_is_known_to_have_died(settings: Settings) -> None:
    program = (
        "import os, signal\n"
        "from warehouse.notes.refresh_attempt import attempting; from warehouse.settings import Settings\n"
        "with attempting(Settings.load()): print('begun', flush=True); input()"
    )
    for number in (1, 2):
        with subprocess.Popen(
            [sys.executable, "-c", program],
            env={"WAREHOUSE_HOME": str(settings.home), "PYTHONPATH": ":".join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            # Seen from any process, and by the one that begins after it as well.
            assert state_of(settings) == (State.RUNNING, number - 1)
            process.kill()
        assert state_of(settings) == (State.DIED, number)
        attempted = read_attempt(settings)
        assert attempted is not None
        assert attempted.failure is not None
        assert "killed" in attempted.failure.message
    with attempting(settings):
        pass
    assert state_of(settings) == (State.WELL, 0)


def test_two_at_once_are_none_that_died(settings: Settings) -> None:
    with attempting(settings):
        with attempting(settings):
            assert state_of(settings) == (State.RUNNING, 0)
        assert state_of(settings)[1] == 0
    assert state_of(settings) == (State.WELL, 0)


def test_a_loop_that_is_gone_is_overdue_and_one_that_was_ended_is_not(settings: Settings) -> None:
    with attempting(settings, interval=2.0):
        pass
    assert state_of(settings) == (State.WELL, 0)
    note = read_note(attempt_path(settings), Attempt)
    assert note is not None
    write_note(attempt_path(settings), msgspec.structs.replace(note, ended_at="2026-01-01T00:00:00+00:00"))
    assert state_of(settings) == (State.OVERDUE, 0)
    stop_attempting(settings)
    assert state_of(settings) == (State.WELL, 0)


def test_pauses_grow_up_to_five_minutes_and_are_never_shorter_than_asked_for() -> None:
    assert [pause_after(2.0, failures) for failures in (0, 1, 2, 3, 20)] == [2.0, 4.0, 8.0, 16.0, 300.0]
    assert pause_after(3600.0, 5) == 3600.0


def test_that_no_word_can_be_left_stops_nothing(settings: Settings) -> None:
    attempt_path(settings).mkdir()
    with attempting(settings):
        pass
    fail(settings, RefreshError("what it says", "what to do"))
    attempt_path(settings).rmdir()
    attempt_path(settings).write_bytes(b"{")
    with attempting(settings):
        pass
    assert state_of(settings) == (State.WELL, 0)
