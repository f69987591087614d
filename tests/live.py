"""A real receiver in a process of its own, and clients that speak to it over real sockets."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from warehouse.delivery.delivery import Delivery
from warehouse.journal import Damage, Reason, list_journals, read_journal

ROOT = Path(__file__).parents[1]
KEY = "test-key"
EVENT_PATH = "/newstore_api/v0/event"
START_SECONDS = 90.0
STOP_SECONDS = 30.0


class Response(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """A receiver that serves `home` on a free port of this machine; `errors()` is what it wrote to stderr so far."""

    def __init__(self, home: Path, command: Sequence[str], environ: Mapping[str, str], port: int) -> None:
        self.home = home
        self.port = port
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=home.parent,
            env={**inherited, "PYTHONPATH": str(ROOT), "WAREHOUSE_HOME": str(home), **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        # A pipe: a file would fall under the same limits as the journal does in some tests.
        self._errors: list[str] = []
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.kill()
        if error is not None:
            sys.stderr.write(f"--- the receiver wrote:\n{self.errors()}---\n")

    def wait_until_ready(self) -> "Receiver":
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the receiver ended with {self.process.returncode}: {self.errors()}"
            try:
                if self.get("/ready").status == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.02)
        raise TimeoutError(f"not ready after {START_SECONDS} s: {self.errors()}")

    def errors(self) -> str:
        if self.process.poll() is not None:
            self._reader.join(STOP_SECONDS)
        return "".join(self._errors)

    def stop(self) -> int:
        """End it politely; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        assert not self._reader.is_alive(), "a worker outlives the server"
        return code

    def kill(self) -> None:
        """End it and its workers at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(STOP_SECONDS)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def get(self, path: str) -> Response:
        return self.request("GET", path)

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
        """Deliver a body as NewStore does, on a connection of its own."""
        return self.request("POST", EVENT_PATH, body, headers)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        connection = self.connect()
        try:
            return exchange(connection, method, path, body, headers)
        finally:
            connection.close()

    def send_raw(self, data: bytes) -> socket.socket:
        """A socket on which `data` has been sent and nothing been read."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        plain.sendall(data)
        return plain

    def stored(self) -> list[Delivery]:
        """All deliveries in the journals of the home, in the order of the journals; a torn tail is no damage."""
        damage: list[Damage] = []
        deliveries = [
            delivery
            for path in list_journals(self.home / "journal")
            for _, delivery in read_journal(path, on_damage=damage.append)
        ]
        assert {one.reason for one in damage} <= {Reason.TORN_TAIL}, damage
        return deliveries

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels: `newstore_requests_total{answer="200"}`."""
        samples = {}
        for family in text_string_to_metric_families(self.get("/metrics").body.decode()):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                samples[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return samples

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            self._errors.extend(lines)


def exchange(
    connection: http.client.HTTPConnection,
    method: str = "POST",
    path: str = EVENT_PATH,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One request and its whole answer; the event route gets the key unless headers are given."""
    if headers is None:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    connection.request(method, path, body, dict(headers))
    response = connection.getresponse()
    return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def resident_bytes(pid: int) -> int:
    """What a process has in memory."""
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) * 1024


def start(home: Path, environ: Mapping[str, str] | None = None, workers: int | None = None) -> Receiver:
    """Start `uvicorn receiver.app:app`, or with `workers` `warehouse serve`; nobody has waited for it yet."""
    port = free_port()
    environ = {"WAREHOUSE_API_KEYS": KEY, **(environ or {})}
    if workers is None:
        return Receiver(home, ["-m", "uvicorn", "receiver.app:app", "--port", str(port)], environ, port)
    command = ["-m", "warehouse", "serve", "--port", str(port), "--workers", str(workers)]
    return Receiver(home, command, environ, port)


@contextmanager
def running(home: Path, environ: Mapping[str, str] | None = None, workers: int | None = None) -> Iterator[Receiver]:
    """A receiver that is ready, and gone after the block."""
    with start(home, environ, workers) as receiver:
        yield receiver.wait_until_ready()


def envelope(number: int, **payload: object) -> bytes:
    """A delivery of its own for each number."""
    return json.dumps(
        {
            "tenant": "test",
            "name": "order.created",
            "published_at": "2026-01-02T03:04:05.678Z",
            "payload": {"id": f"order-{number}", **payload},
        }
    ).encode()
