"""`warehouse doctor` finds what was broken on purpose, says what to do, and changes nothing."""

import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.cli.conftest import Run
from tests.live import KEY, envelope, free_port, running
from warehouse import refresh
from warehouse.api_keys import hash_key
from warehouse.care.log_watch import look_through
from warehouse.cli import command
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


Found = dict[str, list[dict[str, Any]]]
Examine = Callable[..., Found]


def findings(code: int, exit_code: int, printed: str) -> Found:
    """The findings by check, of a diagnosis that has to end with this code."""
    said = json.loads(printed)
    assert exit_code == code, said
    assert (said["state"] == "wrong") == (code == 1)
    found: Found = {}
    for finding in said["findings"]:
        assert finding["hint"] or finding["state"] == "ok", finding
        found.setdefault(finding["check"], []).append(finding)
    return found


def in_order(environ: dict[str, str]) -> dict[str, str]:
    """The environment of a machine whose keys and port are in order, but for what is given."""
    return {"WAREHOUSE_API_KEYS": LONG_KEY, "WAREHOUSE_PORT": str(free_port()), **environ}


@pytest.fixture
def examine(home: Path) -> Examine:
    """Have the test's home examined by the command, in this process: a new one would import for seconds."""

    def examine(code: int, **environ: str) -> Found:
        options = ["--home", str(home), "doctor", "--json"]
        result = CliRunner().invoke(command, options, env=in_order(environ), standalone_mode=False)
        if isinstance(result.exception, Exception):
            raise result.exception
        assert result.stderr == ""
        return findings(code, result.return_value or 0, result.stdout)

    return examine


