"""The pages beside the event route, the start, the end, and what a broken disk does to them."""

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import ROOT, Receiver, envelope, exchange, running, start
from warehouse.delivery.delivery import Delivery
from warehouse.journal import list_journals, read_journal


def test_pages_answer_without_a_key(receiver: Receiver) -> None:
    assert receiver.get("/health").status == 200
    assert (receiver.get("/ready").status, json.loads(receiver.get("/ready").body)["ready"]) == (200, True)
    assert receiver.get("/metrics").headers["content-type"].startswith("text/plain")
    assert receiver.request("GET", "/", headers={}).status == 401


def test_metrics_count_by_name_problem_and_answer(tmp_path: Path) -> None:
    bodies = [envelope(1), envelope(2), envelope(3).replace(b"order.created", b"made.up"), b"nothing"]
    with running(tmp_path / "home") as receiver:
        for body in bodies:
            receiver.post(body)
        receiver.post(bodies[0], {})
        metrics = receiver.metrics()
    assert metrics['newstore_requests_total{answer="200"}'] == 4
    assert metrics['newstore_requests_total{answer="403"}'] == 1
    assert {name: value for name, value in metrics.items() if name.startswith("newstore_deliveries_total")} == {
        'newstore_deliveries_total{name="order.created",problem="none"}': 2,
        'newstore_deliveries_total{name="unknown",problem="unknown_name"}': 1,
        'newstore_deliveries_total{name="unknown",problem="not_json"}': 1,
    }
    assert metrics["newstore_body_bytes_total"] == sum(map(len, bodies))
    assert metrics["newstore_last_ack_timestamp_seconds"] == pytest.approx(time.time(), abs=60)
    assert metrics["newstore_journal_writable"] == 1


def test_importing_reads_no_settings(tmp_path: Path) -> None:
    environ = {"PYTHONPATH": str(ROOT), "WAREHOUSE_PORT": "not a port"}
    subprocess.run([sys.executable, "-c", "import receiver.app"], cwd=tmp_path, env=environ, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"WAREHOUSE_API_KEYS": ""}, "WAREHOUSE_API_KEYS"),
        ({"WAREHOUSE_MAX_BODY": "much"}, "WAREHOUSE_MAX_BODY"),
        ({"WAREHOUSE_HOME": "/dev/null/home"}, "/dev/null/home"),
    ],
)
@pytest.mark.parametrize("workers", [None, 1])
def test_a_start_that_fails_says_why_in_two_lines(
    tmp_path: Path, environ: dict[str, str], named: str, workers: int | None
) -> None:
    with start(tmp_path / "home", environ, workers) as receiver:
        code = receiver.wait()
        errors = receiver.errors()
    assert code != 0
    assert errors.count("Error: ") == errors.count("Try: ") == 1
    assert "Traceback" not in errors
    assert named in errors
    assert "test-key" not in errors


def test_a_journal_is_there_before_the_first_delivery(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        assert len(list_journals(receiver.home / "journal")) == 1


@pytest.mark.parametrize("workers", [None, 1])
def test_sigterm_ends_it_after_what_is_at_hand(tmp_path: Path, workers: int | None) -> None:
    with running(tmp_path / "home", workers=workers) as receiver:
        idle, busy = receiver.connect(), receiver.connect()
        exchange(idle, body=envelope(1))
        body = envelope(2)
        busy.putrequest("POST", "/newstore_api/v0/event")
        busy.putheader("X-API-Key", "test-key")
        busy.putheader("Content-Length", str(len(body)))
        busy.endheaders(body[:10])
        # Once this is answered, the head of the other has been read as well.
        exchange(idle, body=envelope(3))
        receiver.process.send_signal(signal.SIGTERM)
        busy.send(body[10:])
        assert busy.getresponse().status == 200
        busy.close()
        idle.close()
        receiver.wait()
        assert [delivery.body for delivery in receiver.stored()] == [envelope(1), envelope(3), body]
        assert "Traceback" not in receiver.errors()


def test_a_failed_write_is_500_and_the_next_delivery_goes_to_a_new_journal(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        assert receiver.post(envelope(1)).status == 200
        with _files_no_longer_than(receiver, 50_000):
            answer = receiver.post(envelope(2, note="x" * 100_000))
            assert (answer.status, answer.headers["retry-after"]) == (500, "5")
            assert receiver.post(envelope(3)).status == 200
            assert receiver.get("/ready").status == 200
        metrics = receiver.metrics()
        assert metrics["newstore_journal_failures_total"] == 1
        suspect, sound = list_journals(receiver.home / "journal")
        assert receiver.stop() is not None
        assert "Traceback" not in receiver.errors()
        assert receiver.errors().count("deliveries refused") == 1
        assert suspect.name in receiver.errors()
        assert [delivery.body for delivery in _read(sound)] == [envelope(3)]


def test_a_full_disk_is_not_ready_and_recovers_by_itself(tmp_path: Path) -> None:
    with running(tmp_path / "home") as receiver:
        with _files_no_longer_than(receiver, 0):
            for number in range(3):
                answer = receiver.post(envelope(number))
                assert (answer.status, answer.headers["retry-after"]) == (500, "5")
            ready = receiver.get("/ready")
            assert (ready.status, json.loads(ready.body)["problem"]) == (503, "the journal cannot be written")
            assert receiver.get("/health").status == 200
            assert receiver.metrics()["newstore_journal_writable"] == 0
        assert receiver.get("/ready").status == 200
        assert receiver.post(envelope(4)).status == 200
        assert receiver.metrics()["newstore_journal_writable"] == 1
        (sound,) = list_journals(receiver.home / "journal")[1:]
        assert [delivery.body for delivery in _read(sound)] == [envelope(4)]


def _read(journal: Path) -> list[Delivery]:
    return [delivery for _, delivery in read_journal(journal)]


@pytest.mark.parametrize("workers", [None, 2])
def test_a_disk_that_fills_up_loses_nothing_acknowledged(small_disk: Path, workers: int | None) -> None:
    with running(
        small_disk / "home", {"WAREHOUSE_MAX_BODY": "1MiB", "WAREHOUSE_RESERVE": "1MiB"}, workers=workers
    ) as receiver:
        acknowledged: list[bytes] = []
        while (answer := receiver.post(body := envelope(len(acknowledged), note="x" * 100_000))).status == 200:
            acknowledged.append(body)
        assert (answer.status, answer.headers["retry-after"]) == (500, "5")
        assert receiver.get("/ready").status == 503
        assert {delivery.body for delivery in receiver.stored()} >= set(acknowledged)
        # An operator makes room.
        (small_disk / "ballast").unlink()
        assert receiver.get("/ready").status == 200
        assert receiver.post(envelope(-1)).status == 200
        assert {delivery.body for delivery in receiver.stored()} >= {*acknowledged, envelope(-1)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB, most of it taken by the file `ballast`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        (disk / "ballast").write_bytes(b"x" * 8 * 2**20)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


@contextmanager
def _files_no_longer_than(receiver: Receiver, size: int) -> Iterator[None]:
    """The receiver's writes past `size` bytes of a file fail, as they do on a full disk."""
    pid, before = receiver.process.pid, resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
