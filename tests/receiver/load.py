"""Many connections that post at once, each its next delivery when the last one is answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from tests.live import EVENT_PATH, KEY

HEAD = f"POST {EVENT_PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {KEY}\r\nContent-Length: ".encode()


class Outcome:
    """What became of the deliveries: those acknowledged, answers by status, those of 429 without Retry-After, and how
    long each 200 took, in seconds. A connection that broke counts as status 0."""

    def __init__(self) -> None:
        self.acknowledged: list[bytes] = []
        self.statuses: Counter[int] = Counter()
        self.rude = 0
        self.seconds: list[float] = []

    def quantile(self, share: float) -> float:
        """The time within which this share of the 200s was answered."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


async def post_from(
    port: int,
    connections: int,
    body_of: Callable[[int], bytes],
    until: Callable[[], bool],
    rate: float | None = None,
) -> Outcome:
    """Post `body_of(0)`, `body_of(1)`, … from so many connections until told to stop, at most `rate` a second.

    What was refused is not repeated.
    """
    outcome = Outcome()
    number = -1
    start = time.perf_counter()

    async def post() -> None:
        nonlocal number
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not until():
            number += 1
            body = body_of(number)
            if rate is not None:
                await asyncio.sleep(max(start + number / rate - time.perf_counter(), 0))
            began = time.perf_counter()
            try:
                writer.write(HEAD + b"%d\r\n\r\n" % len(body) + body)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
            except (OSError, asyncio.IncompleteReadError):
                outcome.statuses[0] += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            status = int(head[9:12])
            outcome.statuses[status] += 1
            if status == 200:
                outcome.acknowledged.append(body)
                outcome.seconds.append(time.perf_counter() - began)
            elif status == 429:
                outcome.rude += b"\r\nretry-after: 1\r\n" not in head
                await asyncio.sleep(0.05)
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(post())
    return outcome


def _length(head: bytes) -> int:
    start = head.index(b"\r\ncontent-length: ") + 18
    return int(head[start : head.index(b"\r\n", start)])
