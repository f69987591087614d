"""Puts deliveries on the disk, all that wait when it becomes free in one write and one sync.

`append` gives a result only after the sync of the group its delivery is in. A lone delivery waits for nobody: there is
no artificial delay. What was once taken in is written, whether or not its client still waits.

The event loop waits for a quick disk itself, since handing a group to a thread and back costs more than such a sync
takes; for a slow one a thread waits, so that the loop goes on reading and answering meanwhile.

A journal that was deleted, moved or cut short is not written to any more. What it held is copied to a file that has a
name, from the one that is still open here, before anything more is acknowledged.
"""

import asyncio
import errno
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import perf_counter
from typing import Final, TypeVar

from receiver.answers import NOT_STORED, QUEUE_FULL, Refusal
from receiver.metrics import Metrics
from warehouse.delivery.delivery import Delivery
from warehouse.errors import HomeMissing, JournalDisplaced, JournalError
from warehouse.journal import JournalWriter
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes
from warehouse.system.home_folder import HomeFolder

QUEUE_DELIVERIES: Final = 10_000
# Room that a journal reserves for small groups.
JOURNAL_ROOM: Final = 256 * 2**10
# A turn of the loop that makes a group larger by less than this part costs more than it saves.
FEW: Final = 4
# So much must be free for the smallest delivery as well, so that all workers agree on when the disk is full.
MARGIN: Final = 2**20
# A disk whose syncs take longer than this on average is left to the thread, and looked at again after a while.
PATIENCE_SECONDS: Final = 0.001
RECHECK_SECONDS: Final = 1.0
# While nothing comes, the journal is looked for so often: what it holds can be rescued only as long as this lives.
LOOK_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)

T = TypeVar("T")


