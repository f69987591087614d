"""`warehouse backup` as an operator meets it: what it prints, and its exit codes."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.journals import deliver
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def test_a_backup_is_made_listed_and_verified(run: Run, settings: Settings, tmp_path: Path) -> None:
    deliver(settings, 1, 2)
    seal(settings)
    target = str(tmp_path / "target")
    made = run("backup", target)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout.startswith("backup ")
    again = run("backup", "--json", target, "--keep", "1")
    report = json.loads(again.stdout)
    assert report["new_files"] == 0
    assert len(report["dropped"]) == 1
    (line,) = json.loads(run("backup", "list", target, "--json").stdout)
    assert line["id"] == report["id"]
    assert report["id"] in run("backup", "list", target).stdout
    assert run("backup", "verify", target).stdout.endswith("0 findings.\n")
    next((tmp_path / "target" / "files").iterdir()).unlink()
    damaged = run("backup", "verify", target, "--json")
    assert damaged.returncode == 1
    assert len(json.loads(damaged.stdout)["findings"]) == 1


def test_what_is_wrong_is_said_in_two_lines(run: Run, settings: Settings, tmp_path: Path) -> None:
    missing = run("backup", str(tmp_path / "target"))
    assert missing.returncode == 1
    assert missing.stderr.startswith("Error: ")
    deliver(settings, 1)
    inside = run("--home", str(settings.home), "backup", str(settings.home / "target"))
    assert inside.returncode == 1
    assert "Try: name a place on another disk" in inside.stderr


def test_a_restored_home_is_verified_and_refreshed(run: Run, settings: Settings, tmp_path: Path) -> None:
    deliver(settings, 1, 2)
    seal(settings)
    target, other = str(tmp_path / "target"), str(tmp_path / "other")
    run("backup", target)
    done = run("--home", other, "restore", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 deliveries in the log" in done.stdout
    count = run("--home", other, "sql", "select count(*) from marts.fct_orders", "--format", "csv")
    assert count.stdout.split()[-1] == "2"
    again = run("--home", other, "restore", target, "--json")
    assert again.returncode == 1
    assert "is not empty" in again.stderr
