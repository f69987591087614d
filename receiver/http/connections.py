"""Looks after the connections of a server: each once a second, and that there are never more than it can hold.

Where there would be too many, the oldest of those that have shown no key is closed, an idle one before one that is at
something; so strangers take neither a place nor a file descriptor from who delivers.
"""

import asyncio
import resource
from pathlib import Path
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from uvicorn.server import ServerState

SWEEP_SECONDS: Final = 1.0
# Connections in one process: what each may hold unread and unparsed is bounded, and so all together.
MOST: Final = 1024
# Descriptors for journals, the keys file, pages and their threads; a quarter where there are few.
RESERVE: Final = 64
# So many of the oldest are looked at for an idle one.
OLDEST: Final = 64


class Watched(Protocol):
    """A connection as its watch sees it."""

    def check(self, now: float) -> None:
        """Close it if what it is at has taken too long; `now` is the loop's time in seconds."""

    def is_idle(self) -> bool:
        """Whether it is at nothing."""

    def drop(self) -> None:
        """Close it at once."""


class Watch:
    """The connections of one server, looked at for as long as there is any. `now` is the time of its latest look."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._next: asyncio.TimerHandle | None = None
        # In the order in which they came.
        self._strangers: dict[Watched, None] = {}
        self._known: set[Watched] = set()
        self._most = min(MOST, spare_descriptors())
        self.now = loop.time()

    @classmethod
    def over(cls, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> "Watch":
        """The watch over the connections of this server."""
        watch = _watches.get(server_state)
        if watch is None:
            watch = _watches[server_state] = cls(loop)
        return watch

    def begin(self, connection: Watched) -> None:
        """There is one more to look after; another one may have to go for it, or itself."""
        self._strangers[connection] = None
        if len(self._strangers) + len(self._known) > self._most:
            self._oldest().drop()
        if self._next is None:
            self.now = self._loop.time()
            self._next = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def trust(self, connection: Watched) -> None:
        """It has shown a live key: it is closed for no other's sake."""
        if self._strangers.pop(connection, self) is None:
            self._known.add(connection)

    def end(self, connection: Watched) -> None:
        """It is closed."""
        self._strangers.pop(connection, None)
        self._known.discard(connection)

    def _oldest(self) -> Watched:
        oldest = [one for one, _ in zip(self._strangers, range(OLDEST), strict=False)]
        found = next(filter(Watched.is_idle, oldest), oldest[0])
        # It counts no more from here on, though it is closed in the loop's next turn.
        del self._strangers[found]
        return found

    def _sweep(self) -> None:
        self._next = None
        self.now = self._loop.time()
        for connection in [*self._strangers, *self._known]:
            connection.check(self.now)
        if self._strangers or self._known:
            self._next = self._loop.call_later(SWEEP_SECONDS, self._sweep)


def raise_limit() -> None:
    """Let this process, and those it starts, open as many files as its connections and all else need, if it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * (MOST + RESERVE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def spare_descriptors() -> int:
    """How many connections this process may have beside what it has open, and what it opens now and then."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    return max(8, soft - len(list(Path("/dev/fd").iterdir())) - min(RESERVE, soft // 4))


_watches: "WeakKeyDictionary[ServerState, Watch]" = WeakKeyDictionary()
