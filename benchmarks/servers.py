"""The receivers that are compared, all on the same uvicorn with the same options, and the load that is put on them."""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.machine import CLIENT, ROOT, SERVER, cpu_seconds, free_port, on, running
from benchmarks.plan import Plan
from warehouse.trial.load_generator import Load, load

KEY: Final = "benchmark"
OURS: Final = "this receiver"
BARE_ASGI: Final = "bare ASGI callable"
BARE_ROUTE: Final = "bare Starlette route"
SQLITE: Final = "Starlette + SQLite"
POSTGRES: Final = "Starlette + PostgreSQL"
DUCKDB: Final = "Starlette + DuckDB"
MODULES: Final = {
    BARE_ASGI: "benchmarks.receiver_bare_asgi",
    BARE_ROUTE: "benchmarks.receiver_bare_starlette",
    SQLITE: "benchmarks.receiver_sqlite",
    POSTGRES: "benchmarks.receiver_postgres",
    DUCKDB: "benchmarks.receiver_duckdb",
}
UVICORN: Final = (
    *("--http", "httptools", "--loop", "uvloop", "--ws", "none", "--no-access-log", "--no-server-header"),
    *("--no-proxy-headers", "--log-level", "warning", "--backlog", "2048", "--timeout-keep-alive", "75"),
)
SAMPLE: Final = ROOT / "tests" / "data" / "order_created.json"


class Measured(msgspec.Struct, frozen=True):
    """A load, and the processor time of the server for each event, in seconds."""

    load: Load
    cpu: float


class Server:
    """One of the receivers while it runs."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, home: Path) -> None:
        self.process = process
        self.home = home
        self._url = f"http://127.0.0.1:{port}"

    def load(self, connections: int, seconds: float, cores: Sequence[int] = CLIENT) -> Measured:
        """Post for so long over so many connections. Exits unless everything was answered 200."""
        before = cpu_seconds(self.process)
        load = self._post(connections, seconds, cores)
        if load.failed or not load.answered:
            sys.exit(f"Error: {load.failed} of {load.answered + load.failed} deliveries were not answered 200.")
        return Measured(load, (cpu_seconds(self.process) - before) / load.answered)

    def warm_up(self, seconds: float) -> None:
        """Let it make its first connections, files and caches."""
        self._post(16, min(seconds, 1), CLIENT)

    def _post(self, connections: int, seconds: float, cores: Sequence[int]) -> Load:
        if load_generator(seconds) == "wrk":
            return _wrk(self._url, connections, seconds, cores, self.home)
        return _python(self._url, connections, seconds, cores)


@contextmanager
def serving(
    kind: str, plan: Plan, environ: Mapping[str, str] | None = None, workers: int = 1, cores: Sequence[int] = SERVER
) -> Iterator[Server]:
    """A receiver with a home of its own, warmed up."""
    port = free_port()
    with tempfile.TemporaryDirectory(dir=plan.folder, prefix="home-") as name:
        home = Path(name)
        if kind == OURS:
            command = ["-m", "warehouse", "serve", "--port", str(port), "--workers", str(workers)]
        else:
            command = ["-m", "uvicorn", f"{MODULES[kind]}:app", "--port", str(port), *UVICORN]
        ours = {"WAREHOUSE_HOME": name, "WAREHOUSE_API_KEYS": KEY, "BENCHMARK_HOME": name}
        (home / "event.json").write_bytes(sample())
        with running([sys.executable, *command], {**ours, **(environ or {})}, cores, port, home / "log") as process:
            server = Server(process, port, home)
            server.warm_up(plan.seconds)
            yield server


def sample() -> bytes:
    """NewStore's documented order.created as its stream sends it: on one line, 2,165 bytes."""
    return json.dumps(json.loads(SAMPLE.read_bytes()), separators=(",", ":")).encode()


def template() -> tuple[bytes, bytes]:
    """What comes before and after the key in `sample`."""
    key = json.loads(SAMPLE.read_bytes())["payload"]["id"].encode()
    before, _, after = sample().partition(key)
    return before, after


def load_generator(seconds: float) -> str:
    """What posts in loads of this length: wrk knows whole seconds only."""
    return "wrk" if shutil.which("wrk") and seconds >= 1 else "warehouse.trial.load_generator"


def _wrk(url: str, connections: int, seconds: float, cores: Sequence[int], home: Path) -> Load:
    script, salt = Path(__file__).with_name("receiver_load.lua"), str(time.time_ns() // 1000 % 10**12)
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds:.0f}s", "--timeout", "10s"]
    command = ["wrk", *options, "--script", str(script), url, "--", str(home / "event.json"), salt]
    ran = subprocess.run(on(cores, command), check=True, stdout=subprocess.PIPE)
    return msgspec.json.decode(ran.stdout.splitlines()[-1], type=Load)


def _python(url: str, connections: int, seconds: float, cores: Sequence[int]) -> Load:
    command = [sys.executable, "-m", "benchmarks.servers", url, str(connections), str(seconds)]
    ran = subprocess.run(on(cores, command), check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return msgspec.json.decode(ran.stdout, type=Load)


if __name__ == "__main__":
    result = load(sys.argv[1], KEY, template(), int(sys.argv[2]), float(sys.argv[3]))
    sys.stdout.buffer.write(msgspec.json.encode(result))
