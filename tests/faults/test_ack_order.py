"""No 200 is written to a socket before the fdatasync that covers its event has returned, and the file has its name.

The calls of a real receiver are written down in their order; an answer is matched with its request by the port.
"""

import re
from pathlib import Path

import pytest

from tests.faults.conftest import Scale
from tests.faults.load import Load, body_of
from tests.faults.trace import CREATE, read_trace
from tests.live import running

NUMBER = re.compile(rb'"id": "order-(\d+)"')


class Journals:
    """Which events the syncs have covered so far."""

    def __init__(self) -> None:
        self.durable: set[int] = set()
        self.syncs = 0
        self._written: dict[int, set[int]] = {}
        self._syncing: dict[int, set[int]] = {}
        self._unnamed: dict[int, str] = {}
        self._folders: set[int] = set()

    def opened(self, descriptor: int, path: str, flags: int) -> None:
        if flags & CREATE and path.endswith(".new"):
            self._written[descriptor] = set()
            self._unnamed[descriptor] = path
        elif path.endswith("/journal"):
            self._folders.add(descriptor)

    def closed(self, descriptor: int) -> None:
        self._written.pop(descriptor, None)
        self._folders.discard(descriptor)

    def written(self, descriptor: int, data: bytes) -> None:
        if descriptor in self._written:
            self._written[descriptor] |= {int(number) for number in NUMBER.findall(data)}

    def sync_begins(self, descriptor: int) -> None:
        self._syncing[descriptor] = set(self._written.get(descriptor, ()))

    def sync_ended(self, descriptor: int, error: int) -> None:
        covered = self._syncing.pop(descriptor)
        if error == 0 and descriptor in self._folders:
            # The names in it are on the disk now.
            self._unnamed.clear()
        elif error == 0 and descriptor in self._written and descriptor not in self._unnamed:
            self.syncs += 1
            self.durable |= covered
            self._written[descriptor] -= covered


# The last of them under `warehouse serve`, where a delivery goes the short way past ASGI.
@pytest.mark.parametrize(("connections", "workers"), [(1, None), (64, None), (64, 1)])
def test_no_answer_before_the_sync_that_covers_it(
    shim: Path, tmp_path: Path, scale: Scale, connections: int, workers: int | None
) -> None:
    home, trace = tmp_path / "home", tmp_path / "trace"
    requests = scale.rounds(1_000, 50_000)
    environ = {"LD_PRELOAD": str(shim), "FAULT_ROOT": str(home), "FAULT_TRACE": str(trace)}
    # Small journals, so that many are begun and left under way.
    with running(home, {**environ, "WAREHOUSE_JOURNAL_SIZE": "1MiB"}, workers) as receiver:
        with Load(receiver.port, connections, 0, requests) as load:
            load.wait()
        receiver.stop()
    assert len(load.acknowledged) == requests
    waiting = {port: iter(numbers) for port, numbers in load.sent.items()}
    journals = Journals()
    answers = 0
    for call in read_trace(trace):
        if call.what == "O":
            journals.opened(call.descriptor, call.first, call.flags)
        elif call.what == "C":
            journals.closed(call.descriptor)
        elif call.what == "W":
            journals.written(call.descriptor, call.second)
        elif call.what == "B":
            journals.sync_begins(call.descriptor)
        elif call.what == "S":
            journals.sync_ended(call.descriptor, call.flags)
        elif call.what == "A" and call.at in waiting:
            number = next(waiting[call.at])
            assert number in journals.durable, f"{body_of(number)[:80]!r} was acknowledged before it was on the disk"
            answers += 1
    assert answers == requests
    assert journals.syncs > 0
    scale.tell(rounds=1, events=answers)
