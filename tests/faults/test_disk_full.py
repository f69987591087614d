"""A disk that fills up: deliveries are refused before anything of them is written, and sealing makes room again."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.live import envelope, running
from warehouse.journal import list_journals, read_journal
from warehouse.log.sealer import seal

SIZE, RESERVE = 14 * 2**20, 5 * 2**20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_refuses_whole_deliveries_and_is_emptied_by_sealing(small_disk: Path, scale: Scale) -> None:
    home = small_disk / "home"
    settings = settings_of(home, reserve=RESERVE)
    environ = {"WAREHOUSE_RESERVE": f"{RESERVE}B", "WAREHOUSE_JOURNAL_SIZE": "1MiB", "WAREHOUSE_MAX_BODY": "1MiB"}
    acknowledged: set[bytes] = set()
    with running(home, environ) as receiver:
        for part in range(scale.rounds(2, 10)):
            with Load(receiver.port, 8, part * 100_000, 100_000) as load:
                while not load.answers:
                    load.pause(0.05)
            assert load.answers.keys() == {500}
            acknowledged |= {body_of(number) for number in load.acknowledged}
            refused = receiver.post(envelope(-1))
            assert (refused.status, refused.headers["retry-after"]) == (500, "5")
            ready = receiver.get("/ready")
            assert ready.status == 503
            assert "disk is full" in json.loads(ready.body)["problem"]
            # Without on_damage anything half written would raise.
            stored = [one.body for path in list_journals(settings.journal_dir) for _, one in read_journal(path)]
            assert len(stored) == len(set(stored))
            assert set(stored) <= acknowledged
            # The journals are to be kept for a day, but not on a full disk.
            seal(settings)
            assert list_journals(settings.journal_dir) == []
            assert receiver.get("/ready").status == 200
            acknowledged.add(envelope(1_000 + part))
            assert receiver.post(envelope(1_000 + part)).status == 200
            scale.tell(rounds=1, events=len(load.acknowledged), faults=1)
        assert "Traceback" not in receiver.errors()
    assert sorted(seal_and_read(home)) == sorted(acknowledged)
