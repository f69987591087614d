"""The whole way of an event, as NewStore, an operator and an analyst meet it: real processes, sockets and disks."""

import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import warehouse
from tests.live import KEY, ROOT, envelope, exchange, running
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

BIN = Path(sys.executable).parent
CONNECTIONS = 32
KILLS = 3


def environment(home: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    return {**inherited, "PATH": f"{BIN}:{os.environ['PATH']}", "WAREHOUSE_HOME": str(home)}


def readme_block(containing: str) -> str:
    """The one shell block of README.md that has this text in it."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    found = [block for block in blocks if containing in block]
    assert len(found) == 1, f"{len(found)} blocks of README.md contain {containing!r}"
    return str(found[0])


def run(script: str, home: Path, **more: str) -> str:
    """What a shell prints for the script; the script must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env={**environment(home), **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_sample_posted_as_readme_shows_becomes_one_order(home: Path) -> None:
    assert shutil.which("curl"), "README's example needs curl"
    block = readme_block("curl")
    with running(home) as receiver:
        shown = run(block.replace(":8080", f":{receiver.port}"), home, WAREHOUSE_API_KEYS=KEY)
    assert "NSD000000001" in shown
    assert "320.08" in shown
    with warehouse.connect(home) as con:
        orders = con.execute("select external_id, currency, grand_total::double, has_header from marts.fct_orders")
        assert orders.fetchall() == [("NSD000000001", "USD", 320.08, True)]
        assert con.execute("select count(*) from marts.fct_order_items").fetchall() == [(1,)]


def test_a_file_replayed_as_readme_shows_becomes_one_order(home: Path) -> None:
    run(readme_block("warehouse replay"), home)
    printed = run(readme_block("--format json"), home)
    assert json.loads(printed) == [{"external_id": "NSD000000001", "status": "created", "grand_total": 320.08}]


def post_until_killed(
    connection: http.client.HTTPConnection,
    first: int,
    killed: threading.Event,
    sent: set[bytes],
    acknowledged: set[bytes],
) -> None:
    """Deliver one event after another; every one that was begun is in `sent`, every one answered 200 in both."""
    number = first
    while not killed.is_set():
        body = envelope(number, note="x" * 2_000)
        number += CONNECTIONS
        sent.add(body)
        try:
            if exchange(connection, body=body).status == 200:
                acknowledged.add(body)
        except (OSError, http.client.HTTPException):
            break
    connection.close()


def test_every_acknowledged_event_outlives_kill_9(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    acknowledged: set[bytes] = set()
    sent: set[bytes] = set()
    for round_number in range(KILLS):
        with running(home) as receiver:
            first = round_number * 1_000_000
            killed = threading.Event()

            posting = [
                threading.Thread(
                    target=post_until_killed, args=(receiver.connect(), first + i, killed, sent, acknowledged)
                )
                for i in range(CONNECTIONS)
            ]
            for thread in posting:
                thread.start()
            killed.wait(chance.uniform(0.3, 1.0))
            receiver.process.kill()
            killed.set()
            for thread in posting:
                thread.join()
    assert acknowledged, "nothing was acknowledged before the receiver was killed"
    refresh(Settings.load({}, home=str(home)))
    with warehouse.connect(home) as con:
        rows = con.execute("select encode(body), count(*) from log.events group by body").fetchall()
        orders = {str(row[0]) for row in con.execute("select order_id from marts.fct_orders").fetchall()}
    logged = {bytes(body): int(count) for body, count in rows}
    assert acknowledged <= logged.keys()
    assert set(logged.values()) == {1}
    assert logged.keys() <= sent
    assert orders == {json.loads(body)["payload"]["id"] for body in logged}


def test_whatever_an_authenticated_caller_sends_is_kept_with_its_problem(home: Path) -> None:
    bodies = {
        b"": "not_json",
        b"{": "not_json",
        b"\xff\xfe": "not_utf8",
        b'[{"tenant":"t"}]': "not_an_envelope",
        b'{"tenant":"t","name":"order.created","published_at":"2026-01-01T00:00:00Z","payload":{}}': "missing_key",
        b'{"tenant":"t","name":"order.created","published_at":"soon","payload":{"id":"o"}}': "bad_published_at",
        b'{"tenant":"t","name":"order.invented","published_at":"2026-01-01T00:00:00Z","payload":{}}': "unknown_name",
        envelope(1): None,
        envelope(2, text="\\ud800 \u0000 \ufeff"): None,
    }
    with running(home) as receiver:
        for body in bodies:
            assert receiver.post(body).status == 200
        assert receiver.post(envelope(3), {"Authorization": "Bearer wrong"}).status == 403
    refresh(Settings.load({}, home=str(home)))
    with warehouse.connect(home) as con:
        rows = con.execute("select coalesce(raw_body, encode(body)), problem from log.events").fetchall()
        orders = con.execute("select order_id from marts.fct_orders order by order_id").fetchall()
    assert {bytes(body): problem for body, problem in rows} == bodies
    assert orders == [("order-1",), ("order-2",)]
