"""`warehouse doctor` finds what was broken on purpose, says what to do, and changes nothing."""

import json
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.live import KEY, envelope, free_port, running
from warehouse import refresh
from warehouse.api_keys import hash_key
from warehouse.care.log_watch import look_through
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter, list_journals
from warehouse.lake.connection import catalog_path, log_folder, open_lake
from warehouse.log.sealer import seal
from warehouse.notes.log_watch_note import LogWatch, log_watch_path, read_log_watch
from warehouse.notes.refresh_note import Publication, write_publication
from warehouse.settings import Settings
from warehouse.system.note_file import write_note

LONG_KEY = "k" * 32


@pytest.fixture
def sealed(settings: Settings) -> Settings:
    """A home with three deliveries in its log and one that waits."""
    now = time.time_ns() // 1000
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number), now) for number in range(3)])
    seal(settings)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(3), now)])
    return settings


def examine(run: Run, code: int, **environ: str) -> dict[str, list[dict[str, Any]]]:
    """The findings by check, of a machine whose keys and port are in order."""
    given = {"WAREHOUSE_API_KEYS": LONG_KEY, "WAREHOUSE_PORT": str(free_port()), **environ}
    result = run("doctor", "--json", environ=given)
    assert result.stderr == ""
    said = json.loads(result.stdout)
    assert result.returncode == code, said
    assert (said["state"] == "wrong") == (code == 1)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in said["findings"]:
        assert finding["hint"] or finding["state"] == "ok", finding
        found.setdefault(finding["check"], []).append(finding)
    return found


