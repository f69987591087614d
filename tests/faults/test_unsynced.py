"""The machine dies and everything that no fsync had covered is gone, or any part of it: what was acknowledged is there.

The calls of a receiver and of sealings beside it are written down, and the disk is made anew as it would be after each.
"""

from pathlib import Path

import pytest

from tests.faults.conftest import Scale, Stand
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read
from tests.faults.trace import Call, Disk, read_trace
from tests.live import running
from warehouse.journal import Reason

# Blocks that never came to the disk lie before blocks that did: a hole that was promised to nobody.
HARMLESS = (Reason.TORN_TAIL, Reason.CORRUPT, Reason.HEADER, Reason.GAP)
REQUESTS = 2_000


@pytest.fixture(scope="module")
def recorded(shim: Path, stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call], Load]:
    """A receiver under load, beside which its home is sealed again and again with journals deleted at once."""
    place = tmp_path_factory.mktemp("recorded")
    root, trace = place / "disk", place / "trace"
    root.mkdir()
    environ = {"LD_PRELOAD": str(shim), "FAULT_ROOT": str(root), "FAULT_TRACE": str(trace)}
    # Small journals, so that many are left and deleted.
    with running(root / "home", {**environ, "WAREHOUSE_JOURNAL_SIZE": "1MiB"}) as receiver:
        with Load(receiver.port, 16, 0, REQUESTS) as load:
            for _ in range(3):
                assert stand.run("seal", root / "home", into=trace).status == 0
            load.wait()
        receiver.stop()
    assert stand.run("seal", root / "home", into=trace).status == 0
    assert len(load.acknowledged) == REQUESTS
    return root, read_trace(trace), load


@pytest.mark.parametrize("partly", [False, True], ids=["all of it gone", "any part of it gone"])
def test_acknowledged_events_outlive_everything_that_was_not_synced(
    recorded: tuple[Path, list[Call], Load], tmp_path: Path, scale: Scale, partly: bool
) -> None:
    root, calls, load = recorded
    chance = scale.chance()
    bodies = {number: body_of(number) for numbers in load.sent.values() for number in numbers}
    waiting = {port: iter(numbers) for port, numbers in load.sent.items()}
    moments = [*sorted(chance.sample(range(1, len(calls)), scale.rounds(4, 300))), len(calls)]
    disk = Disk(root)
    acknowledged: set[bytes] = set()
    done = 0
    for moment in moments:
        for call in calls[done:moment]:
            disk.apply(call)
            if call.what == "A" and call.at in waiting:
                acknowledged.add(bodies[next(waiting[call.at])])
        done = moment
        left = tmp_path / str(moment)
        disk.save(left, chance if partly else None)
        rows = seal_and_read(left / "home", HARMLESS) if acknowledged else []
        lost = acknowledged - set(rows)
        scale.tell(rounds=1, events=len(acknowledged), faults=1, losses=len(lost))
        assert not lost, f"after call {moment} of {len(calls)}"
        assert len(rows) == len(set(rows))
        assert set(rows) <= set(bodies.values())
    assert len(acknowledged) == REQUESTS


def test_the_disk_made_anew_from_all_calls_is_the_disk(
    recorded: tuple[Path, list[Call], Load],
) -> None:
    """What is left out of the trace would make the others of these tests believe in a disk that never was."""
    root, calls, _ = recorded
    disk = Disk(root)
    for call in calls:
        disk.apply(call)
    live = {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    made = disk.files()
    # The lock's content and SQLite's shared memory are not for the disk.
    passing = {path for path in live if path.suffix == ".lock" or path.name.endswith("-shm")}
    assert {path: data for path, data in live.items() if path not in passing} == {
        path: data for path, data in made.items() if path not in passing
    }
