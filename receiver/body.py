"""Takes a request's body in: the bytes the client sent, all of them, and never more than the limit in memory."""

from collections.abc import Mapping

from starlette.types import Receive

from receiver.answers import ENCODED, QUEUE_FULL, TOO_LARGE, Refusal


class ClientGone(Exception):
    """The client hung up before its body was complete."""


def check_head(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Raise Refusal for a body whose headers already say that it cannot be taken. `limit` is in bytes."""
    if headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        raise Refusal(ENCODED)
    # The server has already refused a length that is not a number.
    if int(headers.get(b"content-length", b"0")) > limit:
        raise Refusal(TOO_LARGE)


class Room:
    """What the bodies that come in several parts may hold in memory together, in bytes, while they come in."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    def take(self, size: int) -> None:
        """Raise Refusal when there is no room for so many bytes more; whoever is alone may be of any size."""
        if self._held and self._held + size > self._limit:
            raise Refusal(QUEUE_FULL)
        self._held += size

    def leave(self, size: int) -> None:
        """So many bytes are not held here any more."""
        self._held -= size


async def read_body(receive: Receive, limit: int, room: Room) -> bytes:
    """The body, byte for byte. Raises ClientGone when it breaks off, and Refusal as soon as it is over `limit` bytes
    or over the `room` that bodies in several parts have together."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    first: bytes = message.get("body", b"")
    if len(first) > limit:
        raise Refusal(TOO_LARGE)
    return await _read_on(first, receive, limit, room) if message.get("more_body", False) else first


async def _read_on(first: bytes, receive: Receive, limit: int, room: Room) -> bytes:
    parts, size, taken, more = [first], len(first), 0, True
    try:
        while more:
            room.take(size - taken)
            taken = size
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise Refusal(TOO_LARGE)
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)
    finally:
        room.leave(taken)
