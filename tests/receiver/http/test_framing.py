"""What was sent, what was answered, what is stored: chance puts requests together, in any framing and any segments.

A 200 stands for exactly the bytes that were announced: what was answered 200 is in the journal, once, byte for byte.
"""

import asyncio
import random
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from receiver.http.one_by_one import AHEAD_BYTES
from tests.live import EVENT_PATH, KEY, Receiver, envelope, running

CONNECTIONS = 400
AT_ONCE = 20
PATIENCE = 30.0
# Plain uvicorn answers some upgrades only when more comes; none of the others takes so long.
LITTLE_PATIENCE = 2.0

# What changes nothing of a request, in pairs that belong together. An upgrade is an offer that nobody has to take.
HARMLESS = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: x\r\n",
    b"connection:upgrade\r\nupgrade:\tTLS/1.2, h2c \r\n",
    b"Connection: Upgrade\r\nConnection: keep-alive\r\nUpgrade: h2c\r\nUpgrade: foo\r\n",
    b"Upgrade: h2c\r\n",
    b"Connection: upgrade\r\n",
    b"X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n",
    b"Content-Encoding: identity\r\n",
    b"Content-Type: application/json\r\n",
    b"Expect: 100-continue\r\n",
    b"TE: trailers\r\nTrailer: X-Sum\r\n",
    b"X-Note: " + b"x" * 3000 + b"\r\n",
)
ENCODED = (
    b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n",
    b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n",
    b"Content-Encoding: identity, br\r\n",
    b"Content-Encoding: GZIP\r\n",
)


class Request(NamedTuple):
    """What is sent, what has to come back (None: the end of the connection), and the body that a 200 stands for."""

    data: bytes
    status: int | None
    body: bytes | None = None

    @property
    def is_last(self) -> bool:
        return self.status in (None, 400, 411)


def make_request(chance: random.Random, number: int) -> Request:
    kind = chance.choices(
        ("good", "page", "stranger", "encoded", "coding", "lengthless", "bad chunk", "cut"), (12, 2, 2, 1, 1, 1, 1, 1)
    )[0]
    if kind == "page":
        return Request(b"GET /health HTTP/1.1\r\nHost: test\r\n" + make_headers(chance) + b"\r\n", 200)
    key = b"wrong" if kind == "stranger" else KEY.encode()
    shown = chance.choice((b"Authorization: Bearer %b\r\n", b"X-API-Key: %b\r\n", b"x-api-key:%b \t\r\n")) % key
    head = b"POST %b HTTP/1.1\r\nHost: test\r\n" % EVENT_PATH.encode() + shown + make_headers(chance)
    body = make_body(chance, number)
    length = b"Content-Length: %d\r\n\r\n" % len(body) + body
    if kind == "encoded":
        return Request(head + chance.choice(ENCODED) + length, 415)
    if kind == "coding":
        return Request(head + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + make_chunks(chance, body), 415)
    if kind == "lengthless":
        return Request(head + b"\r\n" + body, 411)
    if kind == "bad chunk":
        return Request(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%bzz\r\n" % (len(body), body), 400)
    if kind == "cut":
        whole = head + length
        return Request(whole[: chance.randrange(len(head), len(whole))], None)
    rest = length if chance.random() < 0.6 else b"Transfer-Encoding: Chunked\r\n\r\n" + make_chunks(chance, body)
    return Request(head + rest, 403 if kind == "stranger" else 200, None if kind == "stranger" else body)


def make_headers(chance: random.Random) -> bytes:
    found = chance.sample(HARMLESS, chance.choice((0, 0, 1, 1, 2)))
    # Two offers of upgrade in one request say nothing new.
    return b"".join(found if sum(b"pgrade" in one for one in found) < 2 else found[:1])


def make_body(chance: random.Random, number: int) -> bytes:
    """A body of its own, sometimes with what could be taken for framing in it."""
    note = chance.choice(("", "x" * 200, "x" * 70_000))
    mark = chance.choice((b"", b"\r\n\r\n", b"0\r\n\r\n", b"\r\n" * 50, b"\n", b"\r", b"POST / HTTP/1.1\r\n\r\n"))
    return chance.choice((b"", mark)) + envelope(number, note=note) + mark


def make_chunks(chance: random.Random, body: bytes) -> bytes:
    parts = []
    while body:
        size = chance.choice((1, 3, 50, 5000, len(body)))
        part, body = body[:size], body[size:]
        parts.append(b"%x%b\r\n%b\r\n" % (len(part), chance.choice((b"", b"", b";a=b")), part))
    return b"".join(parts) + b"0\r\n" + chance.choice((b"", b"", b"X-Sum: 1\r\n")) + b"\r\n"


def make_segments(chance: random.Random, data: bytes) -> list[bytes]:
    """The same bytes in one to a few segments, cut anywhere or at the ends of lines."""
    ends = [match.end() + chance.randrange(-3, 2) for match in re.finditer(rb"\r\n\r\n", data)]
    cuts = {
        *chance.sample(ends, min(len(ends), chance.randrange(4))),
        *(chance.randrange(len(data)) for _ in range(chance.choice((0, 0, 1, 3)))),
    }
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(data)), len(data)]
    return [data[start:stop] for start, stop in pairwise(places)]


