"""A disk is lost at a random moment under load. What was acknowledged before the last shipped byte is there.

Backups and shipped journals are on a real S3 server that fails now and then. A home restored from them has the marts of
one that was never disturbed and got the same deliveries.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.journals import deliver_bodies
from tests.live import ROOT, running
from tests.properties.cases import digests
from tests.s3 import TARGET, Proxy, environ_of, s3_server
from warehouse.backup.backup import backup
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep
from warehouse.care.verify import verify
from warehouse.log.sealer import seal
from warehouse.notes.backup_notes import read_ship_note
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

SHARE = 0.1
PATIENCE_SECONDS = 120.0

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def proxy(scale: Scale, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with s3_server() as port, Proxy(port, random.Random(scale.seed), SHARE) as proxy:
        for name, value in environ_of(proxy.port).items():
            monkeypatch.setenv(name, value)
        yield proxy


@contextmanager
def shipping(home: Path, target: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse", "--home", str(home), "backup", "ship", target],
        cwd=home.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until_shipped(settings: Settings, moment: float) -> None:
    """Until the home says that everything acknowledged by then is shipped."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ((note := read_ship_note(settings)) and (note.complete or 0.0) > moment):
        assert time.monotonic() < deadline, note
        time.sleep(0.05)


def test_a_lost_disk_loses_nothing_that_was_shipped(home: Path, tmp_path: Path, proxy: Proxy, scale: Scale) -> None:
    chance, rounds = scale.chance(), scale.rounds(2, 20)
    for number in range(rounds):
        target = f"{TARGET}-{number}"
        settings = settings_of(home)
        with running(home) as receiver, shipping(home, target) as shipper, Load(receiver.port, 4, 0, 4_000) as load:
            for _ in range(chance.randrange(3)):
                time.sleep(chance.uniform(0.1, 1.0))
                seal(settings)
                backup(settings, target, Keep(count=2))
            time.sleep(chance.uniform(0.2, 1.0))
            before, moment = {body_of(event) for event in list(load.acknowledged)}, time.time()
            wait_until_shipped(settings, moment)
            time.sleep(chance.uniform(0.0, 1.0))
            # Writer and reader of the disk go with it.
            receiver.process.send_signal(signal.SIGKILL)
            shipper.kill()
            shutil.rmtree(home)
            load.wait()
        restored = settings_of(tmp_path / f"restored-{number}")
        restore(restored, target)
        assert verify(restored).findings == ()
        rows = seal_and_read(restored.home)
        lost = before - set(rows)
        scale.tell(rounds=1, events=len(before), faults=sum(proxy.met.values()) - proxy.met["none"], losses=len(lost))
        proxy.met.clear()
        assert not lost
        assert len(rows) == len(set(rows)), "a delivery is in the log twice"
        if scale.long or number == rounds - 1:
            undisturbed = settings_of(tmp_path / f"undisturbed-{number}")
            deliver_bodies(undisturbed, *chance.sample(rows, len(rows)))
            refresh(undisturbed)
            refresh(restored)
            assert digests(restored) == digests(undisturbed)
        shutil.rmtree(home, ignore_errors=True)
