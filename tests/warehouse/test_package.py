"""`from warehouse import …` is quick, typed, and does what the command line does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT
from warehouse import connect, refresh, replay, simulate
from warehouse.errors import LakeError, LakeMissing

PROGRAM = """
from pathlib import Path

from warehouse import connect, refresh, replay, simulate


def orders(home: Path, file: Path) -> int:
    simulation = simulate(events=200, seed=3)
    file.write_bytes(b"".join(body + b"\\n" for body in simulation))
    appended: int = replay([file], home).deliveries
    assert appended == simulation.truth.counts.deliveries
    batch: int = refresh(home, progress=lambda done, total: None).batch
    with connect(home, at=None) as con:
        rows: list[tuple[object, ...]] = con.execute("from marts.fct_orders").fetchall()
    return len(rows) * batch
"""
WRONG = """
refresh(3)
connect().nothing
replay(files=7)
"""


def test_importing_it_imports_nothing_that_takes_long() -> None:
    program = (
        "import sys; from warehouse import connect, refresh, replay, simulate\n"
        "import json; print(json.dumps(sorted(name for name in sys.modules if '.' not in name)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"duckdb", "dbt", "pyarrow", "msgspec", "rich", "click", "httpx", "starlette", "pandas"}
    assert not heavy & set(json.loads(result.stdout))


def test_a_use_of_it_is_typed(tmp_path: Path) -> None:
    use = tmp_path / "use.py"
    use.write_text(PROGRAM + WRONG)
    # `make lint` has filled this cache; without it the same takes a quarter of a minute.
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".mypy_cache"), str(use)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False, cwd=ROOT)
    first_wrong = len(PROGRAM.splitlines()) + 2
    lines = [int(line.split(":")[1]) for line in result.stdout.splitlines() if ": error: " in line]
    assert lines == [first_wrong, first_wrong + 1, first_wrong + 2], result.stdout


def test_a_use_of_it(tmp_path: Path) -> None:
    file, home = tmp_path / "events.ndjson", tmp_path / "home"
    simulation = simulate(events=200, seed=3)
    file.write_bytes(b"".join(body + b"\n" for body in simulation))
    assert replay([file], home).deliveries == simulation.truth.counts.deliveries
    with pytest.raises(LakeMissing):
        connect(home)
    seen: list[tuple[int, int | None]] = []
    publication = refresh(home, progress=lambda done, total: seen.append((done, total)))
    assert publication.batch == 1
    assert seen
    with connect(str(home)) as con:
        ((orders,),) = con.execute("select count(*) from marts.fct_orders").fetchall()
        ((moment,),) = con.execute("select max(snapshot_time)::varchar from lake.snapshots()").fetchall()
    assert orders == len(simulation.truth.orders)
    with connect(home, at=moment) as con:
        assert con.execute("select count(*) from marts.fct_orders").fetchall() == [(orders,)]
    with pytest.raises(LakeError, match="no lake yet"):
        connect(home, at="2001-01-01")
