"""A backup or a restore that is killed at any moment harms nothing, and the next one is whole.

The target is a folder, or a real S3 server that fails now and then.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.log_state import seal_and_read, settings_of
from tests.journals import deliver
from tests.live import ROOT, envelope
from tests.s3 import TARGET, Proxy, environ_of, s3_server
from warehouse.backup.backup import backup
from warehouse.backup.check import list_backups, verify_target
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep
from warehouse.care.verify import verify
from warehouse.errors import BackupError
from warehouse.log.sealer import seal

IMPORTS = """
import sys
from pathlib import Path
from warehouse.backup.backup import backup
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep
from warehouse.settings import Settings
settings, target = Settings(home=Path(sys.argv[1]), memory=10**9), sys.argv[2]
print("go", flush=True)
"""
BACK_UP = "backup(settings, target, Keep(3))"
RESTORE = "restore(settings, target)"
SHARE = 0.1


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if request.param == "folder":
        yield str(tmp_path / "target")
        return
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(2**32)))
    with s3_server() as port, Proxy(port, random.Random(seed), SHARE) as proxy:
        for name, value in environ_of(proxy.port).items():
            monkeypatch.setenv(name, value)
        yield TARGET


def run_and_kill(home: Path, target: str, act: str, after: float) -> bool:
    """Whether it was killed before it had ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORTS + act, str(home), target],
        cwd=home.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"go\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def test_killed_backups_leave_all_earlier_ones_whole(home: Path, place: str, scale: Scale) -> None:
    chance, settings = scale.chance(), settings_of(home)
    killed, number = 0, 0
    took = 1.0
    for _ in range(scale.rounds(3, 20)):
        for _ in range(5):
            deliver(settings, *range(number, number + 20))
            number += 20
        if chance.random() < 0.5:
            seal(settings)
        before = [line.id for line in list_backups(place)] if number > 100 else []
        killed += run_and_kill(home, place, BACK_UP, chance.uniform(0, took))
        after = [line.id for line in list_backups(place)]
        # Those that were to go may have gone, never the newest.
        assert after[-1:] >= before[-1:]
        assert verify_target(place).findings == ()
        began = time.monotonic()
        made = backup(settings, place, Keep(count=3))
        took = time.monotonic() - began + 0.3
        assert list_backups(place)[-1].id == made.id
        assert verify_target(place).findings == ()
    copy = settings_of(home.with_name("copy"))
    restore(copy, place)
    assert verify(copy).findings == ()
    rows = seal_and_read(copy.home)
    lost = {envelope(one) for one in range(number)} - set(rows)
    scale.tell(rounds=scale.rounds(3, 20), events=number, faults=killed, losses=len(lost))
    assert not lost


def test_killed_restores_go_on(home: Path, place: str, scale: Scale) -> None:
    chance, settings = scale.chance(), settings_of(home)
    for first in range(0, 200, 20):
        deliver(settings, *range(first, first + 20))
        seal(settings)
    deliver(settings, 200)
    backup(settings, place, Keep())
    killed, span = 0, 1.0 if place == TARGET else 0.2
    for number in range(scale.rounds(3, 20)):
        copy = settings_of(home.with_name(f"copy-{number}"))
        for _ in range(chance.randrange(1, 20)):
            if not run_and_kill(copy.home, place, RESTORE, chance.uniform(0, span)):
                break
            killed += 1
        # It may have ended before.
        with suppress(BackupError):
            restore(copy, place)
        assert not (copy.home / "restoring").exists()
        assert verify(copy).findings == ()
        assert set(seal_and_read(copy.home)) == {envelope(one) for one in range(201)}
    scale.tell(rounds=scale.rounds(3, 20), events=201 * scale.rounds(3, 20), faults=killed)
