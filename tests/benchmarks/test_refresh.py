"""The benchmark of refreshes runs, at sizes at which its figures mean nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
def test_the_benchmark_of_refreshes_prints_its_table_and_writes_its_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    sizes = ["--events", "1000,2000", "--refreshes", "1", "--many", "2", "--dlt", "20", "--spare", "1000"]
    places = ["--cache", str(tmp_path / "cache"), "--work", str(tmp_path), "--json", str(figures)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.refresh", *sizes, *places], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "refresh of 1,000 new, largest against smallest history" in done.stdout
    assert "through dlt and the models" in done.stdout
    measured = json.loads(figures.read_text())
    assert measured["sizes"]["2000"]["full"]["seconds"] > 0
    assert len(measured["many"]) == 2