def contents(home: Path) -> dict[Path, bytes]:
    """Every file but what SQLite keeps beside a catalog that somebody reads."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "sqlite-" not in path.name}


def state(findings: list[dict[str, Any]]) -> str:
    return str(max((one["state"] for one in findings), key=["ok", "warn", "wrong"].index))


def test_a_home_that_is_still_empty(examine: Examine, home: Path) -> None:
    found = examine(0)
    assert state(found["installation"]) == "ok"
    assert state(found["keys"]) == "ok"
    assert state(found["lake"]) == "warn"
    assert not home.exists()


def test_a_home_in_order(examine: Examine, sealed: Settings, home: Path) -> None:
    write_publication(sealed, Publication("run", 1, {}, "2026-01-01T00:00:00.000+00:00"))
    before = contents(home)
    found = examine(0)
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


def test_keys(examine: Examine, tmp_path: Path) -> None:
    assert state(examine(0, WAREHOUSE_API_KEYS="")["keys"]) == "warn"
    short = examine(0, WAREHOUSE_API_KEYS="hunter2")
    assert state(short["keys"]) == "warn"
    assert "hunter2" not in json.dumps(short)
    file = tmp_path / "keys.txt"
    file.write_text(LONG_KEY)
    file.chmod(0o644)
    assert "others can read it" in examine(0, WAREHOUSE_API_KEYS_FILE=str(file))["keys"][1]["message"]
    file.write_text(hash_key(LONG_KEY))
    assert state(examine(0, WAREHOUSE_API_KEYS_FILE=str(file))["keys"]) == "ok"
    missing = examine(1, WAREHOUSE_API_KEYS_FILE=str(tmp_path / "none"))
    assert "cannot be read" in json.dumps(missing)


@pytest.mark.parametrize("package", ["duckdb", "numpy"])
def test_a_package_that_is_missing(run: Run, tmp_path: Path, package: str) -> None:
    # The first on the path, and it is none.
    (tmp_path / "broken" / package).mkdir(parents=True)
    (tmp_path / "broken" / package / "__init__.py").write_text(
        f"raise ModuleNotFoundError('No module named {package}')"
    )
    result = run("doctor", "--json", environ=in_order({"PYTHONPATH": str(tmp_path / "broken")}))
    assert result.stderr == ""
    found = findings(1, result.returncode, result.stdout)
    said = [one for one in found["installation"] if package in one["message"]]
    assert said
    assert all(one["state"] == "wrong" and "requirements.lock" in one["hint"] for one in said)
    assert state(found["settings"]) == "ok"


def test_the_log_is_not_called_well_before_it_is_looked_at(examine: Examine, sealed: Settings) -> None:
    look_through(sealed, 0.0)
    assert "1 of 1 files looked through" in examine(0)["log"][0]["message"]
    with JournalWriter(sealed.journal_dir) as journal:
        journal.append([decode(envelope(9), time.time_ns() // 1000)])
    seal(sealed)
    known = read_log_watch(sealed)
    assert known is not None
    write_note(log_watch_path(sealed), msgspec.structs.replace(known, files=2))
    found = examine(0)["log"][0]
    assert (found["state"], "1 of 2 files" in found["message"]) == ("warn", True)
    (file, *_) = log_folder(sealed).iterdir()
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    write_note(log_watch_path(sealed), LogWatch(0.0))
    look_through(sealed)
    damaged = examine(1)["log"]
    assert str(file) in damaged[0]["message"]
    assert "warehouse log recover" in damaged[0]["hint"]


def test_a_setting_that_is_wrong(examine: Examine) -> None:
    found = examine(1, WAREHOUSE_WORKERS="many")
    assert "WAREHOUSE_WORKERS" in found["settings"][0]["message"]
    assert state(found["installation"]) == "ok"


def test_a_catalog_that_is_no_database(examine: Examine, sealed: Settings) -> None:
    catalog_path(sealed).write_bytes(b"not a database, and long enough to be read as one" * 100)
    found = examine(1)
    assert state(found["lake"]) == "wrong"
    assert "warehouse log recover" in found["lake"][0]["hint"]
    assert state(found["disk"]) != "wrong"


def test_a_catalog_with_a_damaged_page(examine: Examine, sealed: Settings) -> None:
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
    found = examine(1)["lake"]
    assert state(found) == "wrong"
    assert "warehouse log recover" in found[0]["hint"]


def test_a_file_of_the_log_that_is_gone(examine: Examine, sealed: Settings) -> None:
    (file,) = log_folder(sealed).iterdir()
    file.unlink()
    found = examine(1)
    assert state(found["lake"]) == "wrong"
    assert str(file) in found["lake"][0]["message"]


def test_a_lake_of_another_version(examine: Examine, settings: Settings) -> None:
    with open_lake(settings) as con:
        con.execute("update lake.log.format set version = 999")
    assert "another version" in examine(1)["lake"][0]["message"]


def test_damage_in_a_journal_is_wrong_and_a_torn_tail_is_not(examine: Examine, sealed: Settings) -> None:
    path = list_journals(sealed.journal_dir)[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert "torn tail" in examine(0)["journal"][0]["message"]
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    assert state(examine(1)["journal"]) == "wrong"


def test_a_refresh_that_failed(run: Run, examine: Examine, sealed: Settings) -> None:
    refresh(sealed.home)
    assert state(examine(0)["refresh"]) == "ok"
    # What is called like a journal and cannot be read as one stops nothing, but is no success.
    obstacle = sealed.journal_dir / "20990101T000000000000Z-1-00.journal"
    obstacle.mkdir()
    refreshed = run("refresh")
    assert refreshed.returncode == 1
    assert f"{obstacle}: cannot be read: Is a directory. All other journals are in the log." in refreshed.stderr
    unread = examine(1)["journal"][0]
    assert (unread["state"], f"{obstacle}: cannot be read" in unread["message"]) == ("wrong", True)
    obstacle.rmdir()
    failed = examine(1)["refresh"]
    assert (state(failed), str(obstacle) in failed[0]["message"]) == ("wrong", True)
    refresh(sealed.home)
    assert state(examine(0)["refresh"]) == "ok"


def test_a_clock_that_was_set_back(examine: Examine, settings: Settings) -> None:
    tomorrow = (time.time_ns() + 86400 * 10**9) // 1000
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(1), tomorrow)])
    seal(settings)
    assert "in the future" in examine(1)["clock"][0]["message"]


def test_a_receiver_and_something_else_on_its_port(examine: Examine, home: Path, tmp_path: Path) -> None:
    with running(home) as receiver:
        found = examine(0, WAREHOUSE_PORT=str(receiver.port), WAREHOUSE_API_KEYS=KEY * 3)
        assert found["receiver"][0]["message"] == f"ready at 127.0.0.1:{receiver.port}"
    assert tmp_path.exists()
    assert "nothing listens" in examine(0, WAREHOUSE_PORT=str(receiver.port))["receiver"][0]["message"]
