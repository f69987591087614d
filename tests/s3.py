"""A real S3 server in a process of its own, and a proxy before it that fails as networks and services do."""

import http.client
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.live import free_port

BUCKET = "backups"
TARGET = f"s3://{BUCKET}/newstore"
FAULTS = ("500", "503", "cut before", "cut after", "cut in the middle", "slow")
START_SECONDS = 90.0
BUSY = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'


def environ_of(port: int) -> dict[str, str]:
    """What leads an AWS program to a server on this machine."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "marked-access-key",
        "AWS_SECRET_ACCESS_KEY": "marked-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def s3_server() -> Iterator[int]:
    """Moto's server with an empty bucket; its port."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WAREHOUSE_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        env=inherited,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert process.poll() is None, "the S3 server ended"
            with suppress(OSError):
                client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                client.request("PUT", f"/{BUCKET}")
                if client.getresponse().status == 200:
                    client.close()
                    break
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


class Proxy:
    """Passes requests on to a server; a share of them meets a fault. `down` refuses all."""

    def __init__(self, upstream: int, chance: random.Random, share: float) -> None:
        self.share = share
        self.down = False
        self.met: Counter[str] = Counter()
        self._upstream = upstream
        self._chance = chance
        self._turn = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                with suppress(OSError, http.client.HTTPException):
                    proxy.handle(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - so http.server calls them

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fault = self._fault()
        if fault in ("500", "503"):
            self._answer(request, int(fault), {}, BUSY)
        elif fault == "cut before":
            _cut(request)
        else:
            if fault == "slow":
                time.sleep(1.0)
            upstream = http.client.HTTPConnection("127.0.0.1", self._upstream, timeout=60)
            upstream.request(request.command, request.path, body, dict(request.headers.items()))
            answer = upstream.getresponse()
            data = answer.read()
            upstream.close()
            if fault == "cut after":
                _cut(request)
            else:
                cut = len(data) // 2 if fault == "cut in the middle" else None
                self._answer(request, answer.status, dict(answer.getheaders()), data, cut)

    def _fault(self) -> str:
        with self._turn:
            if self.down:
                fault = self._chance.choice(("500", "503", "cut before"))
            else:
                fault = self._chance.choice(FAULTS) if self._chance.random() < self.share else ""
            self.met[fault or "none"] += 1
        return fault

    def _answer(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        headers: dict[str, str],
        data: bytes,
        cut: int | None = None,
    ) -> None:
        request.send_response_only(status)
        length = headers.get("Content-Length", str(len(data))) if request.command == "HEAD" else str(len(data))
        passed = {"connection", "transfer-encoding", "content-length"}
        for name, value in headers.items():
            if name.lower() not in passed:
                request.send_header(name, value)
        request.send_header("Content-Length", length)
        request.end_headers()
        if request.command != "HEAD" and status != 204:
            request.wfile.write(data if cut is None else data[:cut])
        if cut is not None:
            _cut(request)


def _cut(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)