class Talk(NamedTuple):
    """What was sent over one connection, the statuses that came back, and whether the connection broke meanwhile."""

    requests: list[Request]
    found: list[int]
    broke: bool


async def converse(
    port: int, segments: list[bytes], half_closes: bool, answers: int, patience: float
) -> tuple[list[int], bool]:
    """The statuses that come back, until there are so many or the connection ends; whether it broke."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = b""
    try:
        for segment in segments:
            writer.write(segment)
            await asyncio.sleep(0.002)
        if half_closes:
            writer.write_eof()
        while len(statuses(received)) < answers or half_closes:
            part = await asyncio.wait_for(reader.read(65536), patience)
            if not part:
                break
            received += part
        return statuses(received), False
    except OSError:
        # It was closed while we were still sending, and what it said last may be lost; or it said nothing.
        return statuses(received), True
    finally:
        writer.close()


def statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received) if status != b"100"]


async def converse_all(receiver: Receiver, chance: random.Random, most: int) -> list[Talk]:
    """Conversations of up to `most` requests each, many at once; single ones leave a connection open both ways."""
    door = asyncio.Semaphore(AT_ONCE)

    async def one(requests: list[Request], segments: list[bytes], half_closes: bool) -> tuple[list[int], bool]:
        async with door:
            wanted = len([request for request in requests if request.status is not None])
            patience = PATIENCE if most > 1 else LITTLE_PATIENCE
            return await converse(receiver.port, segments, half_closes, wanted, patience)

    talks, number = [], 0
    for _ in range(CONNECTIONS if most > 1 else CONNECTIONS // 2):
        requests: list[Request] = []
        for _ in range(chance.randint(1, most)):
            number += 1
            requests.append(make_request(chance, number))
            if requests[-1].is_last:
                break
        segments = make_segments(chance, b"".join(request.data for request in requests))
        half_closes = requests[-1].status is None or (most > 1 and chance.random() < 0.3)
        talks.append((requests, asyncio.create_task(one(requests, segments, half_closes))))
    return [Talk(requests, *await task) for requests, task in talks]


def test_a_200_stands_for_exactly_the_bytes_that_were_announced(tmp_path: Path, seed: int) -> None:
    with running(tmp_path / "home", workers=1) as receiver:
        talks = asyncio.run(converse_all(receiver, random.Random(seed), most=4))
        promised: Counter[bytes] = Counter()
        unheard: Counter[bytes] = Counter()
        for requests, found, broke in talks:
            wanted = [request.status for request in requests if request.status is not None]
            # Who has shown no key may not send so much ahead of an answer.
            too_far = KEY.encode() not in requests[0].data and sum(len(one.data) for one in requests[1:]) > AHEAD_BYTES
            if broke or too_far:
                # Otherwise we go on sending after 400 and 411 only, which are the last on their connection.
                assert too_far or wanted[-1] in (400, 411), requests
            elif wanted[-1:] == [400] and len(wanted) > 1:
                # What came ahead of an answer may be the rest of what is answered: no 400 for it.
                assert found in (wanted, wanted[:-1]), requests
            else:
                assert found == wanted, requests
            assert found == wanted[: len(found)], requests
            for number, request in enumerate(requests):
                if request.body is not None:
                    (promised if number < len(found) else unheard)[request.body] += 1
        stored = Counter(delivery.body for delivery in receiver.stored())
        assert promised <= stored <= promised + unheard
        assert len(promised) > CONNECTIONS / 2 > 4 * len(unheard)
        assert "Traceback" not in receiver.errors()
        assert len(receiver.errors().splitlines()) < 5


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_under_plain_uvicorn_nothing_is_answered_200_that_is_not_stored_as_sent(
    tmp_path: Path, seed: int, http: str
) -> None:
    with running(tmp_path / "home", {"UVICORN_HTTP": http}) as receiver:
        talks = asyncio.run(converse_all(receiver, random.Random(seed), most=1))
        stored = Counter(delivery.body for delivery in receiver.stored())
        assert set(stored) <= {request.body for (request,), _, _ in talks}
        for (request,), found, _ in talks:
            if request.body is not None:
                assert stored[request.body] == found.count(200) <= 1, request
                # httptools leaves out what follows an upgrade, and uvicorn itself answers websockets.
                lost = b"websocket" in request.data or (http == "httptools" and b"pgrade" in request.data)
                assert found == [200] or lost, request
