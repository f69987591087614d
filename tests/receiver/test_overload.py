"""More arrives than the disk can take: the queue and the memory stay bounded, and the excess is told so."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from tests.live import Receiver, envelope, resident_bytes, running
from tests.receiver.load import Outcome, post_from
from tests.receiver.slow_disk import slow_disk

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a library is loaded before the others on Linux only")

CONNECTIONS = 256
SECONDS = 4.0
MEGABYTE = 10**6
QUEUE_BYTES = 256 * 1024
# What 256 connections may take of a worker's memory.
MEMORY = 200 * 10**6


def test_a_disk_of_1_mb_a_second_loses_nothing_and_sends_the_excess_back(tmp_path: Path) -> None:
    environ = {**slow_disk(tmp_path, MEGABYTE), "WAREHOUSE_QUEUE_BYTES": f"{QUEUE_BYTES}B"}
    with running(tmp_path / "home", environ, workers=1) as receiver:
        outcome, held, memory = asyncio.run(_overload(receiver))
        assert outcome.statuses.keys() == {200, 429}
        assert outcome.rude == 0
        assert sorted(delivery.body for delivery in receiver.stored()) == sorted(outcome.acknowledged)
        # One delivery more than the limit may have been let in while there was still a byte of room.
        assert held <= QUEUE_BYTES + 3_000
        assert memory < MEMORY
        assert receiver.post(envelope(-1)).status == 200
        metrics = receiver.metrics()
        assert metrics["newstore_queue_bytes"] == metrics["newstore_queue_deliveries"] == 0
        assert metrics['newstore_requests_total{answer="429"}'] == outcome.statuses[429]
        assert metrics['newstore_requests_total{answer="408"}'] == 0
        assert "Traceback" not in receiver.errors()


async def _overload(receiver: Receiver) -> tuple[Outcome, float, int]:
    """What became of the deliveries; the most bytes that waited, and the most memory the worker had."""
    end = time.monotonic() + SECONDS
    posting = asyncio.create_task(
        post_from(
            receiver.port,
            CONNECTIONS,
            lambda number: envelope(number, note="x" * 1_900),
            lambda: time.monotonic() > end,
        )
    )
    held, memory = 0.0, 0
    while not posting.done():
        await asyncio.wait([posting], timeout=0.2)
        metrics = await asyncio.to_thread(receiver.metrics)
        held = max(held, metrics["newstore_queue_bytes"])
        memory = max(memory, resident_bytes(receiver.process.pid))
    return await posting, held, memory
