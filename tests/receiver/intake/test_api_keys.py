"""Keys change while deliveries come in: none with a live key is refused, and no key can be found in what we write."""

import base64
import os
import signal
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.live import Receiver, envelope, exchange, running, start
from warehouse.api_keys import hash_key, new_key

PATIENCE = 30.0
REFUSED = (403, 429)


class Sender:
    """Delivers one event after another with its current key until the end of the block; `answers` counts by status."""

    def __init__(self, receiver: Receiver, key: str) -> None:
        self.key = key
        self.answers: dict[int, int] = {}
        self._receiver = receiver
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self) -> "Sender":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def send_more(self) -> None:
        """Return when two further deliveries have begun and been answered."""
        target, deadline = sum(self.answers.values()) + 3, time.monotonic() + PATIENCE
        while sum(self.answers.values()) < target:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def _send(self) -> None:
        number = 0
        connection = self._receiver.connect()
        while not self._over.is_set():
            number += 1
            headers = {"Authorization": f"Bearer {self.key}"}
            if number % 20 == 0:
                # Another connection may be another worker's.
                connection.close()
                connection = self._receiver.connect()
            status = exchange(connection, body=envelope(number), headers=headers).status
            self.answers[status] = self.answers.get(status, 0) + 1
        connection.close()


def until_refused(receiver: Receiver, key: str, times: int = 20) -> None:
    """Wait until a key is refused so many times in a row, that is, by each of the workers.

    While one still takes it, the other may have refused more wrong keys than it says 403 to.
    """
    row, deadline = 0, time.monotonic() + PATIENCE
    while row < times:
        assert time.monotonic() < deadline, "the key that was taken away still opens"
        row = row + 1 if receiver.post(b"{}", {"X-API-Key": key}).status in REFUSED else 0


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_keys_are_rotated_without_a_restart_and_without_a_refused_delivery(tmp_path: Path, workers: int | None) -> None:
    keys = [new_key() for _ in range(3)]
    file = tmp_path / "keys"
    file.write_text(f"# the first\n{hash_key(keys[0])}\n")
    environ = {"WAREHOUSE_API_KEYS": "", "WAREHOUSE_API_KEYS_FILE": str(file)}
    with running(tmp_path / "home", environ, workers) as receiver:
        with Sender(receiver, keys[0]) as sender:
            for old, new in pairwise(keys):
                sender.send_more()
                # First both, then only the new one: as an administrator does it, and without any pause.
                file.write_text(f"{hash_key(old)}\n{new}\n")
                sender.key = new
                sender.send_more()
                file.write_text(f"{new}\n")
                sender.send_more()
                until_refused(receiver, old)
        assert set(sender.answers) == {200}
        written = receiver.errors()
        assert "keys read again" in written
        for key in keys:
            assert key not in written
            assert hash_key(key).removeprefix("sha256:") not in written
        assert receiver.stop() == 0 or workers is None


