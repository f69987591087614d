"""Ends a query that takes too long, or that fills the disk of the journals, and says which setting it came up against.

DuckDB has no time limit of its own. A thread of ours looks at the clock and interrupts.
"""

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import LakeError
from warehouse.lake.reader_bounds import existing
from warehouse.serving.reader_statements import OWN_FILES
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes

PAUSE_SECONDS: Final = 0.1
# What a query writes before anybody asks whether there is room for it.
LITTLE_BYTES: Final = 16 * 2**20
BLOCK_BYTES: Final = 512
PAGE_BYTES: Final = resource.getpagesize()


class _Watch:
    """What ended a query, None while nothing did."""

    def __init__(self, con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
        self._con = con
        self._settings = settings
        self._disk = existing(settings.journal_dir)
        self._deadline = time.monotonic() + settings.query_time
        self._wrote = _written()
        self._over = threading.Event()
        self.ended: LakeError | None = None
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        # Again and again: one that comes between two statements, or two batches of rows, may be lost.
        while not self._over.wait(PAUSE_SECONDS):
            self.ended = self.ended or self._too_long() or self._too_full()
            if self.ended is not None:
                self._con.interrupt()

    def stop(self) -> None:
        self._over.set()
        self.thread.join()

    def _too_long(self) -> LakeError | None:
        if time.monotonic() < self._deadline:
            return None
        return too_long(self._settings)

    def _too_full(self) -> LakeError | None:
        if _written() - self._wrote < LITTLE_BYTES or free_bytes(self._disk) >= 2 * self._settings.reserve:
            return None
        return LakeError(
            "the query was ended: what it writes would take the room that WAREHOUSE_RESERVE keeps for deliveries.",
            "free space on the disk of the journals, or write to another: WAREHOUSE_QUERY_TEMP, --out",
            where=self._disk,
        )


def too_long(settings: Settings) -> LakeError:
    """What is said of a query that is beyond its time."""
    return LakeError(
        f"the query was ended: it took longer than the {settings.query_time:,} s of WAREHOUSE_QUERY_TIME.",
        "ask for less at once, or set WAREHOUSE_QUERY_TIME higher; `warehouse sql --owner` has no limit",
    )


@contextmanager
def limited(con: duckdb.DuckDBPyConnection, settings: Settings | None) -> Iterator[None]:
    """End what the connection runs in the block once it is beyond the limits of a query; without settings there are
    none. Raises LakeError that names the setting."""
    if settings is None:
        yield
        return
    watch = _Watch(con, settings)
    watch.thread.start()
    try:
        yield
    except duckdb.Error as error:
        watch.stop()
        meant = watch.ended or _in_words_of_settings(error)
        if meant is None:
            raise
        raise meant from error
    except MemoryError as error:
        raise _too_much() from error
    finally:
        watch.stop()


def limit_process(settings: Settings) -> None:
    """Let this process, whose DuckDB is open, take as much more memory as a query may, and not a byte beyond.

    DuckDB counts its buffers and not what its functions take beside them: `list_sum(range(1_000_000_000))` takes 8 GB
    whatever its own limit. Beyond this one an allocation fails, and with it the query. Linux only.
    """
    if sys.platform != "linux":
        return
    fields = Path("/proc/self/statm").read_text(encoding="ascii").split()
    taken = int(fields[5]) * PAGE_BYTES
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = taken + settings.query_memory
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _in_words_of_settings(error: duckdb.Error) -> LakeError | None:
    text = str(error)
    if "max_temp_directory_size" in text:
        return LakeError(
            "the query needs more room for temporary files than WAREHOUSE_QUERY_TEMP_SIZE, or than its disk can give.",
            "ask for less at once, set WAREHOUSE_QUERY_TEMP_SIZE or WAREHOUSE_QUERY_MEMORY higher, or name a folder on "
            "another disk in WAREHOUSE_QUERY_TEMP",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return _too_much()
    if isinstance(error, duckdb.PermissionException):
        return LakeError("the query names a file, and none but the lake's are opened here.", OWN_FILES)
    if "configuration has been locked" in text:
        return LakeError(
            "the query would change a setting of DuckDB, and they are locked here.",
            "WAREHOUSE_QUERY_MEMORY, _TEMP, _TEMP_SIZE and _TIME say what a query may take; `--owner` locks nothing",
        )
    return None


def _too_much() -> LakeError:
    return LakeError(
        "the query needs more memory than WAREHOUSE_QUERY_MEMORY.",
        "ask for less at once, or set WAREHOUSE_QUERY_MEMORY higher",
    )


def _written() -> int:
    """What this process has written to disks so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_oublock * BLOCK_BYTES
