"""Takes a request's body in: the bytes the client sent, all of them, and never more than the limit in memory."""

from collections.abc import Iterable
from typing import Final

from starlette.types import Receive

from receiver.answers import ENCODED, NO_LENGTH, NOT_WHOLE, QUEUE_FULL, TOO_LARGE, Refusal

_IDENTITY: Final = frozenset({b"identity", b""})


class ClientGone(Exception):
    """The client hung up before its body was complete."""


def check_head(headers: Iterable[tuple[bytes, bytes]], limit: int) -> int | None:
    """The length of the body that these headers of HTTP/1 announce, None for chunks.

    Raise Refusal for a body that cannot be taken, or of which nobody knows where it ends. `limit` is in bytes.
    """
    lengths, codings = set(), []
    for name, value in headers:
        if name == b"content-length":
            lengths.add(value.strip())
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
        elif name == b"content-encoding" and not _IDENTITY.issuperset(map(bytes.strip, value.lower().split(b","))):
            raise Refusal(ENCODED)
    if codings not in ([], [b"chunked"]):
        # What is taken off here is the chunks alone; the server has already refused what does not end with them.
        raise Refusal(ENCODED)
    if codings:
        return None
    # The server has already refused a length that is not a number, and two of them.
    if len(lengths) != 1:
        raise Refusal(NO_LENGTH)
    length = int(lengths.pop())
    if length > limit:
        raise Refusal(TOO_LARGE)
    return length


def check_whole(body: bytes, length: int | None, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise Refusal for a body that is not as long as `check_head` found announced.

    So it is when a server takes what follows a request with an `Upgrade` for another protocol, as plain uvicorn does
    with httptools; of a body in chunks there is then nothing.
    """
    whole = bool(body) or b"upgrade" not in dict(headers) if length is None else len(body) == length
    if not whole:
        raise Refusal(NOT_WHOLE)


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
