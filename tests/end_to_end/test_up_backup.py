"""`warehouse up` makes backups and ships journals by itself. What fails is told everywhere and stops nothing."""

import html
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.test_up import wait_until
from tests.faults.log_state import seal_and_read
from tests.live import KEY, Receiver, envelope, free_port
from warehouse.backup.check import list_backups, verify_target
from warehouse.backup.restore import restore
from warehouse.health.checks_copies import backup as doctor
from warehouse.health.checks_copies import ship as ship_doctor
from warehouse.health.finding import State
from warehouse.settings import Settings

pytestmark = pytest.mark.timeout(600)


def start_up(home: Path, ship: Path, *options: str) -> Receiver:
    port = free_port()
    command = ["-m", "warehouse", "up", "--port", str(port), "--watch", "60", *options]
    environ = {"WAREHOUSE_API_KEYS": KEY, "WAREHOUSE_MEMORY": "1GB", "WAREHOUSE_SHIP": str(ship)}
    return Receiver(home, command, environ, port)


def page_of(up: Receiver) -> str:
    return html.unescape(up.request("GET", "/", headers={"Authorization": f"Bearer {KEY}"}).body.decode())


def test_backups_are_made_and_their_failures_are_loud_and_harmless(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with start_up(home, target, "--backup-to", str(target), "--backup-every", "1s") as up:
        up.wait_until_ready()
        assert up.post(envelope(1)).status == 200
        wait_until(lambda: target.is_dir() and len(list_backups(str(target))) > 2, "backups", up)
        wait_until(lambda: up.metrics().get("newstore_backup_failures") == 0, "the metric", up)
        assert up.metrics()["newstore_backup_timestamp_seconds"] > 1e9
        assert "Last backup" in page_of(up)
        wait_until(lambda: 0 <= up.metrics().get("newstore_ship_lag_seconds", 99) < 30, "shipping", up)
        assert "On this disk only" in page_of(up)
        settings = Settings(home=home)
        assert [finding.state for finding in ship_doctor(settings)] == [State.OK]
        assert [finding.state for finding in doctor(settings)] == [State.OK]

        # The disk of the backups goes.
        target.rename(tmp_path / "unmounted")
        wait_until(lambda: up.metrics()["newstore_backup_failures"] > 1, "a failure", up)
        assert "backups failed" in page_of(up)
        assert "there were backups of this home here" in page_of(up)
        wait_until(lambda: up.metrics()["newstore_ship_failures"] > 1, "a failure to ship", up)
        (finding,) = doctor(settings)
        assert finding.state is State.WRONG
        assert "no backup is made" in up.errors()
        assert not target.exists(), "nothing is begun where a disk was mounted"
        assert up.post(envelope(2)).status == 200
        wait_until(lambda: up.metrics()["newstore_ship_lag_bytes"] > 0, "what waits", up)
        assert up.get("/ready").status == 200

        (tmp_path / "unmounted").rename(target)
        wait_until(lambda: up.metrics()["newstore_backup_failures"] == 0, "the next backup", up)
        assert up.post(envelope(3)).status == 200
        wait_until(lambda: up.metrics()["newstore_ship_failures"] == 0, "shipping again", up)
        assert up.stop() == 0
    # What came last was shipped on the way out.
    restored = Settings(home=tmp_path / "restored", memory=10**9)
    restore(restored, str(target))
    assert set(seal_and_read(restored.home)) == {envelope(number) for number in (1, 2, 3)}
    assert verify_target(str(target)).findings == ()


def test_a_place_that_can_never_be_is_told_before_anything_starts(home: Path, tmp_path: Path) -> None:
    for options, words in (
        (("--backup-to", "gs://bucket"), "backups cannot go there"),
        (("--backup-every", "1h"), "--backup-every needs a place"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", "--home", str(home), "up", "--port", "0", *options],
            env={"WAREHOUSE_API_KEYS": KEY, "PATH": "/usr/bin:/bin"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode in (1, 2)
        assert words in done.stderr
