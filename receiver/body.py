"""Takes a request's body in: the bytes the client sent, all of them, and never more than the limit in memory."""

from collections.abc import Mapping

from starlette.types import Receive

from receiver.answers import ENCODED, TOO_LARGE, Refusal


class ClientGone(Exception):
    """The client hung up before its body was complete."""


def check_head(headers: Mapping[bytes, bytes], limit: int) -> None:
    """Raise Refusal for a body whose headers already say that it cannot be taken. `limit` is in bytes."""
    if headers.get(b"content-encoding", b"identity").lower() not in (b"identity", b""):
        raise Refusal(ENCODED)
    # The server has already refused a length that is not a number.
    if int(headers.get(b"content-length", b"0")) > limit:
        raise Refusal(TOO_LARGE)


async def read_body(receive: Receive, limit: int) -> bytes:
    """The body, byte for byte. Raises Refusal as soon as it is over `limit` bytes, ClientGone when it breaks off."""
    parts: list[bytes] = []
    size, more = 0, True
    while more:
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
