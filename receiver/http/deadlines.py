"""HTTP/1.1 as `warehouse serve` speaks it: uvicorn's protocol, with an end to what a client may keep us waiting for.

uvicorn itself waits for ever for a head, for a body, and for a client that does not read. Here each has a deadline,
looked after by one sweep a second over all connections, so that a request costs no timer. A connection that is merely
idle is closed after a while, and one that we do not read from is never blamed for it.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from receiver.http.connections import SWEEP_SECONDS, Watch
from receiver.http.fast_path import ShortWay
from receiver.http.one_by_one import TooMuchHead
from receiver.metrics import STATE

HEAD_SECONDS: Final = 10.0
# A body may take this long, and a second more for each so many bytes of it that have come.
BODY_SECONDS: Final = 10.0
BODY_BYTES_A_SECOND: Final = 16 * 2**10
# How long a client may leave what we sent it unread.
UNREAD_SECONDS: Final = 30.0
HEAD_BYTES: Final = 64 * 2**10
HEADERS: Final = 200
# So much of a body that nobody wants any more is read before the connection is closed: closing at once would often
# take the answer away from a client that sends first and reads then.
DISCARDED_BYTES: Final = 64 * 2**20


class DeadlineProtocol(ShortWay):
    """One connection. `app_state["metrics"]`, where the application gave it, counts what is refused here."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._watch = Watch.over(server_state, self.loop)
        # What is being received, since when, and how much of it has come.
        self._since = self._watch.now
        self._size = 0
        # Bytes that were no body: of a head, or of chunk sizes and a trailer since the body was last heard of.
        self._head_size = 0
        self._unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._watch.begin(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.end(self)
        super().connection_lost(exc)

    def show_key(self) -> None:
        super().show_key()
        self._watch.trust(self)

    def feed_uncounted(self, piece: bytes) -> None:
        if not self.in_body and self._head_size + len(piece) > HEAD_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        self.feed(piece)
        if self.in_head or self.in_body:
            # Of a request that is not complete yet; some of it perhaps its body.
            self._head_size += len(piece)
            if self._head_size > HEAD_BYTES and not self.transport.is_closing():
                self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._since, self._head_size = self._watch.now, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if len(self.headers) > HEADERS:
            raise TooMuchHead
        super().on_headers_complete()
        self._since, self._size = self._watch.now, 0
        # A trailer is read and dropped; uvicorn would add it to the headers of the request.
        self.headers = []

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if not self.announced:
            # Several of them may come in one piece of data, which is counted when all of it is parsed.
            self._head_size = min(self._head_size, 0) - len(body)
        super().on_body(body)
        if self._size > DISCARDED_BYTES and self.cycle.response_complete:
            self.transport.close()

    def on_message_complete(self) -> None:
        self._since, self._head_size = self._watch.now, 0
        super().on_message_complete()

    def refuse(self, status: HTTPStatus) -> None:
        if self.may_refuse():
            self._count(status)
        super().refuse(status)

    def check(self, now: float) -> None:
        """Close the connection if what it is at has taken too long; `now` is the loop's time in seconds."""
        if self.transport.is_closing():
            # Closed by us a sweep ago, and what it was to be told is still not read.
            self.transport.abort()
        elif self.flow.write_paused:
            self._unread_since = self._unread_since or now
            if now - self._unread_since > UNREAD_SECONDS:
                self.transport.abort()
        elif self.flow.read_paused or (self.is_answering() and not self.in_body and not self.in_head):
            self._since, self._size, self._unread_since = now, 0, None
        else:
            self._unread_since = None
            if now - self._since > self._patience():
                self._give_up()

    def is_idle(self) -> bool:
        """Whether it is at nothing."""
        return not (self.in_head or self.in_body or self.is_answering())

    def drop(self) -> None:
        """Close it at once."""
        self.transport.abort()

    def _patience(self) -> float:
        if self.in_head:
            return HEAD_SECONDS
        if self.in_body:
            return BODY_SECONDS + self._size / BODY_BYTES_A_SECOND
        # Of those that are idle uvicorn closes some itself: not after a plain delivery, and not while empty lines come.
        return self.timeout_keep_alive + SWEEP_SECONDS

    def _give_up(self) -> None:
        if self.in_head or self.in_body:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _count(self, status: HTTPStatus) -> None:
        metrics = self.app_state.get(STATE)
        if metrics is not None:
            metrics.unrouted(status)
