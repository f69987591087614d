"""The requests of a connection one by one: none is parsed before the last one has its answer.

So no more is held for a connection than one request and what came in one read behind it, an error in a request never
takes the answer from those before it, and where a body ends is decided once. A client that asks for another protocol
(`Upgrade`) is answered as if it had not asked, as HTTP allows; its body is read like any other.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

# What heads, and bodies of unknown length, end with.
END: Final = b"\r\n\r\n"
CONNECT: Final = b"CONNECT"
# What may wait for its turn on a connection that has shown no live key.
AHEAD_BYTES: Final = 64 * 2**10


class TooMuchHead(Exception):
    """A head has more in it than any client of ours has a reason to send."""


class Unreadable(Exception):
    """A head that no answer but 400 fits."""


class OneByOne(HttpToolsProtocol):
    """One connection of uvicorn's. `in_head` and `in_body` say what of a request is being received."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.in_head = False
        self.in_body = False
        # The announced length of the body at hand, 0 where there is none, and how much of that is still to come.
        self.announced = 0
        self._left = 0
        # The last bytes of a head or of chunks that were parsed, which may be the beginning of their end.
        self._tail = b""
        # What came before its turn, from where on it is not parsed; while there is any, nothing more is read.
        self._ahead = b""
        self._start = 0
        self._was_ahead = False
        # A head that asks for an upgrade, without that.
        self._plain_head = b""
        self._client_is_done = False
        # Whether a live key has been shown here.
        self.has_key = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self.flow: _Flow = _Flow(transport)

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if self._ahead:
            self._ahead, self._start = self._ahead[self._start :] + data, 0
        elif not self.flow.held:
            self._was_ahead = False
            self._parse(data, 0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ahead = b""
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override] # asyncio asks for it, uvicorn never says yes
        """The client sends no more, and may still read: true while it has an answer to come."""
        self._client_is_done = True
        return self._end_after_answer()

    def on_message_begin(self) -> None:
        # Without the scope of ASGI, which not every request needs.
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self.in_head = True

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._plain_head = self._without_upgrade()
            return
        self.in_head, self.in_body = False, True
        self._left = self.announced = self.begin_request()

    def begin_request(self) -> int:
        """A head is complete: hand the request to the application; the announced length of its body, 0 for none."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()
        return next((int(value) for name, value in headers if name == b"content-length"), 0)

    def on_body(self, body: bytes) -> None:
        if self._left:
            self._left -= len(body)
        # From here on as uvicorn does it, which asks for upgrades as well.
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        # With an upgrade the parser says so as soon as the head is complete.
        if self._plain_head:
            return
        self.in_body = False
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.answered()

    def answered(self) -> None:
        """The request at hand has its answer."""
        if self._ahead:
            self.loop.call_soon(self._take_turn)

    def show_key(self) -> None:
        """The request at hand has a live key."""
        self.has_key = True

    def is_answering(self) -> bool:
        """Whether a request has come that has no answer yet; all of it, unless `in_body`."""
        at_hand: RequestResponseCycle | None = self.cycle
        return at_hand is not None and not at_hand.response_complete

    def feed(self, piece: bytes) -> None:
        """Parse what ends with the request at hand or before, and begins no other one."""
        try:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                # The parser takes all that follows for another protocol, so another one reads it.
                head, self._plain_head = self._plain_head, b""
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                self.parser.feed_data(head)
        except httptools.HttpParserError as error:
            too_much = isinstance(error.__context__, TooMuchHead)
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if too_much else HTTPStatus.BAD_REQUEST)

    def feed_uncounted(self, piece: bytes) -> None:
        """Feed what is no body of announced length, or not known to be one yet."""
        self.feed(piece)

    def refuse(self, status: HTTPStatus) -> None:
        """End the connection, with this answer where it cannot be taken for the answer to another request."""
        if self.may_refuse():
            self.transport.write(_answer(status))
        if self.in_body and self.is_answering():
            # The application learns that its client is gone.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def may_refuse(self) -> bool:
        """Whether an answer would be to what is being received: what came ahead may be the rest of another body."""
        return not self._was_ahead and not (self.in_body and self.cycle.response_started)

    def _parse(self, data: bytes, start: int) -> None:
        while start < len(data) and not self.transport.is_closing():
            at_hand: RequestResponseCycle | None = self.cycle
            if at_hand is not None and not at_hand.response_complete and not self.in_body:
                self._hold(data, start)
                return
            if self._left:
                stop = start + self._left
                self.feed(data[start:stop] if start or stop < len(data) else data)
            else:
                stop = self._end(data, start)
                self.feed_uncounted(data[start:stop])
            start = stop
        self._tail = (self._tail + data[-3:])[-3:] if self.in_head or (self.in_body and not self._left) else b""

    def _hold(self, data: bytes, start: int) -> None:
        """Keep what comes too early, and read no more; a stranger has no reason to send much ahead."""
        self.flow.hold()
        self._tail = b""
        if self.has_key or len(data) - start <= AHEAD_BYTES:
            # What waits for a further turn is not copied again.
            self._ahead, self._start = (data, start) if self._was_ahead else (data[start:], 0)
        else:
            self.cycle.keep_alive = False

    def _end(self, data: bytes, start: int) -> int:
        """Where to stop parsing, so that no request is begun in the same piece in which another one ends."""
        if start == 0 and self._tail:
            found = (self._tail + data[:3]).find(END)
            if found >= 0:
                return found + len(END) - len(self._tail)
        found = data.find(END, start)
        return found + len(END) if found >= 0 else len(data)

    def _take_turn(self) -> None:
        """Parse what had come too early."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        data, self._ahead, self._was_ahead = self._ahead, b"", True
        self._parse(data, self._start)
        if not self._ahead and not self.transport.is_closing():
            self.flow.release()
            if self._client_is_done and not self._end_after_answer():
                self.transport.close()

    def _end_after_answer(self) -> bool:
        """Whether there is an answer to wait for when nothing more comes; then it is the last one."""
        if self._ahead:
            return True
        if self.in_head or self.in_body or not self.is_answering():
            return False
        self.cycle.keep_alive = False
        return True

    def _without_upgrade(self) -> bytes:
        """The head at hand as it is from a client that asks for no other protocol."""
        if self.parser.get_method() == CONNECT:
            raise Unreadable
        lines = [b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                options = [option.strip() for option in value.split(b",")]
                lines.append(b"connection: " + b", ".join([one for one in options if one.lower() != b"upgrade"]))
            elif name != b"upgrade":
                lines.append(b"%b: %b" % (name, value))
        return b"\r\n".join(lines) + END


class _Flow(FlowControl):
    """Reads nothing while it is held, whoever asks for more."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self.held = False

    def hold(self) -> None:
        self.held = True
        self.pause_reading()

    def release(self) -> None:
        self.held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


def _answer(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}.\n"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(text)}\r\nconnection: close\r\n\r\n{text}"
    ).encode()
