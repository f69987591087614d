"""An installed product that may not be written to: all it writes is in the home, and nobody else may read any of it."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT

pytestmark = pytest.mark.timeout(1800)


def below(folder: Path) -> dict[str, int]:
    """Every file below the folder, and when it was last written."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """The packages as a wheel brings them, on a file system that takes no writes where this user may mount one."""
    folder = tmp_path / "site-packages"
    leave = shutil.ignore_patterns("__pycache__", "logs")
    for package in ("warehouse", "receiver"):
        shutil.copytree(ROOT / package, folder / package, ignore=leave)
    shutil.copytree(ROOT / "dbt_project", folder / "warehouse" / "dbt_project", ignore=leave)
    mount = ["mount", "-o", "bind,ro", str(folder), str(folder)]
    mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_everything_is_written_into_the_home_and_for_this_user_alone(installed: Path, tmp_path: Path) -> None:
    here, user = tmp_path / "here", tmp_path / "user"
    here.mkdir()
    user.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    environ |= {"PYTHONPATH": str(installed), "HOME": str(user), "WAREHOUSE_MEMORY": "1GB"}
    environ |= {"PYTHONDONTWRITEBYTECODE": "1"}

    def warehouse(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", *arguments],
            cwd=here,
            env=environ,
            umask=0,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = below(installed)
    # Made by hand and open to all, as many a home is.
    (here / "data").mkdir(0o777)
    (here / "data").chmod(0o777)
    warehouse("replay", str(ROOT / "tests" / "data" / "order_created.json"))
    warehouse("refresh")
    assert "1" in warehouse("sql", "--format", "csv", "select count(*) from marts.fct_orders")
    warehouse("log", "export", "deliveries.ndjson")
    warehouse("export", "facts.duckdb")

    assert below(installed) == before
    assert {path.name for path in here.iterdir()} == {"data", "deliveries.ndjson", "facts.duckdb"}
    assert below(user) == {}
    everything = [here / "deliveries.ndjson", here / "facts.duckdb", *(here / "data").rglob("*")]
    assert {path.name for path in everything} >= {"build.duckdb", "catalog.sqlite", "write.lock", "publication.json"}
    assert [path for path in everything if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert stat.S_IMODE((here / "data").stat().st_mode) & 0o007 == 0
