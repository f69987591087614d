"""An hour of everything at once: `make test-soak` (ARGS="5" for five minutes).

`warehouse up` with two workers, refreshes and the compaction they do; three analysts, and a retailer.
At the end what each process holds at rest, memory and open files, must not have grown after the first quarter, what it
holds at work must be within the refreshes' bound, the files of the log must be few, nothing must have been started
twice, and every acknowledged delivery must be in the log, once for each time it was acknowledged, and its order in the
marts. Exits with 1 when one of these is not so. What it starts ends with it, however it ends.
"""

import argparse
import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

import warehouse
from tests.live import KEY, ROOT, envelope, free_port, resident_bytes
from tests.receiver.load import Outcome, post_from
from warehouse.log.live_files import FANOUT, list_log_files

CONNECTIONS = 16
# A retailer's busy hour: so many deliveries a second, each a few times as likely to be repeated as NewStore's are.
RATE = 100
REPEATED = 20
SAMPLE_SECONDS = 5.0
START_SECONDS = 60.0
# A refresh in the middle of a large one may take its time to end.
STOP_SECONDS = 150.0
CHILDREN = ("receiver", "refresh")
# Files of the log come in a few sizes, and of each there are fewer than this.
SIZES = 4
# Below this there is nothing to say of growth: caches still fill.
MINUTES_OF_PROOF = 10
GROWTH = 0.05
# What refreshes may take up of tables that grow all the hour, and what a process has besides: Python, DuckDB, and a
# batch of the log on its way into a file.
MEMORY = 400_000_000
BESIDE = 400_000_000
QUERIES = (
    "select count(*), sum(grand_total) from marts.fct_orders",
    "select status, count(*) from marts.fct_orders group by all",
    "select name, sum(deliveries) from trust.deliveries group by all",
)


class Held(NamedTuple):
    """Bytes of memory and open files of a process at rest, and the most memory it had at work."""

    memory: int
    files: int
    most: int


class Watched(msgspec.Struct):
    """One process and what was seen of it: seconds since the start, bytes of memory, open files."""

    title: str
    pid: int
    seen: list[tuple[float, int, int]] = []

    def look(self, at: float) -> None:
        """Note how it is now; a process that is gone is no more looked at."""
        try:
            self.seen.append((at, resident_bytes(self.pid), sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())))
        except (OSError, subprocess.CalledProcessError):
            return

    def part(self, first: float, last: float) -> Held:
        """What it held in a part of the time, both from 0 to 1."""
        start, end = (self.seen[0][0] + share * (self.seen[-1][0] - self.seen[0][0]) for share in (first, last))
        memory, files = zip(*(row[1:] for row in self.seen if start <= row[0] <= end), strict=True)
        return Held(_least_tenth(memory), _least_tenth(files), max(memory))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make test-soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=60.0)
    minutes: float = parser.parse_args().minutes
    # As an exception it lets everything be ended and removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, ExitStack() as stack:
        home = Path(folder) / "home"
        home.mkdir()
        return _Soak(home, minutes, stack).run()


