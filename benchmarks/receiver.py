"""This receiver beside two that store nothing and three that many would write; all in each round, one after another."""

from collections import defaultdict
from collections.abc import Callable

from benchmarks.figures import Figure, Row, Table
from benchmarks.machine import SERVER
from benchmarks.plan import Plan
from benchmarks.postgres import postgres
from benchmarks.servers import BARE_ASGI, BARE_ROUTE, DUCKDB, OURS, POSTGRES, SQLITE, Measured, serving
from warehouse.trial.capacity import probe_disk

DATABASES = (SQLITE, POSTGRES, DUCKDB)
BUSY = 64

Say = Callable[[str], None]
# What was measured of a kind of receiver over so many connections, a figure a round.
Results = dict[tuple[str, int], list[Measured]]


def measure(plan: Plan, say: Say) -> list[Table]:
    results: Results = defaultdict(list)
    syncs: list[float] = []
    with postgres(plan.folder, SERVER) as address:
        for round_number in range(1, plan.rounds + 1):
            for kind in (BARE_ASGI, BARE_ROUTE, OURS, *DATABASES):
                if kind == POSTGRES and address is None:
                    say("PostgreSQL is not installed, so it is left out")
                    continue
                say(f"round {round_number} of {plan.rounds}: {kind}")
                with serving(kind, plan, {"BENCHMARK_POSTGRES": address or ""}) as server:
                    for connections in plan.connections if kind not in DATABASES else (BUSY,):
                        results[kind, connections].append(server.load(connections, plan.seconds))
            syncs.append(probe_disk(plan.folder, 300).p50)
    return [_rates(plan, results), _ratios(plan, results), _waits(results, syncs)]


def _rates(plan: Plan, results: Results) -> Table:
    rows = [
        Row(f"{kind}, {connections} connections", _each(results[kind, connections], lambda m: m.load.rate), "/s", 0)
        for kind in (BARE_ASGI, BARE_ROUTE, OURS, *DATABASES)
        for connections in plan.connections
        if results[kind, connections]
    ]
    return Table("Events a second, all durable but those of the bare ones", tuple(rows))


def _ratios(plan: Plan, results: Results) -> Table:
    def row(other: str, connections: int, target: float) -> Row:
        figure = _ratio(results[OURS, connections], results[other, connections], lambda m: m.load.rate)
        return Row(f"events/s to those of {other}, {connections} connections", figure, "times", 2, "at least", target)

    busy = [connections for connections in plan.connections if connections > 1]
    rows = [row(BARE_ROUTE, connections, 1.0) for connections in busy]
    rows += [row(BARE_ASGI, connections, 0.7) for connections in busy]
    rows += [row(SQLITE, BUSY, 4), row(POSTGRES, BUSY, 4), row(DUCKDB, BUSY, 20)]
    cpu = _ratio(results[OURS, BUSY], results[BARE_ROUTE, BUSY], lambda m: m.cpu)
    rows.append(Row(f"processor time a request to that of {BARE_ROUTE}", cpu, "times", 2, "at most", 1.3))
    return Table("Beside what people would use instead", tuple(rows))


def _waits(results: Results, syncs: list[float]) -> Table:
    lone, bare = results[OURS, 1], results[BARE_ROUTE, 1]
    pairs = zip(lone, bare, syncs, strict=True)
    above = Figure(tuple((ours.load.p50 - base.load.p50) / sync for ours, base, sync in pairs))
    busy = _each(results[OURS, BUSY], lambda m: m.load.p99 / m.load.p50)
    rows = (
        Row("fdatasync of the disk, p50", Figure(tuple(sync * 1000 for sync in syncs)), "ms", 3),
        Row(f"{BARE_ROUTE}, one by one, p50", _each(bare, lambda m: m.load.p50 * 1000), "ms", 3),
        Row("this receiver, one by one, p50", _each(lone, lambda m: m.load.p50 * 1000), "ms", 3),
        Row("the same above the bare route, in fdatasyncs", above, "", 2, "at most", 1.3),
        Row(
            f"this receiver, {BUSY} connections, p50", _each(results[OURS, BUSY], lambda m: m.load.p50 * 1000), "ms", 2
        ),
        Row(f"this receiver, {BUSY} connections, p99 to p50", busy, "times", 2, "at most", 3),
    )
    return Table("Waits", rows)


def _each(measured: list[Measured], value: Callable[[Measured], float]) -> Figure:
    return Figure(tuple(value(one) for one in measured))


def _ratio(ours: list[Measured], others: list[Measured], value: Callable[[Measured], float]) -> Figure:
    """Round by round, so that what slows the machine for a while slows both."""
    return Figure(tuple(value(one) / value(other) for one, other in zip(ours, others, strict=False)))
