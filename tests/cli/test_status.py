"""`warehouse status` says how far each stage is behind, from before the first delivery on, and `refresh` moves it."""

import json
import time
from pathlib import Path

from tests.cli.conftest import Run
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.settings import Settings

SAMPLE = Path(__file__).parent.parent / "data" / "order_created.json"


def deliver(settings: Settings, *bodies: bytes) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, time.time_ns() // 1000) for body in bodies])


def test_an_empty_home(run: Run, home: Path) -> None:
    result = run("status", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "home": str(home),
        "journal": {"files": 0, "bytes": 0, "unsealed": 0, "damage": []},
        "log": None,
        "refresh": None,
        "attempt": None,
        "log_watch": None,
        "marts": {},
        "unread": [],
    }
    assert not home.exists()


def test_deliveries_wait_in_the_journal_until_a_refresh(run: Run, settings: Settings) -> None:
    deliver(settings, SAMPLE.read_bytes(), SAMPLE.read_bytes(), b"not json")
    waiting = json.loads(run("status", "--json").stdout)
    assert (waiting["journal"]["files"], waiting["journal"]["unsealed"]) == (1, 3)
    assert waiting["log"] is None

    published = run("refresh", "--json")
    assert (published.returncode, published.stderr) == (0, "")
    assert json.loads(published.stdout)["rows"]["fct_orders"] == 1

    deliver(settings, SAMPLE.read_bytes())
    found = json.loads(run("status", "--json").stdout)
    assert found["journal"]["unsealed"] == 1
    assert found["log"]["batch"] == 1
    assert found["log"]["deliveries"] == 3
    assert found["log"]["problems"] == {"not_json": 1}
    assert found["refresh"] == json.loads(published.stdout)
    assert found["marts"]["marts.fct_orders"] == 1
    assert "3 deliveries up to batch 1" in run("status").stdout


def test_damage_is_told_with_file_and_offset(run: Run, settings: Settings) -> None:
    deliver(settings, SAMPLE.read_bytes())
    (journal,) = settings.journal_dir.glob("*.journal")
    size = journal.stat().st_size
    with journal.open("ab") as file:
        file.write(b"torn")
    found = json.loads(run("status", "--json").stdout)["journal"]
    assert found["unsealed"] == 1
    assert [str(journal) in place and str(size) in place for place in found["damage"]] == [True]
