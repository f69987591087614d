"""Puts deliveries on the disk, all that wait when it becomes free in one write and one sync.

`append` gives a result only after the sync of the group its delivery is in. A lone delivery waits for nobody: there is
no artificial delay. What was once taken in is written, whether or not its client still waits.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Final, TypeVar

from receiver.answers import NOT_STORED, QUEUE_FULL, Refusal
from receiver.metrics import Metrics
from warehouse.errors import JournalError
from warehouse.journal import Delivery, JournalWriter
from warehouse.settings import Settings

QUEUE_DELIVERIES: Final = 10_000

logger = logging.getLogger(__name__)

T = TypeVar("T")


class GroupCommit:
    """The way of deliveries into the journals of a home, at most about `queue_bytes` of them at a time."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.closing = False
        self._settings = settings
        self._metrics = metrics
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._writer: JournalWriter | None = None
        self._draining: asyncio.Task[None] | None = None
        self._waiting: list[Delivery] = []
        self._waiters: list[asyncio.Future[int]] = []
        # Waiting or being written.
        self._held = 0
        self._held_bytes = 0

    async def open(self) -> str:
        """Create the first journal; its name. Raises JournalError."""
        return (await self._at_the_disk(self._sound_writer)).name

    def admit(self) -> None:
        """Raise Refusal when a further delivery would not be taken in."""
        if self.closing:
            raise Refusal(NOT_STORED)
        # The size of the newcomer does not count: whatever it is, it fits when those before it are written.
        if self._held_bytes >= self._settings.queue_bytes or self._held >= QUEUE_DELIVERIES:
            raise Refusal(QUEUE_FULL)

    def append(self, delivery: Delivery) -> "asyncio.Future[int]":
        """The delivery's position, once it is on the disk; Refusal when it is not taken in, or could not be written."""
        self.admit()
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append(delivery)
        self._waiters.append(waiter)
        self._held += 1
        self._held_bytes += len(delivery.body)
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        return waiter

    async def is_writable(self) -> bool:
        """Whether there is a journal to write to; after a failure this tries to open a new one."""
        try:
            if self._writer is None:
                await self._at_the_disk(self._sound_writer)
        except JournalError:
            return False
        return True

    async def close(self) -> None:
        """Take nothing more in, write what is queued, release the journal."""
        self.closing = True
        while self._draining is not None:
            await asyncio.wait([self._draining])
        await self._at_the_disk(self._release_writer)
        self._thread.shutdown()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                group, waiters = self._waiting, self._waiters
                self._waiting, self._waiters = [], []
                self._metrics.queue(self._held, self._held_bytes)
                await self._store(group, waiters)
            self._metrics.queue(self._held, self._held_bytes)
        finally:
            self._draining = asyncio.create_task(self._drain()) if self._waiting else None

    async def _store(self, group: list[Delivery], waiters: "list[asyncio.Future[int]]") -> None:
        """Write one group and tell each of its waiters; whatever goes wrong, none is left without an answer."""
        first: int | None = None
        try:
            first = await self._at_the_disk(lambda: self._write(group))
        except JournalError as error:
            logger.error("%d deliveries refused: %s", len(group), error.message)
        finally:
            self._held -= len(group)
            self._held_bytes -= sum([len(delivery.body) for delivery in group])
            for index, waiter in enumerate(waiters):
                if waiter.done():
                    continue
                if first is None:
                    waiter.set_exception(Refusal(NOT_STORED))
                else:
                    waiter.set_result(first + index)

    async def _at_the_disk(self, call: Callable[[], T]) -> T:
        """Run what may wait for the disk, one call after another, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    # From here on: only in the writing thread.

    def _write(self, group: list[Delivery]) -> int:
        started = perf_counter()
        try:
            first = self._sound_writer().append(group)
        except JournalError:
            self._metrics.journal_failed()
            self._release_writer()
            raise
        self._metrics.committed(group, perf_counter() - started)
        return first

    def _sound_writer(self) -> JournalWriter:
        writer = self._writer
        if writer and (writer.size >= self._settings.journal_size or writer.age >= self._settings.journal_age):
            # Only a journal that nobody writes to any more can be deleted once it is sealed.
            self._release_writer()
        if self._writer is None:
            self._writer = JournalWriter(self._settings.journal_dir)
            self._metrics.journal_opened()
        return self._writer

    def _release_writer(self) -> None:
        """Never write to this journal again: after a failed sync nobody knows what is in it."""
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                writer.close()
        except OSError as error:
            # All that was acknowledged from it had been synced before.
            logger.warning("closing the journal: %s", error.strerror)
