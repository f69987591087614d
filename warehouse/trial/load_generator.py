"""Posts one kind of event as fast as it is answered, to find out what a receiver can take.

Every event has a key of its own. The next one goes out on a connection only when the one before it was answered, so the
load follows the receiver and nothing is ever refused for being too much.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from time import perf_counter
from typing import Final, cast
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop

from warehouse.errors import PostError
from warehouse.trial.client import EVENT_PATH

KEY_DIGITS: Final = 36
PATIENCE_SECONDS: Final = 30.0


class Load(msgspec.Struct, frozen=True):
    """What came of it: events answered 200, other answers and broken connections, and waits in seconds."""

    answered: int
    failed: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.answered / self.seconds


def load(url: str, key: str, template: tuple[bytes, bytes], connections: int, seconds: float) -> Load:
    """Post over so many connections for `seconds`, or until the first answer; an event is the template and its key.

    Raises PostError when nothing listens there.
    """
    return uvloop.run(_load(url, key, template, connections, seconds))


async def _load(url: str, key: str, template: tuple[bytes, bytes], connections: int, seconds: float) -> Load:
    address = urlsplit(url)
    size = len(template[0]) + KEY_DIGITS + len(template[1])
    head = (
        f"POST {EVENT_PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    ).encode()
    numbers = count()

    def next_request() -> bytes:
        return b"%b%b%0*d%b" % (head, template[0], KEY_DIGITS, next(numbers), template[1])

    loop = asyncio.get_running_loop()
    answered = asyncio.Event()
    clients: list[_Client] = []
    try:
        for _ in range(connections):
            _, client = await loop.create_connection(
                lambda: _Client(next_request, answered), address.hostname or "127.0.0.1", address.port or 80
            )
            clients.append(client)
    except OSError as error:
        for client in clients:
            client.end()
        raise PostError(f"{error.strerror or error}.", "start the receiver there first", where=url) from error
    started = perf_counter()
    for client in clients:
        client.begin()
    await asyncio.sleep(seconds)
    with suppress(TimeoutError):
        await asyncio.wait_for(answered.wait(), PATIENCE_SECONDS)
    took = perf_counter() - started
    for client in clients:
        client.end()
    waits = sorted(wait for client in clients for wait in client.waits)
    failed = sum(client.failed for client in clients)
    return Load(len(waits), failed, took, percentile(waits, 50), percentile(waits, 99))


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least of the ordered values that so many percent of all are not above; NaN of none."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan


class _Client(asyncio.Protocol):
    """One connection, with one request on its way at a time."""

    def __init__(self, next_request: Callable[[], bytes], answered: asyncio.Event) -> None:
        self.waits: list[float] = []
        self.failed = 0
        self._next_request = next_request
        self._answered = answered
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def begin(self) -> None:
        assert self._transport is not None
        self._sent = perf_counter()
        self._transport.write(self._next_request())

    def end(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._transport is None:
            return
        if self._parser.get_status_code() == 200:
            self.waits.append(perf_counter() - self._sent)
        else:
            self.failed += 1
        self._answered.set()
        self.begin()

    def connection_lost(self, _: Exception | None) -> None:
        if self._transport is not None:
            self.failed += 1
            self._transport = None
