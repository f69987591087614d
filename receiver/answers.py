"""The answers of the event route other than 200. NewStore retries 429 and 500, and stops the stream at 403.

Every answer is made once, when this module is loaded: nothing of a request or of an error ever gets into one.
"""

from http import HTTPStatus
from typing import Final

from starlette.types import Message, Send


class Answer:
    """A complete response; `status` is its number."""

    def __init__(
        self,
        status: int,
        text: str = "",
        retry_after: int | None = None,
        closes: bool = False,
        counted_as: int | None = None,
    ) -> None:
        """`retry_after` is in seconds; with `closes` it is the last one on its connection.

        In the metrics it is `status`, unless it is `counted_as` another one that tells its reason better.
        """
        body = text.encode()
        headers = [(b"content-length", b"%d" % len(body))]
        if body:
            headers.append((b"content-type", b"text/plain; charset=utf-8"))
        if retry_after is not None:
            headers.append((b"retry-after", b"%d" % retry_after))
        if closes:
            headers.append((b"connection", b"close"))
        self.status = status
        self.counted_as = str(counted_as or status)
        # The same for who writes to the socket itself: `head` lacks what the server adds to each, and the empty line.
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode(),
            *[b"%b: %b\r\n" % one for one in headers],
        ]
        self.head = b"".join(lines)
        self.content = body
        self._start: Message = {"type": "http.response.start", "status": status, "headers": headers}
        self._body: Message = {"type": "http.response.body", "body": body}

    async def send(self, send: Send) -> None:
        """Send the whole of it."""
        await send(self._start)
        await send(self._body)


class Refusal(Exception):
    """The delivery at hand is not stored, and `answer` says so."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


FORBIDDEN: Final = Answer(403, "The API key is missing or wrong.\n")
GUESSED: Final = Answer(429, "Too many wrong API keys.\n", retry_after=10, closes=True, counted_as=403)
NO_LENGTH: Final = Answer(411, "Send the body with a Content-Length, or in chunks.\n", closes=True)
TOO_LARGE: Final = Answer(413, "The body is larger than this receiver accepts.\n")
ENCODED: Final = Answer(415, "Send the body without an encoding.\n")
QUEUE_FULL: Final = Answer(429, "Too many deliveries are waiting for the disk.\n", retry_after=1)
NOT_STORED: Final = Answer(500, "The delivery could not be stored.\n", retry_after=5)

NOT_WHOLE: Final = Answer(500, "The body did not arrive as it was announced.\n", retry_after=5, closes=True)

REFUSALS: Final = (FORBIDDEN, GUESSED, NO_LENGTH, TOO_LARGE, ENCODED, QUEUE_FULL, NOT_STORED, NOT_WHOLE)
