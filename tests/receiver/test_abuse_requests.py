"""Requests that no honest client sends: each gets the right answer, leaves nothing, and harms nobody else."""

import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import EVENT_PATH, KEY, Receiver, envelope, exchange, resident_bytes, running

HEAD = f"POST {EVENT_PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {KEY}\r\n".encode()
SAMPLE = envelope(1)
LENGTH = b"Content-Length: %d\r\n" % len(SAMPLE)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SAMPLE), SAMPLE)
SMUGGLED = b"POST /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"

# What Java's HTTP client says by itself.
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\n"
GOOD = HEAD + LENGTH + b"\r\n" + SAMPLE
BAD_CHUNK = HEAD + CHUNKED + b"\r\n%x\r\n%bzz\r\n" % (len(SAMPLE), SAMPLE)

# What is sent, and the statuses that come back before the connection is closed.
REFUSED = {
    "content-length and chunked": (HEAD + LENGTH + CHUNKED + b"\r\n" + CHUNKS, [400]),
    "chunked and content-length": (HEAD + CHUNKED + LENGTH + b"\r\n" + CHUNKS, [400]),
    "two lengths": (HEAD + LENGTH + b"Content-Length: 3\r\n\r\n" + SAMPLE, [400]),
    "the same length twice": (HEAD + LENGTH + LENGTH + b"\r\n" + SAMPLE, [400]),
    "a list of lengths": (HEAD + b"Content-Length: 3, 3\r\n\r\nabc", [400]),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", [400]),
    "a signed length": (HEAD + b"Content-Length: +3\r\n\r\nabc", [400]),
    "a hexadecimal length": (HEAD + b"Content-Length: 0x3\r\n\r\nabc", [400]),
    "an empty length": (HEAD + b"Content-Length: \r\n\r\nabc", [400]),
    "a length of 2**64": (HEAD + b"Content-Length: 18446744073709551616\r\n\r\nabc", [400]),
    "chunked twice": (HEAD + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n" + CHUNKS, [400]),
    "an unknown transfer encoding": (HEAD + b"Transfer-Encoding: chunked, x\r\n\r\n" + CHUNKS, [400]),
    "chunked, misspelt": (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS, [400]),
    "chunked, after a tab": (HEAD + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + CHUNKS, [400]),
    "a blank before the colon": (HEAD + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS, [400]),
    "a folded header": (HEAD + b"X-Note: one\r\n two\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n", [400]),
    "a line that is no header": (HEAD + b"nothing\r\n\r\n", [400]),
    "a bare line feed in a header": (HEAD + b"X-Note: one\nX-Other: two\r\n" + LENGTH + b"\r\n" + SAMPLE, [400]),
    "a NUL in a header": (HEAD + b"X-Note: a\x00b\r\n" + LENGTH + b"\r\n" + SAMPLE, [400]),
    "a chunk size that is no number": (HEAD + CHUNKED + b"\r\nzz\r\n" + SAMPLE, [400]),
    "a chunk size of 2**68": (HEAD + CHUNKED + b"\r\n100000000000000000\r\n" + SAMPLE, [400]),
    "a negative chunk size": (HEAD + CHUNKED + b"\r\n-1\r\n" + SAMPLE, [400]),
    "a chunk longer than its size": (HEAD + CHUNKED + b"\r\n3\r\nabcdef\r\n0\r\n\r\n", [400]),
    "more after the length": (HEAD + b"Content-Length: 0\r\n\r\nnot a request\r\n\r\n", [200]),
    "no length": (HEAD + b"\r\n" + SAMPLE, [411]),
    "no length, and nothing": (HEAD + b"\r\n", [411]),
    "no length, and an upgrade": (HEAD + UPGRADE + b"\r\n" + SAMPLE, [411]),
    "a bad chunk": (BAD_CHUNK, [400]),
    "a bad chunk after a good delivery": (GOOD + BAD_CHUNK, [200]),
    "a bad chunk after a page": (b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n" + BAD_CHUNK, [200]),
    "a bad head after good deliveries": (GOOD * 3 + b"nothing\r\n\r\n", [200, 200, 200]),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, [400]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    "HTTP/9.9": (b"GET /health HTTP/9.9\r\n\r\n", [400]),
    "a method that does not exist": (b"STEAL / HTTP/1.1\r\nHost: test\r\n\r\n", [400]),
    "a path that is not ASCII": (b"GET /\xff\xfe HTTP/1.1\r\nHost: test\r\n\r\n", [400]),
    "no path": (b"GET  HTTP/1.1\r\nHost: test\r\n\r\n", [400]),
    "connect": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: test\r\n\r\n", [400]),
    "10,000 headers": (HEAD + b"X-A: b\r\n" * 10_000 + LENGTH + b"\r\n" + SAMPLE, [431]),
    "a header of 1 MiB": (HEAD + b"X-Note: " + b"x" * 2**20 + b"\r\n" + LENGTH + b"\r\n" + SAMPLE, [431]),
    "a path of 1 MiB": (b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\nHost: test\r\n\r\n", [431]),
    "a trailer of 1 MiB": (HEAD + CHUNKED + b"\r\n0\r\nX-Note: " + b"x" * 2**20 + b"\r\n\r\n", [431]),
}

# What is not to be mistaken for an attack: the statuses, on a connection that is good for another request after.
ANSWERED = {
    "a query": (HEAD.replace(b"event ", b"event?a=%00&b=1 ") + LENGTH + b"\r\n" + SAMPLE, [200]),
    "the whole address": (HEAD.replace(b"POST ", b"POST http://test") + LENGTH + b"\r\n" + SAMPLE, [200]),
    "chunked in capitals": (HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n" + CHUNKS, [200]),
    "chunk extensions": (HEAD + CHUNKED + b"\r\n3;a=b\r\nabc\r\n0;c\r\n\r\n", [200]),
    "a trailer": (HEAD + CHUNKED + b"\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", [200]),
    "another upgrade": (b"GET /health HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", [200]),
    "an upgrade by length": (HEAD + UPGRADE + LENGTH + b"\r\n" + SAMPLE, [200]),
    "an upgrade in chunks": (HEAD + UPGRADE + CHUNKED + b"\r\n" + CHUNKS, [200]),
    "upgrades, pipelined": ((HEAD + UPGRADE + LENGTH + b"\r\n" + SAMPLE) * 3, [200, 200, 200]),
    "an upgrade with a wrong key": ((HEAD + UPGRADE + LENGTH + b"\r\n").replace(KEY.encode(), b"no") + SAMPLE, [403]),
    "encoded, said first": (
        HEAD + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n" + GOOD[len(HEAD) :],
        [415],
    ),
    "encoded, said last": (
        HEAD + b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n" + GOOD[len(HEAD) :],
        [415],
    ),
    "encoded for the transfer": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS, [415]),
    "encoded for the transfer, in two lines": (
        HEAD + b"Transfer-Encoding: gzip\r\n" + CHUNKED + b"\r\n" + CHUNKS,
        [415],
    ),
    "blanks after the key": (
        GOOD.replace(b"Authorization: Bearer " + KEY.encode(), b"X-API-Key: " + KEY.encode() + b" \t"),
        [200],
    ),
    "a wrong key, pipelined": ((HEAD.replace(KEY.encode(), b"no") + LENGTH + b"\r\n" + SAMPLE) * 3, [403, 403, 403]),
    "an encoded path": (HEAD.replace(b"/event ", b"/%65vent ") + LENGTH + b"\r\n" + SAMPLE, [200]),
    "two dots in the path": (HEAD.replace(b"/v0/", b"/v0/../v0/") + LENGTH + b"\r\n" + SAMPLE, [404]),
    "two slashes": (HEAD.replace(b"/v0/", b"//v0/") + LENGTH + b"\r\n" + SAMPLE, [404]),
    "put": (HEAD.replace(b"POST", b"PUT") + LENGTH + b"\r\n" + SAMPLE, [405]),
    "100 headers": (HEAD + b"X-A: b\r\n" * 100 + LENGTH + b"\r\n" + SAMPLE, [200]),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with running(tmp_path_factory.mktemp("abuse") / "home", workers=1) as receiver:
        yield receiver


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_can_be_read_two_ways_is_refused_and_the_connection_closed(server: Receiver, case: str) -> None:
    data, statuses = REFUSED[case]
    before = len(server.stored())
    assert _statuses(_converse(server, data + SMUGGLED)) == statuses
    assert len(server.stored()) - before == (statuses.count(200) if data.startswith(b"POST") else 0)
    _assert_unharmed(server)


@pytest.mark.parametrize("case", ANSWERED)
def test_an_unusual_request_is_answered(server: Receiver, case: str) -> None:
    data, statuses = ANSWERED[case]
    before = len(server.stored())
    received = b""
    with server.send_raw(data) as plain:
        while len(_statuses(received)) < len(statuses):
            part = plain.recv(65536)
            assert part, received
            received += part
    assert _statuses(received) == statuses
    events = statuses.count(200) if data.startswith(b"POST") else 0
    stored = server.stored()[before:]
    assert len(stored) == events
    assert {delivery.body for delivery in stored} <= {SAMPLE, b"abc"}
    _assert_unharmed(server)


@pytest.mark.parametrize(
    "start", [b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3e8\r\n"], ids=["length", "chunked"]
)
def test_a_body_shorter_than_it_says_is_not_stored(server: Receiver, start: bytes) -> None:
    before = len(server.stored())
    with server.send_raw(HEAD + start + b"x" * 999) as plain:
        plain.shutdown(socket.SHUT_WR)
        assert plain.recv(100) == b""
    assert len(server.stored()) == before
    _assert_unharmed(server)


def test_bodies_of_strangers_are_not_kept_in_memory(server: Receiver) -> None:
    head = HEAD.replace(KEY.encode(), b"wrong") + b"Content-Length: 50000000\r\n\r\n"
    before = resident_bytes(server.process.pid)
    sockets = [server.send_raw(head) for _ in range(20)]
    for plain in sockets:
        plain.sendall(b"x" * 10_000_000)
    assert resident_bytes(server.process.pid) - before < 20 * 2**20
    for plain in sockets:
        with plain:
            assert plain.recv(100).startswith(b"HTTP/1.1 403 ")


def test_a_body_that_nobody_wants_is_not_read_for_ever(server: Receiver) -> None:
    with server.send_raw(HEAD.replace(KEY.encode(), b"wrong") + b"Content-Length: 1000000000000\r\n\r\n") as plain:
        sent = 0
        while sent < 10**9:
            try:
                plain.sendall(b"x" * 2**20)
            except (ConnectionResetError, BrokenPipeError):
                break
            sent += 2**20
    assert sent < 100 * 2**20


def test_bodies_being_received_have_a_limit_together(tmp_path: Path) -> None:
    with running(tmp_path / "home", {"WAREHOUSE_QUEUE_BYTES": "4MiB"}, workers=1) as receiver:
        before = resident_bytes(receiver.process.pid)
        sockets = [receiver.send_raw(HEAD + b"Content-Length: 3000001\r\n\r\n") for _ in range(20)]
        for plain in sockets:
            plain.sendall(b"x" * 3_000_000)
        deadline = time.monotonic() + 20
        while receiver.metrics().get('newstore_requests_total{answer="429"}', 0) < 19:
            assert time.monotonic() < deadline
        assert resident_bytes(receiver.process.pid) - before < 30 * 2**20
        statuses = []
        for plain in sockets:
            with plain:
                plain.sendall(b"x")
                statuses.append(_statuses(plain.recv(4096))[0])
        assert sorted(statuses) == [200] + [429] * 19
        assert [delivery.body for delivery in receiver.stored()] == [b"x" * 3_000_001]
        _assert_unharmed(receiver)


def test_what_was_refused_before_there_was_a_request_is_counted(tmp_path: Path) -> None:
    with running(tmp_path / "home", workers=2) as receiver:
        _converse(receiver, b"nothing\r\n\r\n")
        _converse(receiver, REFUSED["10,000 headers"][0])
        metrics = receiver.metrics()
    assert metrics['newstore_requests_total{answer="400"}'] == metrics['newstore_requests_total{answer="431"}'] == 1


HALF_CLOSED = {
    "deliveries": (GOOD * 3, [200, 200, 200]),
    "pages": (b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n" * 3, [200, 200, 200]),
    "a delivery, and half of another one": (GOOD + GOOD[:-1], [200]),
    "half a head": (GOOD + HEAD, [200]),
    "nothing": (b"", []),
}


@pytest.mark.parametrize("case", HALF_CLOSED)
def test_a_client_that_sends_no_more_gets_its_answers(server: Receiver, case: str) -> None:
    data, statuses = HALF_CLOSED[case]
    before = len(server.stored())
    received = b""
    with server.send_raw(data) as plain:
        plain.shutdown(socket.SHUT_WR)
        while part := plain.recv(65536):
            received += part
    assert _statuses(received) == statuses
    assert len(server.stored()) - before == (statuses.count(200) if data.startswith(b"POST") else 0)
    _assert_unharmed(server)


def test_clients_that_vanish_leave_no_line_in_the_log(server: Receiver) -> None:
    page = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"
    before = len(server.errors().splitlines())
    for seconds in (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3):
        for data in (page * 200, GOOD * 200, page * 3 + BAD_CHUNK, GOOD[:-1], HEAD):
            with server.send_raw(data) as plain:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                time.sleep(seconds)
    _assert_unharmed(server)
    assert len(server.errors().splitlines()) == before


def _converse(receiver: Receiver, data: bytes) -> bytes:
    """All that comes back when `data` is sent and nothing more."""
    received = b""
    with receiver.send_raw(b"") as plain:
        try:
            plain.sendall(data)
            while part := plain.recv(65536):
                received += part
        except (ConnectionResetError, BrokenPipeError):
            # We were still sending when the receiver had had enough.
            pass
    return received


def _statuses(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", received)]


def _assert_unharmed(receiver: Receiver) -> None:
    connection = receiver.connect()
    assert [exchange(connection, body=SAMPLE).status, exchange(connection, body=SAMPLE).status] == [200, 200]
    connection.close()
    assert "Traceback" not in receiver.errors()
    assert "Exception" not in receiver.errors()
