"""Events from a file into the journal, from there into the lake, and what acknowledging meanwhile suffers from it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure, Row, Table
from benchmarks.machine import BOTH, ROOT, SERVER, on
from benchmarks.plan import Plan
from benchmarks.servers import OURS, serving, template
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def measure(plan: Plan, say: Callable[[str], None]) -> list[Table]:
    file = plan.folder / "events.ndjson"
    _write_events(file, plan.events)
    replays, seals, acks = [], [], []
    for round_number in range(1, plan.rounds + 1):
        say(f"round {round_number} of {plan.rounds}: replay and sealing")
        with TemporaryDirectory(dir=plan.folder, prefix="home-") as name:
            began = time.perf_counter()
            _replay(Path(name), file)
            replays.append(plan.events / (time.perf_counter() - began))
            seals.append(plan.events / _finish(_start_sealing(Path(name), SERVER, niceness=0)))
        say(f"round {round_number} of {plan.rounds}: acknowledging while sealing")
        with serving(OURS, plan) as server:
            alone = server.load(64, plan.seconds).load.rate
            _replay(server.home, file)
            sealing = _start_sealing(server.home, BOTH, niceness=10)
            acks.append(server.load(64, plan.seconds).load.rate / alone)
            _finish(sealing)
    file.unlink()
    rows = (
        Row("replay of a file, two cores", Figure(tuple(replays)), "events/s", 0, "at least", 25_000),
        Row("sealing, one core", Figure(tuple(seals)), "events/s", 0, "at least", 40_000),
        Row(
            "events/s at 64 connections while sealing, to those without",
            Figure(tuple(acks)),
            "times",
            2,
            "at least",
            0.67,
        ),
    )
    return [Table(f"From file to journal to lake, {plan.events:,} events of 2 KB", rows)]


def _write_events(file: Path, events: int) -> None:
    before, after = template()
    with file.open("wb") as stream:
        stream.writelines(b"%b%036d%b\n" % (before, number, after) for number in range(events))


def _replay(home: Path, file: Path) -> None:
    command = [sys.executable, "-m", "warehouse", "--home", str(home), "replay", str(file)]
    subprocess.run(on(BOTH, command), check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def _start_sealing(home: Path, cores: list[int], niceness: int) -> "subprocess.Popen[bytes]":
    command = ["nice", f"-n{niceness}", sys.executable, "-m", "benchmarks.sealing", str(home)]
    process = subprocess.Popen(on(cores, command), cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    # It says that it has begun.
    process.stdout.readline()
    return process


def _finish(sealing: "subprocess.Popen[bytes]") -> float:
    out, _ = sealing.communicate()
    if sealing.returncode != 0:
        sys.exit("Error: sealing failed.")
    return float(json.loads(out))


if __name__ == "__main__":
    settings = Settings(home=Path(sys.argv[1]))
    # A lake is made once.
    open_lake(settings).close()
    print("sealing", flush=True)
    began = time.perf_counter()
    report = seal(settings)
    assert report.deliveries > 0
    print(time.perf_counter() - began)
