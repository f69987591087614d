"""Posts deliveries to a receiver as NewStore does: each is posted again until it is answered with 200."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from typing import Final

import httpx
import msgspec

from warehouse.errors import PostError
from warehouse.progress import Progress

EVENT_PATH: Final = "/newstore_api/v0/event"
ATTEMPTS: Final = 7
FIRST_PAUSE: Final = 0.1
TIMEOUT_SECONDS: Final = 30.0
MADE_UP_SECONDS: Final = 0.1
# Answers that ask for the same delivery again.
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class PostReport(msgspec.Struct, frozen=True):
    """Deliveries answered with 200, and answers and failed connections after which one was posted again."""

    delivered: int
    repeated: int


def post(
    url: str,
    key: str,
    bodies: Iterable[bytes],
    connections: int = 16,
    progress: Progress | None = None,
    rate: float | None = None,
) -> PostReport:
    """Post every body over so many connections at once, taking them in order; a bare address gets the event path.

    `rate` is the most that is posted in a second, evenly; without it the receiver's answers set the pace. `progress` is
    called with the number of deliveries answered with 200. Raises PostError.
    """
    return asyncio.run(_Posting(url, key, iter(bodies), progress, rate).run(connections))


class _Posting:
    def __init__(
        self, url: str, key: str, bodies: Iterator[bytes], progress: Progress | None, rate: float | None
    ) -> None:
        self._url = _event_url(url)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._bodies = bodies
        self._progress = progress
        self._interval = 1 / rate if rate else 0.0
        self._next_turn = 0.0
        self._delivered = 0
        self._repeated = 0

    async def run(self, connections: int) -> PostReport:
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        async with httpx.AsyncClient(headers=self._headers, limits=limits, timeout=TIMEOUT_SECONDS) as client:
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(connections):
                        group.create_task(self._post_all(client))
            except* PostError as errors:
                # All connections meet the same trouble; one of them is enough to tell.
                raise errors.exceptions[0] from None
        return PostReport(self._delivered, self._repeated)

    async def _post_all(self, client: httpx.AsyncClient) -> None:
        for body in self._bodies:
            await self._await_turn()
            await self._deliver(client, body)
            self._delivered += 1
            if self._progress is not None:
                self._progress(self._delivered, None)

    async def _await_turn(self) -> None:
        """Wait until the next delivery is due at this rate; little is made up for when the receiver was slow."""
        now = time.monotonic()
        turn = max(now - MADE_UP_SECONDS, self._next_turn)
        self._next_turn = turn + self._interval
        if turn > now:
            await asyncio.sleep(turn - now)

    async def _deliver(self, client: httpx.AsyncClient, body: bytes) -> None:
        trouble = ""
        for attempt in range(ATTEMPTS):
            pause = FIRST_PAUSE * 2**attempt
            try:
                answer = await client.post(self._url, content=body)
            except httpx.TransportError as error:
                trouble = f"no answer: {str(error) or type(error).__name__}"
            else:
                if answer.status_code == httpx.codes.OK:
                    return
                if answer.status_code not in AGAIN:
                    raise self._refused(answer.status_code)
                trouble = f"answer {answer.status_code}"
                pause = max(pause, _asked_pause(answer))
            self._repeated += 1
            await asyncio.sleep(pause)
        raise PostError(
            f"not delivered after {ATTEMPTS} attempts, the last with {trouble}.",
            f"is a receiver running there? {self._delivered:,} deliveries were taken before",
            where=self._url,
        )

    def _refused(self, status: int) -> PostError:
        hints = {
            401: "--key with one of the receiver's WAREHOUSE_API_KEYS",
            403: "--key with one of the receiver's WAREHOUSE_API_KEYS",
            404: f"the receiver's address, without a path or with {EVENT_PATH}",
            413: "a higher WAREHOUSE_MAX_BODY at the receiver",
        }
        return PostError(
            f"refused with {status}.", hints.get(status, "see what the receiver at that address says"), where=self._url
        )


def _event_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise PostError(f"not an address: {error}.", "http://127.0.0.1:8080", where=url) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise PostError("not an address of the web.", "http://127.0.0.1:8080", where=url)
    return parsed.copy_with(path=EVENT_PATH) if parsed.path == "/" else parsed


def _asked_pause(answer: httpx.Response) -> float:
    """The seconds of Retry-After; none when it is absent or a date."""
    seconds = answer.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdigit() else 0.0
