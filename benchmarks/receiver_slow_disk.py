"""A disk that takes 5 ms longer for each fdatasync: whether the loop goes on while the disk works."""

import subprocess
from collections.abc import Callable

from benchmarks.figures import Figure, Row, Table
from benchmarks.machine import ROOT
from benchmarks.plan import Plan
from benchmarks.servers import OURS, serving

DELAY = 0.005


def measure(plan: Plan, say: Callable[[str], None]) -> list[Table]:
    shim = plan.folder / "slow_disk.so"
    source = ROOT / "benchmarks" / "slow_disk.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(shim), str(source), "-ldl"], check=True)
    delayed = {"LD_PRELOAD": str(shim), "DELAY_MICROSECONDS": str(round(DELAY * 1e6))}
    quick, slow, slow_many = [], [], []
    for round_number in range(1, plan.rounds + 1):
        say(f"round {round_number} of {plan.rounds}: a disk slowed down")
        with serving(OURS, plan) as server:
            quick.append(server.load(64, plan.seconds).load.rate)
        with serving(OURS, plan, delayed) as server:
            slow.append(server.load(64, plan.seconds).load.rate)
            slow_many.append(server.load(256, plan.seconds).load.rate)
    bound = 64 / DELAY
    return [
        Table(
            "With 5 ms more for each fdatasync",
            (
                Row("64 connections, to 64 without the delay", _ratio(slow, quick), "times", 2, "at least", 0.7),
                Row("256 connections, to 64 without the delay", _ratio(slow_many, quick), "times", 2, "at least", 0.7),
                Row(
                    f"64 connections, to the {bound:,.0f}/s that 64 waits of 5 ms allow",
                    _ratio(slow, [bound] * plan.rounds),
                    "times",
                    2,
                ),
            ),
        )
    ]


def _ratio(ones: list[float], others: list[float]) -> Figure:
    return Figure(tuple(one / other for one, other in zip(ones, others, strict=True)))
