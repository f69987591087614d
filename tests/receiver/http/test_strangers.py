"""Whoever shows no key is bounded: in memory, in descriptors, in guesses. Whoever shows one never notices."""

import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from receiver.intake.guesses import ADDRESSES, AT_ONCE, Guesses
from tests.live import EVENT_PATH, KEY, Receiver, envelope, exchange, free_port, resident_bytes, running

WRONG = b"POST %b HTTP/1.1\r\nHost: test\r\nX-API-Key: wrong\r\nContent-Length: 2\r\n\r\n{}" % EVENT_PATH.encode()
REQUESTS = {
    "a page": b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n",
    "no page": b"GET /nothing HTTP/1.1\r\nHost: test\r\n\r\n",
    "a wrong key": WRONG,
}
DESCRIPTORS = 128
STRANGERS = 400
LIMITED = f"""
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS}))
os.execv(sys.executable, [sys.executable, "-m", "warehouse", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with running(tmp_path_factory.mktemp("strangers") / "home", workers=1) as receiver:
        yield receiver


@contextmanager
def few_descriptors(home: Path) -> Iterator[Receiver]:
    """A receiver that may open 128 files, and begins a new journal after a few large deliveries."""
    port = free_port()
    environ = {"WAREHOUSE_API_KEYS": KEY, "WAREHOUSE_JOURNAL_SIZE": "1MiB"}
    with Receiver(home, ["-c", LIMITED, "serve", "--port", str(port)], environ, port) as receiver:
        yield receiver.wait_until_ready()


@pytest.mark.parametrize("reads", [True, False], ids=["read", "unread"])
@pytest.mark.parametrize("case", REQUESTS)
def test_requests_sent_ahead_of_their_answers_take_no_memory(server: Receiver, case: str, reads: bool) -> None:
    data = REQUESTS[case] * 2000
    before = resident_bytes(server.process.pid)
    sent, end = 0, time.monotonic() + 1
    while time.monotonic() < end:
        plain = server.send_raw(b"")
        plain.settimeout(0.3)
        with plain, suppress(OSError):
            while time.monotonic() < end:
                sent += plain.send(data)
                if reads:
                    plain.recv(2**20)
    assert sent > 10 * len(REQUESTS[case])
    assert resident_bytes(server.process.pid) - before < 25 * 2**20
    assert server.post(envelope(1)).status == 200


def test_idle_strangers_leave_descriptors_to_those_who_deliver(tmp_path: Path) -> None:
    body = envelope(1, note="x" * 300_000)
    with few_descriptors(tmp_path / "home") as receiver, ExitStack() as strangers:
        connection = receiver.connect()
        statuses = [exchange(connection, body=body).status]
        for number in range(STRANGERS):
            plain = strangers.enter_context(socket.create_connection(("127.0.0.1", receiver.port), timeout=30))
            if number % 3:
                # The others are merely there.
                plain.sendall(b"POST / HTTP/1.1\r\n" if number % 3 == 1 else REQUESTS["a page"])
            if number % 40 == 0:
                # On the connection that is open for long, and on a new one; some of them begin a journal.
                statuses += [exchange(connection, body=body).status, receiver.post(body).status]
        connection.close()
        assert statuses == [200] * len(statuses)
        stored = receiver.stored()
        assert len(stored) == len(statuses)
        assert len(list((receiver.home / "journal").glob("*"))) > 4
        assert receiver.metrics()["newstore_journal_failures_total"] == 0
        assert "Traceback" not in receiver.errors()
        assert len(receiver.errors().splitlines()) < 5


def test_a_connection_with_a_key_is_closed_for_no_stranger(tmp_path: Path) -> None:
    with few_descriptors(tmp_path / "home") as receiver, ExitStack() as strangers:
        connections = [receiver.connect() for _ in range(20)]
        for connection in connections:
            assert exchange(connection, body=envelope(1)).status == 200
        sockets = [connection.sock for connection in connections]
        for _ in range(STRANGERS):
            strangers.enter_context(socket.create_connection(("127.0.0.1", receiver.port), timeout=30))
        for connection, before in zip(connections, sockets, strict=True):
            assert exchange(connection, body=envelope(2)).status == 200
            assert connection.sock is before
            connection.close()


def test_wrong_keys_have_a_bound_and_right_ones_have_none(tmp_path: Path) -> None:
    with running(tmp_path / "home", workers=1) as receiver:
        statuses: list[int] = []
        right = receiver.connect()
        while statuses.count(429) < 20:
            connection = receiver.connect()
            with suppress(http.client.RemoteDisconnected):
                for _ in range(50):
                    answer = exchange(connection, body=b"{}", headers={"X-API-Key": f"guess-{len(statuses)}"})
                    statuses.append(answer.status)
                    if answer.status == 429:
                        assert answer.headers["connection"] == "close"
                        break
            connection.close()
            assert exchange(right, body=envelope(len(statuses))).status == 200
        right.close()
        assert set(statuses) == {403, 429}
        assert statuses[:AT_ONCE] == [403] * AT_ONCE
        # Whoever shows none guesses nothing; the page of a browser is a door as well.
        assert receiver.post(b"{}", {}).status == 403
        basic = {"Authorization": "Basic bmFtZTpndWVzcw=="}
        assert 429 in [receiver.request("GET", "/", headers=basic).status for _ in range(20)]
        assert receiver.request("GET", "/", headers={}).status == 401
        assert receiver.request("GET", "/", headers={"X-API-Key": KEY}).status == 200
        assert receiver.metrics()['newstore_requests_total{answer="429"}'] == 0
        assert len(receiver.errors().splitlines()) < 5


def test_guesses_are_counted_by_address_and_forgotten() -> None:
    guesses = Guesses()
    assert not any(guesses.are_too_many("10.0.0.1") for _ in range(AT_ONCE))
    assert any(guesses.are_too_many("10.0.0.1") for _ in range(5))
    assert not guesses.are_too_many("10.0.0.2")
    assert not any(guesses.are_too_many(f"2001:db8::{number:x}") for number in range(AT_ONCE))
    assert any(guesses.are_too_many("2001:db8::ffff:1") for _ in range(5))
    assert not guesses.are_too_many("2001:db8:1::1")
    for number in range(2 * ADDRESSES):
        guesses.are_too_many(f"10.1.{number >> 8}.{number & 255}")
    assert not guesses.are_too_many("10.0.0.1")
