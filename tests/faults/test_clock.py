"""The clock may jump, and the host may live in any zone: names of journals sort and never repeat, times are UTC."""

import struct
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.live import envelope, running
from warehouse.journal import list_journals
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal

DAY = 86_400


def test_a_clock_that_jumps_loses_nothing_and_repeats_no_name(
    shim: Path, home: Path, tmp_path: Path, scale: Scale
) -> None:
    chance = scale.chance()
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("<q", 0))
    environ = {"LD_PRELOAD": str(shim), "FAULT_CLOCK": str(clock), "WAREHOUSE_JOURNAL_SIZE": "1MiB"}
    acknowledged: set[bytes] = set()
    names: set[str] = set()
    jumps = [0, 400 * DAY, -400 * DAY, 3_600, -1, 0, chance.randrange(-10 * DAY, 10 * DAY)]
    with running(home, environ) as receiver:
        for part, jump in enumerate(jumps):
            with clock.open("r+b") as file:
                file.write(struct.pack("<q", jump))
            with Load(receiver.port, 8, part * 10_000, 900) as load:
                load.wait()
            assert load.answers == {}
            acknowledged |= {body_of(number) for number in load.acknowledged}
            names |= {path.name for path in list_journals(settings_of(home).journal_dir)}
            # Keeping nothing, so that journals of a time to come and of long ago are both deleted.
            seal(settings_of(home, journal_keep=0))
            scale.tell(rounds=1, events=900, faults=1)
    assert len(names) > len(jumps)
    assert sorted(seal_and_read(home)) == sorted(acknowledged)
    with open_lake(settings_of(home), read_only=True) as con:
        ((first, last),) = con.execute("select min(received_at), max(received_at) from log.events").fetchall()
    assert (last - first).days >= 799


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/St_Johns", "nonsense/zone"])
def test_the_zone_of_the_host_changes_no_time_and_no_name(home: Path, zone: str) -> None:
    before = datetime.now(UTC)
    with running(home, {"TZ": zone}) as receiver:
        assert receiver.post(envelope(1)).status == 200
    (path,) = list_journals(settings_of(home).journal_dir)
    named = datetime.strptime(path.name.partition("-")[0], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
    seal(settings_of(home))
    with open_lake(settings_of(home), read_only=True) as con:
        ((received_at, published_at),) = con.execute("select received_at, published_at from log.events").fetchall()
    now = datetime.now(UTC)
    assert before <= named <= received_at <= now
    assert published_at == datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


def test_two_receivers_on_one_home_have_journals_of_their_own(home: Path, scale: Scale) -> None:
    with (
        running(home) as one,
        running(home) as other,
        Load(one.port, 8, 0, 500) as first,
        Load(other.port, 8, 1_000, 500) as second,
    ):
        first.wait()
        second.wait()
        assert len(list_journals(settings_of(home).journal_dir)) == 2
        # One sealing reads both, while both are written.
        seal(settings_of(home))
        time.sleep(0.01)
    acknowledged = [*first.acknowledged, *second.acknowledged]
    assert len(acknowledged) == 1_000
    assert sorted(seal_and_read(home)) == sorted(body_of(number) for number in acknowledged)
    scale.tell(rounds=1, events=1_000)
