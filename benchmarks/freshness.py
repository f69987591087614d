"""How long after the answer 200 an analyst sees an event: `warehouse up` under a steady stream, polled in the lake.

make benchmark-freshness ARGS="--minutes 5"     # five minutes at 200 events a second
make benchmark-freshness ARGS="--seconds 10 --rate 50 --json"

The stream is the simulator's, all kinds of events; every tenth is an order of our own whose number is looked for.
"""

import argparse
import asyncio
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psutil  # type: ignore[import-untyped]  # it has no types

import warehouse
from warehouse.errors import LakeError
from warehouse.journal.replay import replay
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.simulator import simulate, write_ndjson

KEY = "benchmark-key"
EVENT_PATH = "/newstore_api/v0/event"
CONNECTIONS = 16
MARKED = 10
POLL_SECONDS = 0.2
# After the last answer, the events that are not shown yet get so long.
PATIENCE_SECONDS = 120.0
TARGETS = {"p50": 5.0, "p95": 10.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make benchmark-freshness", description=__doc__.split("\n\n")[0])
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=1.0)
    length.add_argument("--seconds", type=float)
    parser.add_argument("--rate", type=float, default=200.0, help="events a second (default: 200)")
    parser.add_argument("--history", type=int, default=0, help="events in the log before it begins (default: none)")
    parser.add_argument("--watch", type=float, default=1.0, help="seconds from refresh to refresh (default: 1)")
    parser.add_argument("--work", type=Path, help="folder for the home (default: the system's for temporary files)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    seconds = options.seconds or options.minutes * 60
    with tempfile.TemporaryDirectory(prefix="freshness-", dir=options.work) as work:
        home = Path(work) / "home"
        prepare(home, options.history)
        figures = measure(home, seconds, options.rate, options.watch)
    figures["history"] = options.history
    print(json.dumps(figures, indent=2) if options.json else table(figures))


def prepare(home: Path, events: int) -> None:
    """A home with so much history, refreshed once: what is measured is a warehouse at work, not its first start."""
    settings = Settings(home=home)
    if events:
        file = home.with_suffix(".ndjson")
        write_ndjson(simulate(events=events, seed=7), file)
        replay(settings, [file])
    refresh(settings)


def measure(home: Path, seconds: float, rate: float, watch: float) -> dict[str, Any]:
    """Post for so long, poll until all marked events are seen, and stop the warehouse politely."""
    port = free_port()
    environ = {**os.environ, "WAREHOUSE_API_KEYS": KEY}
    command = [sys.executable, "-m", "warehouse", "up", "--home", str(home), "--port", str(port), "--watch", f"{watch}"]
    log = home.with_suffix(".log")
    with log.open("wb") as stderr, subprocess.Popen(command, env=environ, stdout=stderr, stderr=stderr) as up:
        try:
            wait_until_ready(port, up, log)
            before = memory_of(up.pid)
            acknowledged: dict[str, float] = {}
            seen: dict[str, float] = {}
            over = threading.Event()
            poller = threading.Thread(target=poll, args=(home, acknowledged, seen, over))
            poller.start()
            posted = asyncio.run(post(port, seconds, rate, acknowledged))
            deadline = time.monotonic() + PATIENCE_SECONDS
            while len(seen) < len(acknowledged) and time.monotonic() < deadline and poller.is_alive():
                time.sleep(POLL_SECONDS)
            over.set()
            poller.join()
            after = memory_of(up.pid)
        finally:
            up.terminate()
            code = up.wait(PATIENCE_SECONDS + 60)
    lags = sorted(seen[mark] - acknowledged[mark] for mark in seen)
    return {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "seconds": seconds,
        "rate": rate,
        "posted": posted,
        "marked": len(acknowledged),
        "seen": len(seen),
        "p50": quantile(lags, 0.5),
        "p95": quantile(lags, 0.95),
        "max": lags[-1] if lags else None,
        "refreshes": len(re.findall(r"batch \d+: ", log.read_text())),
        "memory_before": before,
        "memory_after": after,
        "exit_code": code,
    }


async def post(port: int, seconds: float, rate: float, acknowledged: dict[str, float]) -> int:
    """Post at a steady rate; the number of events answered 200, and in `acknowledged` the moment of each marked one."""
    total = int(seconds * rate)
    bodies = iter(simulate(events=total, seed=int(time.time())))
    began = time.monotonic()
    numbers, stored = iter(range(total)), 0
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    async def post_some(client: httpx.AsyncClient) -> None:
        nonlocal stored
        for number in numbers:
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            mark = f"mark-{number:08}" if number % MARKED == 0 else None
            body = marked(mark) if mark else next(bodies, marked(f"more-{number}"))
            answer = await client.post(f"http://127.0.0.1:{port}{EVENT_PATH}", content=body, headers=headers)
            answer.raise_for_status()
            stored += 1
            if mark:
                acknowledged[mark] = time.monotonic()

    async with httpx.AsyncClient(timeout=60) as client, asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(post_some(client))
    return stored


def marked(order_id: str) -> bytes:
    item = {"id": f"{order_id}-1", "item_type": "product", "product_id": "marked", "pricebook_price": 10}
    payload = {
        "id": order_id,
        "currency": "EUR",
        "placed_at": "2026-01-02T03:04:05Z",
        "grand_total": 10,
        "items": [item],
    }
    published_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return json.dumps(
        {"tenant": "fresh", "name": "order.created", "published_at": published_at, "payload": payload}
    ).encode()


def poll(home: Path, acknowledged: dict[str, float], seen: dict[str, float], over: threading.Event) -> None:
    """Look into the marts, as somebody does who waits for an order, until all are seen or it is over."""
    query = "select order_id from marts.fct_orders where tenant = 'fresh' and order_id >= ? and order_id like 'mark-%'"
    with warehouse.connect(home) as con:
        while not over.is_set():
            waiting = [mark for mark in list(acknowledged) if mark not in seen]
            if waiting:
                try:
                    found = con.execute(query, [min(waiting)]).fetchall()
                except duckdb.Error as error:
                    raise LakeError(f"a reader was disturbed: {error}", "this is what must not happen") from error
                now = time.monotonic()
                for (mark,) in found:
                    if mark in acknowledged:
                        seen.setdefault(mark, now)
            over.wait(POLL_SECONDS)


def wait_until_ready(port: int, up: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if up.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"Error: `warehouse up` is not ready.\n{log.read_text()}")


def memory_of(supervisor: int) -> dict[str, int]:
    """Bytes in memory of the supervisor and of each process under it, by what it does."""
    found = {"supervisor": psutil.Process(supervisor).memory_info().rss}
    for process in psutil.Process(supervisor).children(recursive=True):
        words = process.cmdline()
        name = next((word for word in ("serve", "refresh") if word in words), "other")
        found[name] = found.get(name, 0) + process.memory_info().rss
    return found


def quantile(values: list[float], share: float) -> float | None:
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def table(figures: dict[str, Any]) -> str:
    what = f"{figures['posted']:,} events in {figures['seconds']:.0f} s after {figures['history']:,} of history"
    lines = [
        f"{figures['machine']}; {what}; {figures['refreshes']:,} refreshes",
        "",
        "| from 200 to visible | seconds | target |",
        "|---|---|---|",
    ]
    for name in ("p50", "p95", "max"):
        shown = "-" if figures[name] is None else f"{figures[name]:.1f}"
        lines.append(f"| {name} | {shown} | {f'under {TARGETS[name]:.0f}' if name in TARGETS else ''} |")
    lines += ["", f"{figures['seen']:,} of {figures['marked']:,} marked events seen", ""]
    lines += ["| memory | before, MB | after, MB |", "|---|---|---|"]
    for name, after in figures["memory_after"].items():
        lines.append(f"| {name} | {figures['memory_before'].get(name, 0) / 1e6:.0f} | {after / 1e6:.0f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
