"""The benchmark of freshness in short: everything that was acknowledged is seen, and the warehouse stops politely."""

import json
import subprocess
import sys

import pytest

from tests.live import ROOT


@pytest.mark.timeout(600)
def test_all_that_is_acknowledged_is_seen_by_an_analyst_who_polls() -> None:
    command = [sys.executable, "-m", "benchmarks.freshness", "--seconds", "5", "--rate", "40", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=580)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout)
    assert (figures["posted"], figures["marked"], figures["seen"]) == (200, 20, 20)
    assert figures["exit_code"] == 0
    assert 0 < figures["p50"] <= figures["p95"] <= figures["max"]
    assert {"supervisor", "serve", "refresh"} <= figures["memory_after"].keys()
