"""An acknowledged delivery is in a journal, whatever happens to the receiver, and once for each acknowledgement."""

import http.client
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.live import Receiver, envelope, exchange, running


def post_from(receiver: Receiver, connections: int, more: Callable[[int], bool]) -> tuple[list[bytes], list[bytes]]:
    """Post from several connections at once, each while `more(sent)`; the bodies acknowledged, and those not."""
    acknowledged: list[bytes] = []
    unanswered: list[bytes] = []

    def post(client: int) -> None:
        connection = receiver.connect()
        sent = 0
        while more(sent):
            body = envelope(client * 1_000_000 + sent, note="x" * (sent % 50 * 40))
            sent += 1
            try:
                status = exchange(connection, body=body).status
            except (OSError, http.client.HTTPException):
                unanswered.append(body)
                break
            (acknowledged if status == 200 else unanswered).append(body)
        connection.close()

    threads = [threading.Thread(target=post, args=(client,)) for client in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return acknowledged, unanswered


# Plain uvicorn, where all deliveries go the long way, and `warehouse serve`, where these go the short way.
BOTH_WAYS = pytest.mark.parametrize("workers", [None, 1])


@BOTH_WAYS
def test_what_64_connections_post_is_stored_once_each_in_fewer_syncs(tmp_path: Path, workers: int | None) -> None:
    with running(tmp_path / "home", workers=workers) as receiver:
        acknowledged, unanswered = post_from(receiver, 64, lambda sent: sent < 30)
        metrics = receiver.metrics()
        assert (len(acknowledged), unanswered) == (64 * 30, [])
        assert sorted(delivery.body for delivery in receiver.stored()) == sorted(acknowledged)
    assert metrics["newstore_group_deliveries_sum"] == 64 * 30
    assert metrics["newstore_commit_seconds_count"] == metrics["newstore_group_deliveries_count"] < 64 * 30 / 2


@BOTH_WAYS
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_acknowledged_before_the_end_is_stored(
    tmp_path: Path, ending: signal.Signals, workers: int | None
) -> None:
    seed = random.randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    chance = random.Random(seed)
    stored: list[bytes] = []
    acknowledged: list[bytes] = []
    for _ in range(3):
        with running(tmp_path / "home", workers=workers) as receiver:
            timer = threading.Timer(chance.uniform(0.05, 0.5), receiver.process.send_signal, [ending])
            timer.start()
            acked, unanswered = post_from(receiver, 32, lambda _: True)
            receiver.wait()
            acknowledged += acked
            stored = [delivery.body for delivery in receiver.stored()]
            assert set(acknowledged) <= set(stored)
            assert len(acked) > 0
            assert len(unanswered) == 32
            assert "Traceback" not in receiver.errors()