class GroupCommit:
    """The way of deliveries into the journals of a home, at most about `queue_bytes` of them at a time.

    `patience` is how long, in seconds, the event loop itself may wait for a sync.
    """

    def __init__(self, settings: Settings, metrics: Metrics, patience: float = PATIENCE_SECONDS) -> None:
        self.closing = False
        self._settings = settings
        self._metrics = metrics
        self._pace = _Pace(patience)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        # Held by whoever uses the writer: the event loop or the thread.
        self._disk = Lock()
        self._home: HomeFolder | None = None
        self._writer: JournalWriter | None = None
        # Still open, because what they hold is not under a name.
        self._displaced: list[JournalWriter] = []
        self._draining: asyncio.Task[None] | None = None
        self._waiting: list[Delivery] = []
        self._waiters: list[asyncio.Future[int]] = []
        # Waiting or being written.
        self._held = 0
        self._held_bytes = 0

    async def open(self) -> str:
        """Create the first journal, and the home where there is none; its name. Raises JournalError or OSError."""
        self._home = HomeFolder(self._settings.home)
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

    async def find_fault(self) -> str | None:
        """Why there is no journal to write to, if there is none; after a failure this tries to open a new one."""
        try:
            await self._in_the_thread(self._look)
        except HomeMissing:
            return "the home is gone"
        except JournalError:
            return "the journal cannot be written"
        return None

    async def keep_looking(self) -> None:
        """Look for the journal every few seconds, for ever, also while nothing comes."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._writer is not None or self._displaced:
                await self.find_fault()

    def is_full(self, more: int = 0) -> bool:
        """Whether the disk has no room for `more` bytes besides what is left for sealing. Raises OSError."""
        try:
            room = free_bytes(self._settings.journal_dir) - self._settings.reserve
        except FileNotFoundError:
            # It is made with the next journal.
            return False
        return room < max(more, MARGIN)

    async def close(self) -> None:
        """Take nothing more in, write what is queued, release the journal."""
        self.closing = True
        while self._draining is not None:
            await asyncio.wait([self._draining])
        await self._in_the_thread(self._end)
        self._thread.shutdown()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                group, waiters = self._waiting, self._waiters
                self._waiting, self._waiters = [], []
                self._metrics.queue(self._held, self._held_bytes)
                await self._store(group, waiters)
            self._metrics.queue(self._held, self._held_bytes)
        finally:
            self._draining = asyncio.create_task(self._drain()) if self._waiting else None

    async def _gather(self) -> None:
        """Wait for those who come at the same time, to share the sync: until a turn of the loop brings few more."""
        found = 0
        while len(self._waiting) > found + found // FEW:
            found = len(self._waiting)
            await asyncio.sleep(0)

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
        """Run what waits for the disk, one call after another, without holding up the event loop for long."""

        if not self._pace.is_quick():
            return await self._in_the_thread(call)
        started = perf_counter()
        try:
            return self._alone(call)
        finally:
            self._pace.took(perf_counter() - started)

    async def _in_the_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._alone, call)

    def _alone(self, call: Callable[[], T]) -> T:
        with self._disk:
            return call()

    # From here on: only for `_at_the_disk` and `_in_the_thread`.

    def _write(self, group: list[Delivery]) -> int:
        started = perf_counter()
        try:
            self._check_room(group)
            try:
                first = self._sound_writer().append(group)
            except JournalDisplaced:
                self._release_writer()
                first = self._sound_writer().append(group)
        except JournalError:
            self._metrics.journal_failed()
            self._release_writer()
            raise
        self._metrics.committed(group, perf_counter() - started)
        return first

    def _check_room(self, group: list[Delivery]) -> None:
        """Raise JournalError before anything of the group is written, when it would use what is left for sealing."""
        folder = self._settings.journal_dir
        try:
            full = self.is_full(sum([len(delivery.body) for delivery in group]))
        except OSError as error:
            raise JournalError(
                f"cannot be looked at: {error.strerror}.", "check its disk", error.errno, where=folder
            ) from error
        if full:
            raise JournalError(
                f"the disk is full but for the {self._settings.reserve:,} bytes that sealing needs.",
                "`warehouse refresh` seals and deletes journals at once; free space on the disk",
                errno.ENOSPC,
                where=folder,
            )

    def _sound_writer(self) -> JournalWriter:
        writer = self._writer
        if writer and (writer.size >= self._settings.journal_size or writer.age >= self._settings.journal_age):
            # Only a journal that nobody writes to any more can be deleted once it is sealed.
            self._release_writer()
        if self._writer is None:
            assert self._home is not None
            self._home.check()
            self._rescue()
            self._writer = JournalWriter(self._settings.journal_dir, JOURNAL_ROOM)
            self._metrics.journal_opened()
        return self._writer

    def _look(self) -> None:
        """Let go of a journal that has lost its name; have one to write to. Raises JournalError."""
        if self._writer is not None and not self._writer.holds:
            self._release_writer()
        if self._writer is None:
            self._sound_writer()

    def _release_writer(self) -> None:
        """Never write to this journal again: after a failed sync nobody knows what is in it."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        if not writer.holds:
            logger.error("%s was deleted, moved or cut short while it was written", writer.path)
            self._metrics.journal_displaced()
            self._displaced.append(writer)
            return
        try:
            writer.close()
        except OSError as error:
            # All that was acknowledged from it had been synced before.
            logger.warning("closing the journal: %s", error.strerror)

    def _rescue(self) -> None:
        """Give what displaced journals held a name again. Raises JournalError when that is not possible now."""
        while self._displaced:
            path = self._displaced[0].rescue()
            del self._displaced[0]
            if path is not None:
                logger.warning("what it held is in %s; `warehouse log verify` says whether all of it is", path)

    def _end(self) -> None:
        self._release_writer()
        try:
            if self._displaced and self._home is not None:
                self._home.check()
                self._rescue()
        except JournalError as error:
            logger.error("acknowledged deliveries of %d journals are lost: %s", len(self._displaced), error.message)


class _Pace:
    """Whether the disk is quick enough for the event loop to wait for it, by a moving average of such waits.

    Only these are measured: a thread's clock runs on while it waits for its turn to run Python.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._average = 0.0
        self._measured = 0.0

    def is_quick(self) -> bool:
        return self._average < self._patience or perf_counter() > self._measured + RECHECK_SECONDS

    def took(self, seconds: float) -> None:
        if self._average < self._patience:
            self._average += (seconds - self._average) / 8
        else:
            # Looked at again after it had been slow: what was before says nothing of it now.
            self._average = seconds
        self._measured = perf_counter()
