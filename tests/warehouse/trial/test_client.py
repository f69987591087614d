"""What is posted arrives once for each body, in spite of answers that ask for it again; refusals are told plainly."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.live import KEY, envelope, free_port, running
from warehouse.errors import PostError
from warehouse.trial.client import ATTEMPTS, EVENT_PATH, post


@contextmanager
def answering(*answers: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """The address of a server that gives these answers in turn, the last for ever, and what it was asked."""
    asked: list[tuple[str, bytes]] = []
    remaining = list(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, body))
            self.send_response(remaining.pop(0) if len(remaining) > 1 else remaining[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test asks what was said."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def test_every_body_is_on_the_receivers_disk(home: Path) -> None:
    bodies = [envelope(number) for number in range(200)]
    told: list[int] = []
    with running(home) as receiver:
        report = post(f"http://127.0.0.1:{receiver.port}", KEY, bodies, 8, progress=lambda done, _: told.append(done))
        stored = sorted(delivery.body for delivery in receiver.stored())
    assert (report.delivered, report.repeated) == (200, 0)
    assert stored == sorted(bodies)
    assert told == list(range(1, 201))


def test_one_connection_keeps_the_order() -> None:
    bodies = [b"%d" % number for number in range(20)]
    with answering(200) as (address, asked):
        post(address, "key", bodies, connections=1)
    assert asked == [(EVENT_PATH, body) for body in bodies]


def test_what_could_not_be_stored_is_posted_again() -> None:
    with answering(500, 429, 200) as (address, asked):
        report = post(address, "key", [b"{}"])
    assert (report.delivered, report.repeated) == (1, 2)
    assert asked == [(EVENT_PATH, b"{}")] * 3


def test_a_wrong_key_is_refused_at_once(home: Path) -> None:
    with running(home) as receiver:
        with pytest.raises(PostError, match="refused with 403") as raised:
            post(f"http://127.0.0.1:{receiver.port}", "wrong-secret", [envelope(1), envelope(2)])
        assert receiver.stored() == []
    assert "--key" in raised.value.hint
    assert "wrong-secret" not in str(raised.value)


def test_an_address_with_a_path_is_taken_as_it_is() -> None:
    with answering(404) as (address, asked), pytest.raises(PostError, match="refused with 404"):
        post(f"{address}/hook", "key", [b"{}"])
    assert asked == [("/hook", b"{}")]


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://example.com", "http://", "http://[::1"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(PostError, match="not an address"):
        post(url, "key", [b"{}"])


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warehouse.trial.client.FIRST_PAUSE", 0.001)
    with pytest.raises(PostError, match=f"not delivered after {ATTEMPTS} attempts"):
        post(f"http://127.0.0.1:{free_port()}", "key", [b"{}"])
