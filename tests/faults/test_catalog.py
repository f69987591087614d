"""Whatever becomes of the catalog while events arrive, the receiver does not notice, and nothing is lost."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.log_state import seal_and_read, settings_of
from tests.live import running
from warehouse.care.recover import recover
from warehouse.errors import LakeError, LakeLost
from warehouse.lake.connection import catalog_path, open_lake
from warehouse.log.sealer import seal

REQUESTS = 300


def post(port: int, first: int) -> set[bytes]:
    """Events that must all be answered with 200."""
    with Load(port, 8, first, REQUESTS) as load:
        load.wait()
    assert load.answers == {}
    assert len(load.acknowledged) == REQUESTS
    return {body_of(number) for number in load.acknowledged}


def test_a_catalog_that_somebody_has_locked(home: Path, scale: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.lake.connection.BUSY_TIMEOUT_MS", 100)
    monkeypatch.setattr("warehouse.log.commit.ATTEMPTS", 3)
    with running(home) as receiver:
        acknowledged = post(receiver.port, 0)
        seal(settings_of(home))
        with locked(catalog_path(settings_of(home))):
            acknowledged |= post(receiver.port, 1_000)
            with pytest.raises(LakeError, match="getting in between"):
                seal(settings_of(home))
            assert receiver.get("/ready").status == 200
        assert sorted(seal_and_read(home)) == sorted(acknowledged)
    scale.tell(rounds=1, events=2 * REQUESTS, faults=1)


@contextmanager
def locked(catalog: Path) -> Iterator[None]:
    """Another process has the catalog for itself."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin exclusive'); "
        "c.execute('update ducklake_metadata set value = value'); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(catalog)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
        holder.kill()


def _garbage(catalog: Path) -> None:
    catalog.write_bytes(os.urandom(50_000))


def _cut(catalog: Path) -> None:
    os.truncate(catalog, catalog.stat().st_size // 2)


def _folder(catalog: Path) -> None:
    catalog.unlink()
    catalog.mkdir()


@pytest.mark.parametrize("harm", [Path.unlink, _garbage, _cut, _folder])
def test_a_catalog_that_is_lost_or_damaged_comes_back_from_the_files(
    home: Path, scale: Scale, harm: Callable[[Path], None]
) -> None:
    settings = settings_of(home)
    with running(home) as receiver:
        acknowledged = post(receiver.port, 0)
        seal(settings)
        for beside in catalog_path(settings).parent.glob("catalog.sqlite-*"):
            beside.unlink()
        harm(catalog_path(settings))
        acknowledged |= post(receiver.port, 1_000)
        with pytest.raises(LakeError, match="recover") as raised:
            seal(settings)
        assert "Traceback" not in raised.value.message
        assert receiver.get("/ready").status == 200
        recover(settings, dry_run=False)
        acknowledged |= post(receiver.port, 2_000)
    assert sorted(seal_and_read(home)) == sorted(acknowledged)
    scale.tell(rounds=1, events=3 * REQUESTS, faults=1)


def test_a_lake_that_is_gone_altogether_costs_what_the_journals_no_longer_have(home: Path) -> None:
    settings = settings_of(home)
    with running(home) as receiver:
        acknowledged = post(receiver.port, 0)
        seal(settings)
        shutil.rmtree(settings.lake_dir)
        acknowledged |= post(receiver.port, 1_000)
        with pytest.raises(LakeLost, match="gone"):
            seal(settings)
    assert not settings.lake_dir.exists()
    recover(settings, dry_run=False)
    assert sorted(seal_and_read(home)) == sorted(acknowledged)
    with open_lake(settings, read_only=True) as con:
        assert con.execute("select batch from log.counter").fetchall() == [(1,)]
