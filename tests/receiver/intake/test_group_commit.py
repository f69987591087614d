import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, getrlimit, setrlimit
from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry

from receiver.answers import NOT_STORED, QUEUE_FULL, Refusal
from receiver.intake.group_commit import GroupCommit
from receiver.metrics import Metrics
from tests.live import envelope
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.journal import list_journals, read_journal
from warehouse.settings import Settings


class Run(Protocol):
    """Opens a group commit on the home `folder`, acts with it, closes it; its metrics."""

    def __call__(
        self, folder: Path, act: Callable[[GroupCommit], Awaitable[None]], queue_bytes: int = 2**20
    ) -> CollectorRegistry: ...


@pytest.fixture(params=[3600.0, 0.0], ids=["the loop waits", "a thread waits"])
def run(request: pytest.FixtureRequest) -> Run:
    patience: float = request.param

    def run(folder: Path, act: Callable[[GroupCommit], Awaitable[None]], queue_bytes: int = 2**20) -> CollectorRegistry:
        metrics = Metrics(["order.created"])
        settings = Settings(home=folder, queue_bytes=queue_bytes, journal_size=2**20)

        async def open_act_close() -> None:
            commit = GroupCommit(settings, metrics, patience)
            await commit.open()
            await act(commit)
            await commit.close()

        asyncio.run(open_act_close())
        return metrics.registry

    return run


def delivery(number: int, size: int = 0) -> Delivery:
    return decode(envelope(number, note="x" * size), 1_000_000 + number)


def stored(folder: Path) -> list[list[Delivery]]:
    return [[delivery for _, delivery in read_journal(path)] for path in list_journals(folder / "journal")]


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Writing past `size` bytes fails, as it does on a full disk."""
    before = getrlimit(RLIMIT_FSIZE)
    setrlimit(RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        setrlimit(RLIMIT_FSIZE, before)
    assert before[0] == RLIM_INFINITY


def test_what_is_appended_together_is_one_group_in_order(tmp_path: Path, run: Run) -> None:
    deliveries = [delivery(number) for number in range(100)]

    async def act(commit: GroupCommit) -> None:
        positions = await asyncio.gather(*[commit.append(one) for one in deliveries])
        assert positions == list(range(100))

    registry = run(tmp_path, act)
    assert stored(tmp_path) == [deliveries]
    assert registry.get_sample_value("newstore_group_deliveries_count") == 1
    assert registry.get_sample_value("newstore_commit_seconds_count") == 1


def test_a_lone_delivery_is_a_group_by_itself(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        for number in range(5):
            assert await commit.append(delivery(number)) == number

    assert run(tmp_path, act).get_sample_value("newstore_group_deliveries_count") == 5


def test_while_one_group_is_written_the_next_gathers(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        first = commit.append(delivery(0, size=500_000))
        # The group of the first is on its way once the loop has turned a few times.
        for _ in range(3):
            await asyncio.sleep(0)
        rest = [commit.append(delivery(number)) for number in range(1, 10)]
        assert await asyncio.gather(first, *rest) == list(range(10))

    assert run(tmp_path, act).get_sample_value("newstore_group_deliveries_count") == 2


@pytest.mark.parametrize("run", [0.0], indirect=True)
def test_the_loop_goes_on_while_a_thread_waits_for_the_disk(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        # The disk is looked at again by the loop itself when that was long ago.
        await commit.append(delivery(0))
        with commit._disk:
            # The loop itself would wait for this lock, as for a disk, and never come back.
            waiter = commit.append(delivery(1))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not waiter.done()
        assert await waiter == 1

    run(tmp_path, act)


def test_a_delivery_whose_client_has_gone_is_written_all_the_same(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        gone, stays = commit.append(delivery(0)), commit.append(delivery(1))
        gone.cancel()
        assert await stays == 1

    run(tmp_path, act)
    assert stored(tmp_path) == [[delivery(0), delivery(1)]]


def test_a_large_journal_is_followed_by_another(tmp_path: Path, run: Run) -> None:
    deliveries = [delivery(number, size=300_000) for number in range(10)]

    async def act(commit: GroupCommit) -> None:
        for one in deliveries:
            await commit.append(one)

    run(tmp_path, act)
    # Each journal takes deliveries until it holds a MiB: four of 300 kB.
    assert stored(tmp_path) == [deliveries[:4], deliveries[4:8], deliveries[8:]]


def test_closing_writes_what_waits_and_takes_no_more(tmp_path: Path) -> None:
    async def act(commit: GroupCommit) -> None:
        waiting = [commit.append(delivery(number)) for number in range(10)]
        await commit.close()
        assert [waiter.result() for waiter in waiting] == list(range(10))
        with pytest.raises(Refusal) as refused:
            commit.append(delivery(10))
        assert refused.value.answer is NOT_STORED

    async def open_and_act() -> None:
        commit = GroupCommit(Settings(home=tmp_path), Metrics([]))
        await commit.open()
        await act(commit)

    asyncio.run(open_and_act())
    assert len(stored(tmp_path)[0]) == 10


def test_a_full_queue_takes_no_more_until_it_is_written(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        first = commit.append(delivery(0, size=3000))
        with pytest.raises(Refusal) as refused:
            commit.append(delivery(1))
        assert refused.value.answer is QUEUE_FULL
        await first
        await commit.append(delivery(2, size=5000))

    run(tmp_path, act, queue_bytes=2048)
    assert stored(tmp_path) == [[delivery(0, size=3000), delivery(2, size=5000)]]


def test_after_a_failed_write_the_next_group_goes_to_a_new_journal(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        await commit.append(delivery(0))
        with files_no_longer_than(4096):
            group = [commit.append(delivery(number, size=3000)) for number in (1, 2)]
            answers = await asyncio.gather(*group, return_exceptions=True)
        assert [isinstance(answer, Refusal) and answer.answer for answer in answers] == [NOT_STORED, NOT_STORED]
        assert await commit.append(delivery(3)) == 0

    registry = run(tmp_path, act)
    assert registry.get_sample_value("newstore_journal_failures_total") == 1
    assert registry.get_sample_value("newstore_queue_deliveries") == 0
    suspect, sound = list_journals(tmp_path / "journal")
    assert next(read_journal(suspect)) == (0, delivery(0))
    assert list(read_journal(sound)) == [(0, delivery(3))]


def test_when_no_journal_can_be_opened_each_delivery_tries_anew(tmp_path: Path, run: Run) -> None:
    async def act(commit: GroupCommit) -> None:
        with files_no_longer_than(0):
            for number in range(3):
                with pytest.raises(Refusal):
                    await commit.append(delivery(number))
            assert await commit.find_fault() == "the journal cannot be written"
        assert await commit.find_fault() is None
        await commit.append(delivery(3))

    registry = run(tmp_path, act)
    assert registry.get_sample_value("newstore_journal_failures_total") == 3
    assert [one for journal in stored(tmp_path) for one in journal] == [delivery(3)]
