"""Where the time of a request goes: each of our own steps alone, on the server's core, for groups of 64 events."""

import asyncio
import os
import tempfile
from collections.abc import Callable, Sequence
from time import perf_counter, time_ns

import uvloop

from benchmarks.figures import Figure, Row, Table
from benchmarks.machine import BOTH, SERVER
from benchmarks.plan import Plan
from benchmarks.servers import KEY, template
from receiver.intake.api_keys import ApiKeys
from receiver.intake.body import check_head
from receiver.metrics import Metrics
from warehouse.contract import load_contract
from warehouse.delivery.envelope import decode
from warehouse.journal.record import pack_records
from warehouse.settings import Settings
from warehouse.system.disk import sync_file

GROUP = 64


def measure(plan: Plan, say: Callable[[str], None]) -> list[Table]:
    say("the steps of a request, each alone")
    os.sched_setaffinity(0, SERVER)
    try:
        return [Table("Microseconds an event of each of our own steps, in groups of 64", tuple(_rows(plan)))]
    finally:
        os.sched_setaffinity(0, BOTH)


def _rows(plan: Plan) -> list[Row]:
    before, after = template()
    bodies = [b"%b%036d%b" % (before, number, after) for number in range(GROUP)]
    keys = ApiKeys(Settings(home=plan.folder, api_keys=(KEY,)))
    received = [(b"host", b"localhost"), (b"authorization", b"Bearer " + KEY.encode()), (b"content-length", b"2165")]
    loop = uvloop.new_event_loop()
    metrics = Metrics(load_contract().of_origin("newstore"))
    deliveries = [decode(body, time_ns() // 1000) for body in bodies]
    records = pack_records(deliveries, 0, 0)

    def check() -> None:
        for _ in bodies:
            headers = dict(received)
            keys.opens(headers)
            check_head(received, 2**20)

    def read() -> None:
        for body in bodies:
            decode(body, time_ns() // 1000)

    def pack() -> None:
        pack_records(deliveries, 0, 0)

    def count() -> None:
        for _ in bodies:
            metrics.accepted()
        metrics.committed(deliveries, 0.001)
        metrics.queue(0, 0)

    with tempfile.TemporaryFile(dir=plan.folder, buffering=0) as file:

        def write() -> None:
            file.write(records)

        def sync() -> None:
            file.write(b"x")
            sync_file(file.fileno())

        steps: Sequence[tuple[str, Callable[[], None]]] = (
            ("headers and key", check),
            ("envelope and idempotency key", read),
            ("record and checksum", pack),
            ("waiting for the group and being told", lambda: loop.run_until_complete(_wait_together())),
            ("metrics", count),
            ("write to the file", write),
            ("fdatasync, the core idle", sync),
        )
        rows = [Row(name, _alone(step, plan), "µs", 2) for name, step in steps]
    loop.close()
    return rows


def _alone(step: Callable[[], None], plan: Plan) -> Figure:
    """The least of many runs, in each round: what is more is not the step's own."""
    samples = []
    for _ in range(plan.rounds):
        times = []
        for _ in range(30):
            began = perf_counter()
            step()
            times.append(perf_counter() - began)
        samples.append(min(times) / GROUP * 1e6)
    return Figure(tuple(samples))


async def _wait_together() -> None:
    """As many waiters as a group has deliveries, each told when its own is written."""
    loop = asyncio.get_running_loop()
    told: list[int] = []
    waiters = [loop.create_future() for _ in range(GROUP)]
    for waiter in waiters:
        waiter.add_done_callback(lambda waiter: told.append(waiter.result()))
    for number, waiter in enumerate(waiters):
        waiter.set_result(number)
    # They are called in the loop's next turn.
    await asyncio.sleep(0)
    assert len(told) == GROUP