def contents(home: Path) -> dict[Path, bytes]:
    """Every file but what SQLite keeps beside a catalog that somebody reads."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "sqlite-" not in path.name}


def state(findings: list[dict[str, Any]]) -> str:
    return str(max((one["state"] for one in findings), key=["ok", "warn", "wrong"].index))


def test_a_home_that_is_still_empty(run: Run, home: Path) -> None:
    found = examine(run, 0)
    assert state(found["installation"]) == "ok"
    assert state(found["keys"]) == "ok"
    assert state(found["lake"]) == "warn"
    assert not home.exists()


def test_a_home_in_order(run: Run, sealed: Settings, home: Path) -> None:
    write_publication(sealed, Publication("run", 1, {}, "2026-01-01T00:00:00.000+00:00"))
    before = contents(home)
    found = examine(run, 0)
    assert [state(found[check]) for check in ("installation", "settings", "lake", "journal", "clock")] == ["ok"] * 5
    assert "fsync takes" in found["disk"][-1]["message"]
    assert "1 deliveries not in the log yet" in found["journal"][0]["message"]
    # Old, and something has come since.
    assert state(found["refresh"]) == "warn"
    assert contents(home) == before


def test_the_lines_of_a_person_end_with_a_verdict(run: Run, sealed: Settings) -> None:
    assert sealed.home.exists()
    result = run("doctor")
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1].strip().startswith("It works; worth a look: keys")
    assert "\x1b" not in result.stdout


def test_keys(run: Run, tmp_path: Path) -> None:
    assert state(examine(run, 0, WAREHOUSE_API_KEYS="")["keys"]) == "warn"
    short = examine(run, 0, WAREHOUSE_API_KEYS="hunter2")
    assert state(short["keys"]) == "warn"
    assert "hunter2" not in json.dumps(short)
    file = tmp_path / "keys.txt"
    file.write_text(LONG_KEY)
    file.chmod(0o644)
    assert "others can read it" in examine(run, 0, WAREHOUSE_API_KEYS_FILE=str(file))["keys"][1]["message"]
    file.write_text(hash_key(LONG_KEY))
    assert state(examine(run, 0, WAREHOUSE_API_KEYS_FILE=str(file))["keys"]) == "ok"
    missing = examine(run, 1, WAREHOUSE_API_KEYS_FILE=str(tmp_path / "none"))
    assert "cannot be read" in json.dumps(missing)


@pytest.mark.parametrize("package", ["duckdb", "numpy"])
def test_a_package_that_is_missing(run: Run, tmp_path: Path, package: str) -> None:
    # The first on the path, and it is none.
    (tmp_path / "broken" / package).mkdir(parents=True)
    (tmp_path / "broken" / package / "__init__.py").write_text(
        f"raise ModuleNotFoundError('No module named {package}')"
    )
    found = examine(run, 1, PYTHONPATH=str(tmp_path / "broken"))
    said = [one for one in found["installation"] if package in one["message"]]
    assert said
    assert all(one["state"] == "wrong" and "requirements.lock" in one["hint"] for one in said)
    assert state(found["settings"]) == "ok"


def test_the_log_is_not_called_well_before_it_is_looked_at(run: Run, sealed: Settings) -> None:
    look_through(sealed, 0.0)
    assert "1 of 1 files looked through" in examine(run, 0)["log"][0]["message"]
    with JournalWriter(sealed.journal_dir) as journal:
        journal.append([decode(envelope(9), time.time_ns() // 1000)])
    seal(sealed)
    known = read_log_watch(sealed)
    assert known is not None
    write_note(log_watch_path(sealed), msgspec.structs.replace(known, files=2))
    found = examine(run, 0)["log"][0]
    assert (found["state"], "1 of 2 files" in found["message"]) == ("warn", True)
    (file, *_) = log_folder(sealed).iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    write_note(log_watch_path(sealed), LogWatch(0.0))
    look_through(sealed)
    damaged = examine(run, 1)["log"]
    assert str(file) in damaged[0]["message"]
    assert "warehouse log recover" in damaged[0]["hint"]


def test_a_setting_that_is_wrong(run: Run) -> None:
    found = examine(run, 1, WAREHOUSE_WORKERS="many")
    assert "WAREHOUSE_WORKERS" in found["settings"][0]["message"]
    assert state(found["installation"]) == "ok"


def test_a_catalog_that_is_no_database(run: Run, sealed: Settings) -> None:
    catalog_path(sealed).write_bytes(b"not a database, and long enough to be read as one" * 100)
    found = examine(run, 1)
    assert state(found["lake"]) == "wrong"
    assert "warehouse log recover" in found["lake"][0]["hint"]
    assert state(found["disk"]) != "wrong"


def test_a_catalog_with_a_damaged_page(run: Run, sealed: Settings) -> None:
    catalog = catalog_path(sealed)
    with sqlite3.connect(catalog) as con:
        con.execute("pragma wal_checkpoint(truncate)")
        ((page_size,),) = con.execute("pragma page_size").fetchall()
        ((root,),) = con.execute(
            "select rootpage from sqlite_master where name = 'ducklake_file_column_stats'"
        ).fetchall()
    con.close()
    with catalog.open("r+b") as file:
        file.seek((root - 1) * page_size)
        file.write(os.urandom(page_size))
    found = examine(run, 1)["lake"]
    assert state(found) == "wrong"
    assert "warehouse log recover" in found[0]["hint"]


def test_a_file_of_the_log_that_is_gone(run: Run, sealed: Settings) -> None:
    (file,) = log_folder(sealed).iterdir()
    file.unlink()
    found = examine(run, 1)
    assert state(found["lake"]) == "wrong"
    assert str(file) in found["lake"][0]["message"]


def test_a_lake_of_another_version(run: Run, settings: Settings) -> None:
    with open_lake(settings) as con:
        con.execute("update lake.log.format set version = 999")
    assert "another version" in examine(run, 1)["lake"][0]["message"]


def test_damage_in_a_journal_is_wrong_and_a_torn_tail_is_not(run: Run, sealed: Settings) -> None:
    path = list_journals(sealed.journal_dir)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert "torn tail" in examine(run, 0)["journal"][0]["message"]
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    assert state(examine(run, 1)["journal"]) == "wrong"


def test_a_refresh_that_failed(run: Run, sealed: Settings) -> None:
    refresh(sealed.home)
    assert state(examine(run, 0)["refresh"]) == "ok"
    # What is called like a journal and cannot be read as one stops nothing, but is no success.
    obstacle = sealed.journal_dir / "20990101T000000000000Z-1-00.journal"
    obstacle.mkdir()
    refreshed = run("refresh")
    assert refreshed.returncode == 1
    assert f"{obstacle}: cannot be read: Is a directory. All other journals are in the log." in refreshed.stderr
    unread = examine(run, 1)["journal"][0]
    assert (unread["state"], f"{obstacle}: cannot be read" in unread["message"]) == ("wrong", True)
    obstacle.rmdir()
    failed = examine(run, 1)["refresh"]
    assert (state(failed), str(obstacle) in failed[0]["message"]) == ("wrong", True)
    refresh(sealed.home)
    assert state(examine(run, 0)["refresh"]) == "ok"


def test_a_clock_that_was_set_back(run: Run, settings: Settings) -> None:
    tomorrow = (time.time_ns() + 86400 * 10**9) // 1000
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(1), tomorrow)])
    seal(settings)
    assert "in the future" in examine(run, 1)["clock"][0]["message"]


def test_a_receiver_and_something_else_on_its_port(run: Run, home: Path, tmp_path: Path) -> None:
    with running(home) as receiver:
        found = examine(run, 0, WAREHOUSE_PORT=str(receiver.port), WAREHOUSE_API_KEYS=KEY * 3)
        assert found["receiver"][0]["message"] == f"ready at 127.0.0.1:{receiver.port}"
    assert tmp_path.exists()
    assert "nothing listens" in examine(run, 0, WAREHOUSE_PORT=str(receiver.port))["receiver"][0]["message"]
