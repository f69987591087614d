"""Whatever happens, no key and nothing of a customer is in a log, an error or what a command says, also at DEBUG."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from tests.live import EVENT_PATH, ROOT, Receiver, free_port

KEY = "SECRET-KEY-live"
WRONG_KEY = "SECRET-KEY-wrong"
MARK = "PERSONAL-DATA"
PERSON = {
    "id": f"{MARK}-order",
    "external_id": f"{MARK}-number",
    "customer_email": f"{MARK}@example.com",
    "placed_at": f"{MARK}-time",
    "subtotal": f"{MARK}-money",
    "items": [{"id": f"{MARK}-item", "quantity": f"{MARK}-quantity", "list_price": f"{MARK}-price"}],
    "billing_address": {"first_name": MARK, "address_line_1": f"{MARK} street 1", "phone": f"+49 {MARK}"},
    "shipping_address": f"{MARK}-address",
}
# The root logger at DEBUG, then the program as it is called otherwise.
DEBUG = (
    "import logging, runpy, sys; logging.basicConfig(level=logging.DEBUG); runpy.run_module('{}', run_name='__main__')"
)


def event(payload: object, name: str = "order.created") -> bytes:
    return json.dumps(
        {"tenant": "t", "name": name, "published_at": "2026-01-01T00:00:00Z", "payload": payload}
    ).encode()


BODIES = (
    event(PERSON),
    event({**PERSON, "id": None}),
    event(PERSON, f"customer.{MARK}"),
    event(PERSON).replace(b"2026-01-01", MARK.encode()),
    event(PERSON)[:-5],
    b'{"%s": "\xff"}' % MARK.encode(),
    MARK.encode() * 1000,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that was written while events and odd requests came in, by refreshes, and by commands, some of which fail."""
    folder = tmp_path_factory.mktemp("secrets")
    home = folder / "home"
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")},
        "PYTHONPATH": str(ROOT),
        "WAREHOUSE_HOME": str(home),
        "WAREHOUSE_API_KEYS": KEY,
    }
    (folder / "events.ndjson").write_bytes(b"\n".join(BODIES))
    (folder / "broken.ndjson.gz").write_bytes(gzip.compress(event(PERSON))[:-4])
    texts: dict[str, str] = {}
    port = free_port()
    uvicorn = ["-c", DEBUG.format("uvicorn"), "receiver.app:app", "--port", str(port), "--log-level", "trace"]
    with Receiver(home, uvicorn, environ, port).wait_until_ready() as receiver:
        _deliver(receiver)
        commands = {
            "refresh": ["refresh"],
            "replay": ["replay", str(folder / "events.ndjson")],
            "replay of a broken file": ["replay", str(folder / "broken.ndjson.gz")],
            "refresh again": ["refresh", "--full"],
            "status": ["status", "--json"],
            "post": ["simulate", "--events", "5", "--to", f"http://127.0.0.1:{port}", "--key", KEY],
            "post with a wrong key": [
                "simulate",
                "--events",
                "5",
                "--to",
                f"http://127.0.0.1:{port}",
                "--key",
                WRONG_KEY,
            ],
            "verify": ["log", "verify"],
        }
        for title, arguments in commands.items():
            command = [sys.executable, "-c", DEBUG.format("warehouse"), *arguments]
            done = subprocess.run(
                command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=240
            )
            assert (done.returncode == 0) == ("broken" not in title and "wrong" not in title), done.stderr
            texts[title] = done.stdout + done.stderr
        texts["metrics"] = receiver.get("/metrics").body.decode()
        texts["status page"] = receiver.request("GET", "/", headers={"X-API-Key": KEY}).body.decode()
        texts["problems page"] = receiver.request("GET", "/problems", headers={"X-API-Key": KEY}).body.decode()
        assert receiver.stop() is not None
        texts["receiver"] = receiver.errors()
    for path in home.rglob("*"):
        if path.is_file() and path.suffix in {".log", ".json", ".hour", ".txt"}:
            texts[str(path.relative_to(home))] = path.read_text(errors="replace")
    return texts


def _deliver(receiver: Receiver) -> None:
    for body in BODIES:
        assert receiver.post(body, {"Authorization": f"Bearer {KEY}"}).status == 200
    for headers in ({"X-API-Key": WRONG_KEY}, {"Authorization": f"Basic {WRONG_KEY}"}, {"Authorization": WRONG_KEY}):
        assert receiver.post(BODIES[0], headers).status == 403
    assert receiver.request("POST", f"/{EVENT_PATH}/x", BODIES[0], {"X-API-Key": KEY}).status == 404
    broken = f"POST {EVENT_PATH} HTTP/1.1\r\nX-API-Key: {KEY}\r\n{MARK}\r\n\r\n".encode()
    with receiver.send_raw(broken) as plain:
        assert plain.recv(100).startswith(b"HTTP/1.1 400")


def test_enough_was_written_to_be_searched(written: dict[str, str]) -> None:
    assert "DEBUG" in written["post"]
    assert "403" in written["receiver"]
    assert "order.created" in written["status page"]
    assert "missing_key" in written["problems page"]


def test_no_key_is_anywhere(written: dict[str, str]) -> None:
    assert [title for title, text in written.items() if "SECRET-KEY" in text] == []


def test_nothing_of_a_customer_is_anywhere(written: dict[str, str]) -> None:
    # The name of an event is not a person's, whatever a stranger calls it; the list of problems shows it.
    found = {title: text.replace(f"customer.{MARK}", "") for title, text in written.items()}
    shown = {title: text[max(text.find(MARK) - 200, 0) :][:400] for title, text in found.items() if MARK in text}
    assert shown == {}
