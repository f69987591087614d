"""`warehouse up`: what dies comes back, what was acknowledged is shown in the marts, and all end together, in order."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import warehouse
from tests.live import KEY, Receiver, envelope, free_port
from warehouse.api_keys import hash_key
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

PATIENCE_SECONDS = 280.0

pytestmark = pytest.mark.timeout(900)


def start_up(home: Path, port: int | None = None) -> Receiver:
    """`warehouse up` on that home, a second between refreshes; nobody has waited for it yet."""
    port = port or free_port()
    command = ["-m", "warehouse", "up", "--port", str(port), "--watch", "1"]
    return Receiver(home, command, {"WAREHOUSE_API_KEYS": KEY, "WAREHOUSE_MEMORY": "1GB"}, port)


def child(up: Receiver, name: str) -> int:
    """The process that runs as `name` now."""
    started = re.findall(rf"{name} runs as process (\d+)", up.errors())
    assert started, up.errors()
    return int(started[-1])


def lives(process: int) -> bool:
    """Whether there is such a process, other than one that has ended and whose parent has not looked yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(reached: Callable[[], bool], what: str, up: Receiver) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, f"{what} took more than {PATIENCE_SECONDS} s:\n{up.errors()}"
        time.sleep(0.1)


def orders(home: Path) -> set[str]:
    """The orders that an analyst sees."""
    with warehouse.connect(home) as con:
        return {str(order) for (order,) in con.execute("select order_id from marts.fct_orders").fetchall()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Refreshed once: the first refresh of a home takes long, and a resident one yields to all other processes."""
    home = tmp_path_factory.mktemp("up") / "home"
    refresh(Settings(home=home, memory=10**9))
    return home


@pytest.fixture
def up(home: Path) -> Iterator[Receiver]:
    """Running and ready; its children end with it."""
    with start_up(home) as up:
        up.wait_until_ready()
        children = [child(up, "receiver"), child(up, "refresh")]
        yield up
    for process in {*children, *map(int, re.findall(r"runs as process (\d+)", up.errors()))}:
        wait_until(lambda process=process: not lives(process), f"the end of process {process}", up)  # type: ignore[misc]


def test_what_dies_comes_back_and_every_acknowledged_event_is_shown(home: Path, up: Receiver) -> None:
    assert up.post(envelope(1)).status == 200
    for process in (up.process.pid, child(up, "receiver"), child(up, "refresh")):
        assert KEY.encode() not in Path(f"/proc/{process}/environ").read_bytes()
    assert b"WAREHOUSE_API_KEYS" not in Path(f"/proc/{child(up, 'refresh')}/environ").read_bytes()
    wait_until(lambda: "order-1" in orders(home), "the first refresh", up)

    receiver = child(up, "receiver")
    os.kill(receiver, signal.SIGKILL)
    wait_until(lambda: child(up, "receiver") != receiver, "the receiver's return", up)
    # It has only just been started and cannot act on this yet.
    up.process.send_signal(signal.SIGHUP)
    up.wait_until_ready()
    assert up.post(envelope(2)).status == 200
    wait_until(lambda: "order-2" in orders(home), "an event for the new receiver", up)

    refreshing = child(up, "refresh")
    os.kill(refreshing, signal.SIGKILL)
    assert up.post(envelope(3)).status == 200
    wait_until(lambda: child(up, "refresh") != refreshing, "the refresh's return", up)
    wait_until(lambda: "order-3" in orders(home), "an event for the new refresh", up)
    assert orders(home) == {"order-1", "order-2", "order-3"}
    assert "receiver ended by SIGKILL; starting it again in 0.5 s" in up.errors()
    assert "refresh ended by SIGKILL; starting it again in 0.5 s" in up.errors()
    assert "SIGHUP" not in up.errors()

    assert up.stop() == 0, up.errors()
    assert up.errors().index("receiver ended") < up.errors().rindex("refresh ended")
    assert up.errors().rstrip().endswith("stopped")


def test_reference_data_are_loaded_beside_it_and_a_forger_changes_nothing(home: Path, up: Receiver) -> None:
    def forged(place: str) -> bytes:
        payload = {"location_id": place, "name": "forged", "loaded_at": "2099-01-01T00:00:00Z"}
        envelope = {"tenant": "test", "name": "reference.location", "published_at": payload["loaded_at"]}
        return json.dumps({**envelope, "payload": payload}).encode()

    def names() -> dict[str, str | None]:
        with warehouse.connect(home) as con:
            return dict(con.execute("select location_id, name from marts.dim_locations").fetchall())

    assert up.post(forged("BER")).status == 200
    assert up.post(envelope(11, demand_location_id="BER")).status == 200
    file = home.parent / "locations.csv"
    file.write_text("location_id,name\nBER,Berlin\nHAM,Hamburg\n")
    command = [sys.executable, "-m", "warehouse", "--home", str(home), "reference", "load", "locations", str(file)]
    loaded = subprocess.run([*command, "--tenant", "test"], capture_output=True, text=True, check=True)
    assert loaded.stdout.startswith("2 rows of locations for test: 2 loaded.")
    wait_until(lambda: names() == {"BER": "Berlin", "HAM": "Hamburg"}, "the names", up)
    assert up.post(forged("HAM")).status == 200
    assert up.post(envelope(12, demand_location_id="MUC")).status == 200
    wait_until(lambda: "order-12" in orders(home), "an event after the forged one", up)
    assert names() == {"BER": "Berlin", "HAM": "Hamburg", "MUC": None}


def test_the_children_end_with_a_supervisor_that_was_killed(up: Receiver) -> None:
    # The fixture waits for their end.
    up.process.kill()
    up.process.wait()


def test_a_second_signal_kills_what_does_not_end(up: Receiver) -> None:
    refreshing = child(up, "refresh")
    # Stopped, it cannot act on a signal.
    os.kill(refreshing, signal.SIGSTOP)
    up.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "receiver ended" in up.errors(), "the receiver's end", up)
    assert up.process.poll() is None
    up.process.send_signal(signal.SIGTERM)
    assert up.wait() == 1
    assert "refresh is killed: asked again" in up.errors()


def test_a_second_one_on_the_home_is_told_of_the_first(home: Path, up: Receiver) -> None:
    with start_up(home) as second:
        assert second.process.wait(PATIENCE_SECONDS) == 1
        assert f"already: {home / 'up.lock'}: held by process {up.process.pid} since 20" in second.errors()
        assert "runs as process" not in second.errors()
    # Receivers may share a home; whoever starts one is told.
    command = ["-m", "warehouse", "serve", "--port", str(port := free_port())]
    with Receiver(home, command, {"WAREHOUSE_API_KEYS": KEY}, port) as beside:
        beside.wait_until_ready()
        assert f"process {child(up, 'receiver')} also receives into this home" in beside.errors()


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows what a process was given")
def test_no_child_is_given_a_key_and_the_refresh_not_even_its_digest(up: Receiver) -> None:
    receiver, refreshing = (
        Path(f"/proc/{child(up, name)}/environ").read_bytes().split(b"\0") for name in ("receiver", "refresh")
    )
    assert not [one for one in [*receiver, *refreshing] if one.endswith(b"=" + KEY.encode())]
    assert f"WAREHOUSE_API_KEYS={hash_key(KEY)}".encode() in receiver
    assert not [one for one in refreshing if b"KEYS" in one]


def test_what_cannot_start_at_all_is_said_once_and_ends_the_rest(tmp_path: Path, up: Receiver) -> None:
    with start_up(tmp_path / "other", up.port) as second:
        assert second.process.wait(PATIENCE_SECONDS) == 1
        assert second.errors().count("is taken") == 1
        assert "receiver could not start, so nothing runs" in second.errors()
