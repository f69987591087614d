"""Clients that take their time: each is closed at its deadline, and nobody else waits for them."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from receiver.http.deadlines import BODY_BYTES_A_SECOND, BODY_SECONDS
from tests.live import EVENT_PATH, KEY, Receiver, envelope, running

HEAD = f"POST {EVENT_PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {KEY}\r\n".encode()
BODY = HEAD + b"Content-Length: 1000000\r\n\r\n"
# What a client sends at once, and what it then sends again and again.
DRIPS = {
    "a head": (b"", HEAD),
    "a header": (HEAD + b"X-Note: ", b"x" * 1000),
    "a body": (BODY, b"x" * 1000),
    "a chunked body": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 1000),
    "a chunk extension": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;", b"x" * 1000),
    "a trailer": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Note: ", b"x" * 1000),
    "an unwanted body": (BODY.replace(KEY.encode(), b"wrong"), b"x" * 1000),
    "a second head": (HEAD + b"Content-Length: 2\r\n\r\n{}", HEAD),
}
CLIENTS = 10
# Long after every deadline of the receiver; only a receiver that has none lets a test wait for it.
TOO_LONG = 90.0


def test_slow_clients_are_closed_and_nobody_else_is(tmp_path: Path) -> None:
    with running(tmp_path / "home", workers=1) as receiver:
        said, good, patient = asyncio.run(_visit(receiver))
        for case in DRIPS.keys() - {"an unwanted body", "a second head"}:
            assert {answer[:13] for answer in said[case]} == {b"HTTP/1.1 408 "}, case
        assert {_statuses(answer) for answer in said["an unwanted body"]} == {(403,)}
        assert {_statuses(answer) for answer in said["a second head"]} == {(200, 408)}
        assert set(good) == {200}
        stored = [delivery.body for delivery in receiver.stored()]
        assert sorted(stored) == sorted(
            [*(envelope(number) for number in range(len(good))), patient, *[b"{}"] * CLIENTS]
        )
        metrics = receiver.metrics()
        assert metrics['newstore_requests_total{answer="408"}'] == CLIENTS * (len(DRIPS) - 1)
        assert "Traceback" not in receiver.errors()
        assert receiver.stop() == 0


async def _visit(receiver: Receiver) -> tuple[dict[str, list[bytes]], list[int], bytes]:
    """What each slow client was told, the answers a good client got meanwhile, and a large body that took its time."""
    async with asyncio.timeout(TOO_LONG):
        slow = {
            case: [asyncio.create_task(_drip(receiver.port, first, rest)) for _ in range(CLIENTS)]
            for case, (first, rest) in DRIPS.items()
        }
        patient = b"p" * int(BODY_BYTES_A_SECOND * (BODY_SECONDS + 3) * 2)
        uploading = asyncio.create_task(_upload(receiver.port, patient))
        good = await _post_while(receiver.port, [uploading, *(task for tasks in slow.values() for task in tasks)])
        assert _statuses(await uploading) == (200,)
        return {case: [await task for task in tasks] for case, tasks in slow.items()}, good, patient


async def _drip(port: int, first: bytes, rest: bytes) -> bytes:
    """Send a byte a second until the receiver has had enough; all that it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    listening = asyncio.create_task(_read_all(reader))
    writer.write(first)
    for byte in _bytes(rest):
        await asyncio.wait([listening], timeout=1.0)
        if listening.done():
            break
        writer.write(byte)
    writer.close()
    return await listening


async def _upload(port: int, body: bytes) -> bytes:
    """A body at twice the least rate: slower than any deadline, and in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    for start in range(0, len(body), 2 * BODY_BYTES_A_SECOND):
        await asyncio.sleep(1.0)
        writer.write(body[start : start + 2 * BODY_BYTES_A_SECOND])
    received = await _read_all(reader)
    writer.close()
    return received


async def _post_while(port: int, others: list["asyncio.Task[bytes]"]) -> list[int]:
    """Deliver over one connection that is idle for most of the time, until all the others are done."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers: list[int] = []
    while True:
        body = envelope(len(answers))
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        answers.extend(_statuses(await reader.readuntil(b"\r\n\r\n")))
        _, pending = await asyncio.wait(others, timeout=5.0 if len(answers) % 2 else 0.05)
        if not pending and len(answers) > 3:
            break
    writer.close()
    return answers


async def _read_all(reader: asyncio.StreamReader) -> bytes:
    received = b""
    try:
        while part := await reader.read(4096):
            received += part
    except ConnectionResetError:
        # A byte of ours crossed the end of the connection.
        pass
    return received


def _bytes(data: bytes) -> Iterator[bytes]:
    return (data[index : index + 1] for index in range(len(data)))


def _statuses(received: bytes) -> tuple[int, ...]:
    return tuple(int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received))
