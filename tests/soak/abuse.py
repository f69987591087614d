"""What a good client notices of 500 slow ones, and of a disk of 1 MB/s, with figures: `make test-abuse`.

Exits with 1 when a slow client outlives 15 s, when the good one's p99 doubles, or when anything acknowledged is lost.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.live import EVENT_PATH, KEY, Receiver, envelope, resident_bytes, running
from tests.receiver.load import Outcome, post_from
from tests.receiver.slow_disk import slow_disk

SLOW_CLIENTS = 500
DRIP_SECONDS = 5.0
CLOSED_WITHIN = 15.0
GOOD_CONNECTIONS = 4
GOOD_SECONDS = 20.0
GOOD_RATE = 200
OVERLOAD_SECONDS = 60.0
MEMORY = 200 * 10**6
HEAD = f"POST {EVENT_PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {KEY}\r\n".encode()

say = sys.stdout.write


def main() -> int:
    failures = [*_slow_clients(), *_slow_disk()]
    for failure in failures:
        say(f"FAILED: {failure}\n")
    return 1 if failures else 0


def _slow_clients() -> list[str]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "home", workers=1) as receiver:
        usual = asyncio.run(_post_well(receiver.port))
        lives, beside = asyncio.run(_with_slow_clients(receiver.port))
    ratio = beside.quantile(0.99) / usual.quantile(0.99)
    say(
        f"{len(lives)} slow clients, half in the head, half in the body: the last was closed after {max(lives):.1f} s\n"
    )
    for title, outcome in (("alone", usual), ("beside them", beside)):
        say(f"good client {title}: {len(outcome.seconds):,} deliveries, p50 {outcome.quantile(0.5) * 1e3:.2f} ms, ")
        say(f"p99 {outcome.quantile(0.99) * 1e3:.2f} ms\n")
    say(f"p99 beside them is {ratio:.2f} times that alone\n\n")
    failures = []
    if max(lives) > CLOSED_WITHIN:
        failures.append(f"a slow client was served for {max(lives):.1f} s")
    if ratio > 2 or beside.statuses.keys() != {200}:
        failures.append("slow clients slowed a good one down")
    return failures


async def _with_slow_clients(port: int) -> tuple[list[float], Outcome]:
    slow = [
        asyncio.create_task(_drip(port, b"" if number % 2 else HEAD + b"Content-Length: 100000\r\n\r\n"))
        for number in range(SLOW_CLIENTS)
    ]
    good = await _post_well(port)
    return [await task for task in slow], good


async def _post_well(port: int) -> Outcome:
    end = time.monotonic() + GOOD_SECONDS
    body_of = lambda number: envelope(number, note="x" * 1_900)  # noqa: E731 - one expression for two callers
    return await post_from(port, GOOD_CONNECTIONS, body_of, lambda: time.monotonic() > end, GOOD_RATE)


async def _drip(port: int, first: bytes) -> float:
    """Send a byte every few seconds; for how long the receiver took it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(first)
    closed = asyncio.create_task(reader.read())
    while not closed.done():
        writer.write(b"P")
        await asyncio.wait([closed], timeout=DRIP_SECONDS)
    closed.exception()
    writer.close()
    return time.monotonic() - began


def _slow_disk() -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        # The usual queue would hold all that 256 connections have at hand.
        environ = {**slow_disk(Path(folder), 10**6), "WAREHOUSE_QUEUE_BYTES": "256KiB"}
        with running(Path(folder) / "home", environ, workers=1) as receiver:
            outcome, held, memory = asyncio.run(_overload(receiver))
            lost = set(outcome.acknowledged) - {delivery.body for delivery in receiver.stored()}
            recovered = receiver.post(envelope(-1)).status == 200
    say(f"a disk of 1 MB/s for {OVERLOAD_SECONDS:.0f} s, 256 connections: {outcome.statuses[200]:,} answered 200, ")
    say(
        f"{outcome.statuses[429]:,} answered 429; at most {held / 1e6:.1f} MB waited, {memory / 1e6:.0f} MB of memory; "
    )
    say(f"lost: {len(lost)}\n")
    failures = []
    if lost or not recovered or outcome.statuses.keys() - {200, 429}:
        failures.append(f"lost {len(lost)}, recovered: {recovered}, answers {dict(outcome.statuses)}")
    if memory > MEMORY:
        failures.append(f"{memory / 1e6:.0f} MB of memory")
    return failures


async def _overload(receiver: Receiver) -> tuple[Outcome, float, int]:
    end = time.monotonic() + OVERLOAD_SECONDS
    posting = asyncio.create_task(
        post_from(receiver.port, 256, lambda number: envelope(number, note="x" * 1_900), lambda: time.monotonic() > end)
    )
    held, memory = 0.0, 0
    while not posting.done():
        await asyncio.wait([posting], timeout=1.0)
        held = max(held, (await asyncio.to_thread(receiver.metrics))["newstore_queue_bytes"])
        memory = max(memory, resident_bytes(receiver.process.pid))
    return await posting, held, memory


if __name__ == "__main__":
    sys.exit(main())
