"""Many connections that post one event after another to a receiver, and remember what was answered with 200."""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType

from tests.live import EVENT_PATH, KEY, envelope

HEAD = f"POST {EVENT_PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEY}\r\nContent-Length: "


def body_of(number: int) -> bytes:
    """The event with this number; they differ in length."""
    return envelope(number, note="x" * (number % 50 * 40))


class Load:
    """Posts events from `first` on over `connections`, `most` in all or until the block ends or the receiver does.

    `sent` are the numbers by the client's port, in their order; `acknowledged` those answered with 200; `answers`
    counts the other answers.
    """

    def __init__(self, port: int, connections: int, first: int, most: int = 10**9) -> None:
        self.sent: dict[int, list[int]] = {}
        self.acknowledged: list[int] = []
        self.answers: dict[int, int] = {}
        self._port = port
        self._connections = connections
        self._next = first
        self._last = first + most
        self._over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._over = True
        self.wait()

    def pause(self, seconds: float) -> None:
        """Let it go on for a while; fails when it has come to an end by itself."""
        self._thread.join(seconds)
        assert self._thread.is_alive(), "the load has ended"

    def wait(self) -> None:
        """Until all is posted, or nobody answers any more."""
        self._thread.join(1_800)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        await asyncio.gather(*[self._post() for _ in range(self._connections)])

    async def _post(self) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            mine = self.sent.setdefault(writer.get_extra_info("sockname")[1], [])
            try:
                while not self._over and self._next < self._last:
                    number, self._next = self._next, self._next + 1
                    body = body_of(number)
                    mine.append(number)
                    writer.write(f"{HEAD}{len(body)}\r\n\r\n".encode() + body)
                    status = await _answer(reader)
                    if status == 200:
                        self.acknowledged.append(number)
                    else:
                        self.answers[status] = self.answers.get(status, 0) + 1
            finally:
                writer.close()


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")), 0)
    await reader.readexactly(length)
    return int(lines[0].split()[1])
