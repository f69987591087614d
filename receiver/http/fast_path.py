"""The short way of a plain delivery: from the parser into the group, without an ASGI task, for half the work.

Plain is what NewStore sends: a POST to the event path with a live key and a small body of known length. Everything
else, every refusal included, goes the long way, through the application; so does all under a server that does not use
this protocol. Both end in the same `EventEndpoint.outcome`.
"""

from typing import Final

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from receiver.answers import Answer
from receiver.http.one_by_one import OneByOne
from receiver.intake.endpoint import ENDPOINT, EventEndpoint

EVENT_URL: Final = b"/newstore_api/v0/event"


class ShortWay(OneByOne):
    """One connection of uvicorn's; `app_state["event"]`, where the application gave it, takes plain deliveries."""

    def begin_request(self) -> int:
        endpoint: EventEndpoint | None = self.app_state.get(ENDPOINT)
        if endpoint is not None and self._is_plain() and (length := endpoint.takes(self.headers, HIGH_WATER_LIMIT)):
            self.cycle = _Delivery(self, endpoint, length)  # type: ignore[assignment] # what uvicorn uses of one, it has
            if not self.has_key:
                self.show_key()
            return length
        if not self.has_key and endpoint is not None and endpoint.knows(self.headers):
            self.show_key()
        return super().begin_request()

    def _is_plain(self) -> bool:
        return (
            self.url == EVENT_URL
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and not self.expect_100_continue
            # Answers are given to a client that reads them.
            and not self.flow.write_paused
        )


class _Delivery:
    """The request at hand: uvicorn changes its fields, then calls `message_event.set`."""

    def __init__(self, protocol: ShortWay, endpoint: EventEndpoint, length: int) -> None:
        # Most come in one piece, which is then not copied.
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.keep_alive = protocol.parser.should_keep_alive()
        self._length = length
        self._protocol = protocol
        self._endpoint = endpoint
        self._handed_over = False

    @property
    def message_event(self) -> "_Delivery":
        """Itself. Kept as a field it would be a cycle, and every body would stay in memory until one is looked for."""
        return self

    def set(self) -> None:
        """More of the body has come, or all of it, or the client has gone."""
        if self._handed_over:
            return
        if not self.more_body:
            self._handed_over = True
            self._endpoint.store(self.body, self._length, self._answer)
        elif self.disconnected:
            self._handed_over = True
            self._endpoint.client_gone()

    def _answer(self, answer: Answer) -> None:
        self.response_started = self.response_complete = True
        if self.disconnected:
            return
        protocol = self._protocol
        defaults = _lines(protocol.server_state.default_headers)
        ending = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        protocol.transport.write(b"".join((answer.head, defaults, ending, answer.content)))
        if not self.keep_alive:
            protocol.transport.close()
        # No timer is set for a client that is idle now: subclasses look after it.
        protocol.server_state.total_requests += 1
        protocol.answered()


def _lines(headers: list[tuple[bytes, bytes]]) -> bytes:
    """What uvicorn adds to each answer: another list each second."""
    global _written  # noqa: PLW0603 - the lines of the last list
    if _written[0] is not headers:
        _written = (headers, b"".join([b"%b: %b\r\n" % header for header in headers]))
    return _written[1]


_written: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")
