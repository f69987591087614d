"""`warehouse up` makes backups by itself. One that fails is told everywhere and stops nothing."""

import html
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.test_up import wait_until
from tests.live import KEY, Receiver, envelope, free_port
from warehouse.backup.check import list_backups, verify_target
from warehouse.health.checks_copies import backup as doctor
from warehouse.health.finding import State
from warehouse.settings import Settings

pytestmark = pytest.mark.timeout(600)


def start_up(home: Path, *options: str) -> Receiver:
    port = free_port()
    command = ["-m", "warehouse", "up", "--port", str(port), "--watch", "60", *options]
    return Receiver(home, command, {"WAREHOUSE_API_KEYS": KEY, "WAREHOUSE_MEMORY": "1GB"}, port)


def page_of(up: Receiver) -> str:
    return html.unescape(up.request("GET", "/", headers={"Authorization": f"Bearer {KEY}"}).body.decode())


def test_backups_are_made_and_their_failures_are_loud_and_harmless(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    with start_up(home, "--backup-to", str(target), "--backup-every", "1s") as up:
        up.wait_until_ready()
        assert up.post(envelope(1)).status == 200
        wait_until(lambda: target.is_dir() and len(list_backups(str(target))) > 2, "backups", up)
        wait_until(lambda: up.metrics().get("newstore_backup_failures") == 0, "the metric", up)
        assert up.metrics()["newstore_backup_timestamp_seconds"] > 1e9
        assert "Last backup" in page_of(up)
        settings = Settings(home=home)
        assert [finding.state for finding in doctor(settings)] == [State.OK]

        # The disk of the backups goes.
        target.rename(tmp_path / "unmounted")
        wait_until(lambda: up.metrics()["newstore_backup_failures"] > 1, "a failure", up)
        assert "backups failed" in page_of(up)
        assert "there were backups of this home here" in page_of(up)
        (finding,) = doctor(settings)
        assert finding.state is State.WRONG
        assert "no backup is made" in up.errors()
        assert up.post(envelope(2)).status == 200
        assert up.get("/ready").status == 200

        shutil.rmtree(target, ignore_errors=True)
        (tmp_path / "unmounted").rename(target)
        wait_until(lambda: up.metrics()["newstore_backup_failures"] == 0, "the next backup", up)
        assert up.stop() == 0
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
