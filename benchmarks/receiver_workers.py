"""Two worker processes and one, the server and the load generator sharing both cores in either case."""

from collections.abc import Callable

from benchmarks.figures import Figure, Row, Table
from benchmarks.machine import BOTH
from benchmarks.plan import Plan
from benchmarks.servers import OURS, serving


def measure(plan: Plan, say: Callable[[str], None]) -> list[Table]:
    rates: dict[int, list[float]] = {1: [], 2: []}
    for round_number in range(1, plan.rounds + 1):
        for workers, measured in rates.items():
            say(f"round {round_number} of {plan.rounds}: {workers} worker(s)")
            with serving(OURS, plan, workers=workers, cores=BOTH) as server:
                measured.append(server.load(64, plan.seconds, cores=BOTH).load.rate)
    ratio = Figure(tuple(two / one for one, two in zip(rates[1], rates[2], strict=True)))
    return [
        Table(
            "Two workers on two cores, the load generator on the same",
            (
                Row("one worker, 64 connections", Figure(tuple(rates[1])), "/s", 0),
                Row("two workers, 64 connections", Figure(tuple(rates[2])), "/s", 0),
                Row("two workers to one", ratio, "times", 2, "at least", 1.5),
            ),
        )
    ]