def test_a_file_written_in_pieces_refuses_nobody(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("first-key\nsecond-key\n")
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS_FILE": str(file)}, workers=1) as receiver:
        with Sender(receiver, "second-key") as sender:
            for _ in range(3):
                with file.open("w") as stream:
                    for piece in ("", "first-k", "ey\nsec", "ond-key\n"):
                        stream.write(piece)
                        stream.flush()
                        sender.send_more()
        assert set(sender.answers) == {200}


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "sha256:abc\n"])
def test_a_keys_file_that_went_wrong_changes_nothing_and_is_reported(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys"
    file.write_text("file-key\n")
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS": "", "WAREHOUSE_API_KEYS_FILE": str(file)}) as receiver:
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        receiver.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while "the keys stay as they are" not in receiver.errors():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert receiver.post(b"{}", {"X-API-Key": "file-key"}).status == 200
        assert "file-key" not in receiver.errors()


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_reads_the_keys_again_and_ends_nobody(tmp_path: Path, workers: int) -> None:
    file = tmp_path / "keys"
    file.write_text("file-key\n")
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS_FILE": str(file)}, workers) as receiver:
        deadline = time.monotonic() + PATIENCE
        # One worker that is ready says nothing of the other, which may still be starting.
        with Sender(receiver, "file-key") as sender:
            receiver.process.send_signal(signal.SIGHUP)
            while receiver.errors().count("keys read again keys=2") < workers:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            sender.send_more()
        assert set(sender.answers) == {200}
        assert receiver.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_no_process_has_a_key_in_its_environment(tmp_path: Path, workers: int) -> None:
    environ = {
        "WAREHOUSE_API_KEYS": f"a-key-of-the-test, {hash_key('another-key')}",
        "WAREHOUSE_STATUS_KEYS": "a-watcher",
    }
    with running(tmp_path / "home", environ, workers) as receiver:
        assert receiver.post(b"{}", {"X-API-Key": "a-key-of-the-test"}).status == 200
        assert receiver.request("GET", "/", headers={"X-API-Key": "a-watcher"}).status == 200
        children = Path(f"/proc/{receiver.process.pid}/task/{receiver.process.pid}/children").read_text().split()
        processes = [str(receiver.process.pid), *children]
        environments = [Path(f"/proc/{process}/environ").read_bytes() for process in processes]
        assert receiver.stop() == 0
    assert len(environments) >= workers
    assert all(hash_key("a-key-of-the-test").encode() in environment for environment in environments)
    assert not [one for one in environments if b"a-key-of-the-test" in one or b"a-watcher" in one]


@pytest.mark.parametrize("workers", [None, 1])
@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_key_that_can_be_guessed_stops_the_start(tmp_path: Path, workers: int | None, source: str) -> None:
    file = tmp_path / "keys"
    file.write_text("k")
    environ = {"environment": {"WAREHOUSE_API_KEYS": "k"}, "file": {"WAREHOUSE_API_KEYS_FILE": str(file)}}[source]
    with start(tmp_path / "home", environ, workers) as receiver:
        assert receiver.wait() != 0
        assert "Error: an API key has fewer than 8 characters" in receiver.errors()
        assert "Traceback" not in receiver.errors()


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o644, True), (0o622, True), (0o666, True)])
def test_a_keys_file_of_others_is_warned_of(tmp_path: Path, mode: int, warns: bool) -> None:
    file = tmp_path / "keys"
    file.write_text("file-key\n", encoding="utf-8-sig")
    file.chmod(mode)
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS": "", "WAREHOUSE_API_KEYS_FILE": str(file)}, 1) as receiver:
        # An editor's byte order mark is no part of the key.
        assert receiver.post(b"{}", {"X-API-Key": "file-key"}).status == 200
        assert ("WARNING" in receiver.errors()) == ("others can" in receiver.errors()) == warns


def test_a_keys_file_that_becomes_a_fifo_holds_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("file-key\n")
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS": "", "WAREHOUSE_API_KEYS_FILE": str(file)}, 1) as receiver:
        file.unlink()
        os.mkfifo(file)
        assert receiver.post(b"{}", {"X-API-Key": "wrong-key"}).status == 403
        assert receiver.post(b"{}", {"X-API-Key": "file-key"}).status == 200
        assert "not a regular file" in receiver.errors()


def test_what_is_stored_does_not_open(tmp_path: Path) -> None:
    stored = hash_key("a-long-key")
    with running(tmp_path / "home", {"WAREHOUSE_API_KEYS": stored, "WAREHOUSE_STATUS_KEYS": "a-watcher"}) as receiver:
        assert receiver.post(b"{}", {"X-API-Key": "a-long-key"}).status == 200
        assert receiver.post(b"{}", {"X-API-Key": stored}).status == 403
        assert receiver.post(b"{}", {"X-API-Key": "a-watcher"}).status == 403
        basic = base64.b64encode(b"newstore:a-long-key").decode()
        assert receiver.post(b"{}", {"Authorization": f"Basic {basic}"}).status == 403
        assert receiver.metrics()['newstore_requests_total{answer="403"}'] == 3
