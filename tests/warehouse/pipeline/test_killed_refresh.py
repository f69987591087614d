"""A refresh that is killed at any moment leaves readers the last complete one, and the next is right without help.

A few rounds in `make test`, many in `make test-properties`; KILL_SEED repeats a run, KILL_ROUNDS says how many rounds.
"""

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.properties.cases import Parts, arrange, deliver, digests
from tests.properties.worlds import make_world
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

SEED = int(os.environ.get("KILL_SEED", secrets.randbelow(2**32)))
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
PATIENCE_SECONDS = 240.0

REFRESH = (
    "from warehouse.pipeline.refresh import refresh; from warehouse.settings import Settings; s = Settings.load(); "
)
# What the build has made is in its database; nobody but this process knows.
DIE_BEFORE_PUBLISHING = """
import os, signal
from importlib import import_module
from warehouse.settings import Settings

# `warehouse.refresh` is also the name of the package's function.
module = import_module("warehouse.pipeline.refresh")

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

module.publish = die
module.refresh(Settings.load())
"""


def start(settings: Settings, code: str) -> "subprocess.Popen[bytes]":
    """A process of its own that runs this code with these settings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    environ.update(settings.to_environ())
    return subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.PIPE)


def parts_of(seed: int, parts: int) -> dict[str, Parts]:
    """Three tenants with one world, each in its own order and split."""
    world = make_world(seed, 100)
    chance = random.Random(f"kills:{seed}")
    return {tenant: arrange(chance, world, parts) for tenant in ("t1", "t2", "t3")}


def deliver_part(settings: Settings, tenants: dict[str, Parts], part: int) -> None:
    deliver(settings, {tenant: parts[part] for tenant, parts in tenants.items()})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", memory=10**9)


def test_a_refresh_killed_at_random_leaves_what_was_complete_and_the_next_catches_up(settings: Settings) -> None:
    print(f"KILL_SEED={SEED}")  # noqa: T201 - a failure must be repeatable
    chance = random.Random(SEED)
    tenants = parts_of(SEED, ROUNDS + 1)
    deliver_part(settings, tenants, 0)
    refresh(settings)
    complete = digests(settings)
    usual, killed = 2 * timed(settings), 0
    for part in range(1, ROUNDS + 1):
        deliver_part(settings, tenants, part)
        began, full = time.monotonic(), chance.random() < 0.25
        with start(settings, f"{REFRESH}refresh(s, full={full})") as process:
            try:
                process.wait(chance.uniform(0.1, 1.0) * usual)
                usual = time.monotonic() - began
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        before, shown = complete, digests(settings)
        refresh(settings)
        complete = digests(settings)
        assert shown in (before, complete), f"readers see half a refresh in round {part}"
    assert_alike(settings)
    refresh(settings, full=True)
    assert digests(settings) == complete
    print(f"{ROUNDS} rounds, {killed} killed")  # noqa: T201 - the long run says what it did


def timed(settings: Settings) -> float:
    """The seconds that a process takes for a refresh of nothing."""
    began = time.monotonic()
    with start(settings, f"{REFRESH}refresh(s)") as process:
        assert process.wait(PATIENCE_SECONDS) == 0
    return time.monotonic() - began


def test_a_refresh_killed_between_building_and_publishing_is_caught_up(settings: Settings) -> None:
    print(f"KILL_SEED={SEED}")  # noqa: T201 - a failure must be repeatable
    tenants = parts_of(SEED, 2)
    deliver_part(settings, tenants, 0)
    refresh(settings)
    before = digests(settings)
    deliver_part(settings, tenants, 1)
    # Twice: what the first left half done is in the way of the second.
    for _ in range(2):
        with start(settings, DIE_BEFORE_PUBLISHING) as process:
            assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    assert digests(settings) == before
    refresh(settings)
    step_by_step = digests(settings)
    assert_alike(settings)
    refresh(settings, full=True)
    assert digests(settings) == step_by_step


@pytest.mark.long
def test_of_two_refreshes_at_once_the_second_waits_and_both_are_right(settings: Settings) -> None:
    print(f"KILL_SEED={SEED}")  # noqa: T201 - a failure must be repeatable
    tenants = parts_of(SEED, 2)
    deliver_part(settings, tenants, 0)
    processes = [start(settings, f"{REFRESH}refresh(s)") for _ in range(2)]
    deliver_part(settings, tenants, 1)
    processes.append(start(settings, f"{REFRESH}refresh(s, full=True)"))
    for process in processes:
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, errors) == (0, b"")
    shown = digests(settings)
    assert_alike(settings)
    refresh(settings, full=True)
    assert digests(settings) == shown


def assert_alike(settings: Settings) -> None:
    """All tenants were told the same."""
    for mart, by_tenant in digests(settings).items():
        assert len(set(by_tenant.values())) <= 1, mart
