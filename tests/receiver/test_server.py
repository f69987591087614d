"""Our own server: several workers, its exit codes, and what it says when it cannot start."""

import signal
import socket
from pathlib import Path

import pytest

from receiver.server import serve
from tests.live import Receiver, envelope, running, start
from warehouse.errors import ServeError, SettingsError
from warehouse.journal import list_journals
from warehouse.settings import Settings


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_politely_with_0(tmp_path: Path, workers: int, ending: signal.Signals) -> None:
    with running(tmp_path / "home", workers=workers) as receiver:
        assert receiver.post(envelope(1)).status == 200
        receiver.process.send_signal(ending)
        assert receiver.wait() == 0
        errors = receiver.errors()
        assert "Traceback" not in errors
        assert f"listening on http://127.0.0.1:{receiver.port} home={receiver.home} keys=1 workers={workers}" in errors
        assert "test-key" not in errors


def test_two_workers_share_the_work_and_add_up_their_metrics(tmp_path: Path) -> None:
    with running(tmp_path / "home", workers=2) as receiver:
        posted = 0
        while not _both_have_received(receiver):
            assert receiver.post(envelope(posted)).status == 200
            posted += 1
            assert posted < 5000
        metrics = receiver.metrics()
        assert metrics['newstore_requests_total{answer="200"}'] == posted
        assert metrics['newstore_deliveries_total{name="order.created",problem="none"}'] == posted
        assert metrics["newstore_group_deliveries_sum"] == posted
        assert metrics["newstore_queue_deliveries"] == 0
        assert metrics["newstore_journal_writable"] == 1
        assert len(receiver.stored()) == posted
        assert receiver.stop() == 0
    assert list(receiver.home.glob("metrics-*")) == []


def test_workers_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    with running(tmp_path / "home", workers=2) as receiver:
        receiver.process.kill()
        # Nobody is left who could write to its stderr.
        assert receiver.wait() == -signal.SIGKILL
        with pytest.raises(ConnectionRefusedError):
            receiver.get("/health")
    (left,) = receiver.home.glob("metrics-*")
    with running(receiver.home, workers=2), running(receiver.home, workers=2):
        assert not left.exists()
        assert len(list(receiver.home.glob("metrics-*"))) == 2, "the second one leaves the first one's alone"


def test_a_port_that_is_taken_is_named(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=f"Port {port} on 127.0.0.1 is taken"):
            serve(Settings(home=settings.home, api_keys=("test-key",), port=port))
    assert not settings.home.exists()


def test_a_host_that_is_not_ours_is_named(settings: Settings) -> None:
    with pytest.raises(ServeError, match=r"192\.0\.2\.1"):
        serve(Settings(home=settings.home, api_keys=("test-key",), host="192.0.2.1", port=0))


def test_without_a_key_it_does_not_start(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="WAREHOUSE_API_KEYS"):
        serve(Settings(home=settings.home, port=0))


def test_workers_that_cannot_start_end_the_server_with_1(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "journal").write_text("not a folder")
    with start(home, workers=2) as receiver:
        assert receiver.wait() == 1
        errors = receiver.errors()
    assert "Error: " in errors
    assert "Traceback" not in errors


def _both_have_received(receiver: Receiver) -> bool:
    journals = list_journals(receiver.home / "journal")
    return len(journals) == 2 and min(path.stat().st_size for path in journals) > 200
