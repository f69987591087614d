"""The shim that makes system calls fail, compiled once, and a process under it that is quick to be broken.

`FAULTS_LONG=1` runs everything in full, `FAULTS_SEED=n` repeats a run; what was survived is printed at the end.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faults.trace import Call, read_trace
from tests.live import ROOT

HERE = Path(__file__).parent
# By test: rounds, events acknowledged, faults injected, events lost.
tally: dict[str, Counter[str]] = {}


class Scale(NamedTuple):
    """How much of the faults to run, and with which chances."""

    long: bool
    seed: int
    test: str

    def rounds(self, short: int, full: int) -> int:
        """So many of something."""
        return full if self.long else short

    def chance(self) -> random.Random:
        """Chances of this test's own, whose seed is printed so that a failure can be repeated."""
        sys.stdout.write(f"FAULTS_SEED={self.seed}\n")
        return random.Random(f"{self.seed} {self.test}")

    def tell(self, rounds: int = 0, events: int = 0, faults: int = 0, losses: int = 0) -> None:
        """Add to the figures of this test."""
        tally.setdefault(self.test, Counter()).update(rounds=rounds, events=events, faults=faults, losses=losses)


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> Scale:
    seed = int(os.environ.get("FAULTS_SEED", random.randrange(2**32)))
    return Scale(os.environ.get("FAULTS_LONG") == "1", seed, request.node.nodeid.rpartition("/")[2])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not tally:
        return
    terminalreporter.section("faults survived")
    total = sum(tally.values(), Counter())
    for title, figures in [*tally.items(), ("in all", total)]:
        shown = "  ".join(f"{figures[name]:>9,} {name}" for name in ("rounds", "events", "faults", "losses"))
        terminalreporter.write_line(f"{shown}  {title}")


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled shim."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("the faults of system calls need Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "shim.so"
    command = [
        compiler,
        "-O2",
        "-Wall",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        str(library),
        str(HERE / "shim.c"),
        "-ldl",
    ]
    subprocess.run(command, check=True)
    return library


class Ending(NamedTuple):
    """How a child ended: exit code or minus the signal, what it had said before, its calls, whether the fault came."""

    status: int
    said: list[str]
    calls: list[Call]
    fired: bool


class Stand:
    """Runs acts of `stand.py` in children of their own, each with one fault."""

    def __init__(self, shim: Path, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("WAREHOUSE_", "FAULT"))}
        self._process = subprocess.Popen(
            [sys.executable, HERE / "stand.py"],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(ROOT), "LD_PRELOAD": str(shim)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, act: str, home: Path, plan: str = "", into: Path | None = None, **arguments: Any) -> Ending:
        """Let a child act on a home, with a fault such as `write:3:kill`, `sync:1:5` or none.

        Its calls are in what is returned, or go `into` a trace that others write as well.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._count += 1
        trace = into or self._folder / f"{self._count}.trace"
        command = {"act": act, "home": str(home), "root": str(home.parent), "trace": str(trace), "plan": plan}
        self._process.stdin.write(json.dumps({**command, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        error = trace.with_name(f"{trace.name}.error")
        assert not error.exists(), f"{act} {plan}: {error.read_text()}"
        calls = [] if into else read_trace(trace)
        if not into:
            trace.unlink()
        return Ending(answer["status"], answer["said"], calls, any(call.what == "F" for call in calls))

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0
        self._process.stdout.close()


@pytest.fixture(scope="session")
def stand(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    one = Stand(shim, tmp_path_factory.mktemp("stand"))
    yield one
    one.close()