class _Soak:
    def __init__(self, home: Path, minutes: float, stack: ExitStack) -> None:
        self._home = home
        self._minutes = minutes
        self._over = threading.Event()
        self._queries = 0
        self._failures: list[str] = []
        self._environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")},
            "PYTHONPATH": str(ROOT),
            "WAREHOUSE_HOME": str(home),
            "WAREHOUSE_API_KEYS": KEY,
            "WAREHOUSE_MEMORY": f"{MEMORY}B",
            # Journals and snapshots come to their end within the time, too.
            "WAREHOUSE_JOURNAL_AGE": "60s",
            "WAREHOUSE_JOURNAL_KEEP": "120s",
        }
        self._port = free_port()
        self._errors = home.parent / "up.log"
        # Supervised: it ends when the pipe to us does, and its children end with it.
        self._up = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "warehouse.cli.supervised", "up", "--workers", "2", "--port", str(self._port)],
                cwd=home.parent,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stack.enter_context(self._errors.open("wb")),
            )
        )
        stack.callback(self._up.terminate)

    def run(self) -> int:
        """Soak, print what was seen, and say with the exit code whether it is as it should be."""
        self._wait_for_workers()
        receiver, refreshing = map(self._process_of, CHILDREN)
        watched = [
            Watched("supervisor", self._up.pid),
            *(Watched(f"receiver, worker {number}", pid) for number, pid in enumerate(_workers(receiver), 1)),
            Watched("refresh --watch", refreshing),
        ]
        beside = [
            threading.Thread(target=self._look_at, args=(watched,)),
            *(threading.Thread(target=self._analyse, args=(query,)) for query in QUERIES),
        ]
        for thread in beside:
            thread.start()
        try:
            outcome = asyncio.run(self._deliver())
        finally:
            self._over.set()
            for thread in beside:
                thread.join()
        self._stop()
        self._check(outcome)
        self._print(outcome, watched)
        return 1 if self._failures else 0

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._errors.read_text().count("receiving home=") < 2:
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"`warehouse up` did not start:\n{self._errors.read_text()}")
            time.sleep(0.1)

    def _process_of(self, child: str) -> int:
        return int(re.findall(rf"{child} runs as process (\d+)", self._errors.read_text())[-1])

    def _stop(self) -> None:
        self._up.terminate()
        if (code := self._up.wait(STOP_SECONDS)) != 0:
            self._failures.append(f"`warehouse up` ended with {code}")
        errors = self._errors.read_text()
        for child in CHILDREN:
            if (starts := errors.count(f"{child} runs as process")) != 1:
                self._failures.append(f"{child} was started {starts} times")
        self._failures += [line for line in errors.splitlines() if line.startswith(("Error:", "Traceback"))]

    async def _deliver(self) -> Outcome:
        """Deliver at a steady rate until the time is over; an event now and then is delivered again."""
        end = time.monotonic() + 60 * self._minutes

        def body_of(number: int) -> bytes:
            return envelope(number - 1 if number % REPEATED == 1 else number, note="x" * 1500)

        return await post_from(self._port, CONNECTIONS, body_of, lambda: time.monotonic() > end, RATE)

    def _look_at(self, watched: list[Watched]) -> None:
        began = time.monotonic()
        while not self._over.wait(SAMPLE_SECONDS):
            for one in watched:
                one.look(time.monotonic() - began)

    def _analyse(self, query: str) -> None:
        """An analyst: a new connection for every question, as a notebook does."""
        while not self._over.wait(1.0):
            if not (self._home / "publication.json").exists():
                continue
            with warehouse.connect(self._home) as con:
                con.execute(query).fetchall()
            self._queries += 1

    def _command(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "warehouse", *arguments],
            cwd=self._home.parent,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            self._failures.append(f"`warehouse {' '.join(arguments)}`: {done.stderr.strip()}")

    def _check(self, outcome: Outcome) -> None:
        self._command("refresh")
        self._command("log", "verify")
        acknowledged = Counter(sha256(body).digest() for body in outcome.acknowledged)
        with warehouse.connect(self._home) as con:
            rows = con.execute("select unhex(sha256(body)), count(*) from log.events group by 1").fetchall()
            orders = con.execute("select count(*) from marts.fct_orders").fetchall()[0][0]
            files = len(list_log_files(con))
        logged = Counter({bytes(digest): count for digest, count in rows})
        if lost := acknowledged - logged:
            self._failures.append(f"{lost.total()} acknowledged deliveries are not in the log")
        if more := logged - acknowledged:
            self._failures.append(f"{more.total()} deliveries are in the log that were never acknowledged")
        if orders != len(acknowledged):
            self._failures.append(f"{orders} orders in the marts of {len(acknowledged)} delivered")
        if files >= SIZES * FANOUT:
            self._failures.append(f"{files} files of the log")
        if outcome.statuses.keys() != {200}:
            self._failures.append(f"answers other than 200: {dict(outcome.statuses)}")

    def _print(self, outcome: Outcome, watched: list[Watched]) -> None:
        say = sys.stdout.write
        say(f"\n{self._minutes:g} minutes, {len(outcome.acknowledged):,} deliveries acknowledged, ")
        say(f"p50 {outcome.quantile(0.5) * 1e3:.1f} ms, p99 {outcome.quantile(0.99) * 1e3:.1f} ms, ")
        say(f"{self._queries:,} queries by analysts\n\n")
        say(f"{'process':<22}{'at rest, 2nd quarter':>22}{'last quarter':>16}{'growth':>9}{'at work':>12}")
        say(f"{'files':>8}{'then':>7}\n")
        for one in watched:
            if len(one.seen) < 8:
                self._failures.append(f"{one.title}: seen only {len(one.seen)} times")
                continue
            before, after = one.part(0.25, 0.5), one.part(0.75, 1.0)
            growth = after.memory / before.memory - 1
            say(f"{one.title:<22}{before.memory / 1e6:>19.1f} MB{after.memory / 1e6:>13.1f} MB{growth:>9.1%}")
            say(f"{after.most / 1e6:>9.1f} MB{before.files:>8}{after.files:>7}\n")
            if after.most > MEMORY + BESIDE:
                self._failures.append(f"{one.title}: it had {after.most / 1e6:.0f} MB of memory")
            if self._minutes >= MINUTES_OF_PROOF and growth > GROWTH:
                self._failures.append(f"{one.title}: its memory grew by {growth:.1%}")
            if self._minutes >= MINUTES_OF_PROOF and after.files > before.files + 2:
                self._failures.append(f"{one.title}: its open files went from {before.files} to {after.files}")
        proven = "memory and open files flat" if self._minutes >= MINUTES_OF_PROOF else "too short to tell of growth"
        say(f"\nlost: 0, {proven}\n" if not self._failures else "\n")
        for failure in self._failures:
            say(f"FAILED: {failure}\n")


def _least_tenth(seen: Sequence[int]) -> int:
    """What a process has between two pieces of work: a tenth of the time it had no more than this.

    What it has at work depends on how much there is to do, which grows with the log.
    """
    return sorted(seen)[len(seen) // 10]


def _workers(receiver: int) -> list[int]:
    shown = subprocess.run(
        ["pgrep", "-P", str(receiver), "-f", "spawn_main"], capture_output=True, text=True, check=True
    )
    return [int(pid) for pid in shown.stdout.split()]


if __name__ == "__main__":
    sys.exit(main())
