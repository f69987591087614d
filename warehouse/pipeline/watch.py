"""Refreshes again and again in one process, whenever there is something new, until it is told to stop.

A failure ends nothing: it is reported, waited out for longer each time, and tried again with everything opened anew.
Memory does not grow with the number of refreshes: the session is closed and opened anew after a few of them.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Final, TypeAlias

import duckdb
import msgspec

from warehouse.build.scheduler import reason_of
from warehouse.build.session import open_session
from warehouse.care.log_watch import LogWatcher
from warehouse.errors import JournalUnread, RefreshError, WarehouseError
from warehouse.notes.refresh_attempt import attempting, pause_after, stop_attempting
from warehouse.notes.refresh_note import Publication
from warehouse.pipeline.refresh import refresh_in
from warehouse.settings import Settings
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

# Another refresh of this home is waited for so long before it is spoken of.
LOCK_SECONDS: Final = 30.0
# DuckDB keeps a little of every file that it has read or written for as long as it runs, 3 MB a refresh, although the
# next refresh has other files; only with the session does all of it go. Opening one costs a tenth of a refresh.
SESSION_REFRESHES: Final = 16


class Refreshed(msgspec.Struct, frozen=True):
    """A refresh that showed readers something new, and the seconds it took from sealing to publishing."""

    publication: Publication
    seconds: float


class Failed(msgspec.Struct, frozen=True):
    """A refresh that failed, and after how many seconds it is tried again; readers keep what they had."""

    error: WarehouseError
    pause: float


Report: TypeAlias = Callable[[Refreshed | Failed], None]


def watch(settings: Settings, seconds: float, stop: threading.Event, report: Report) -> None:
    """Look for something new every `seconds` and refresh when there is, until `stop` is set; at hand is finished first.

    `report` is called after each refresh that changed something or failed. What fails is tried again after twice
    `seconds`, then twice as long each time, up to five minutes; the first success ends that. A journal that cannot be
    read slows nothing down, and is reported once.
    """
    failures, unread = 0, ""
    home = HomeFolder(settings.home)
    log_watcher = LogWatcher(settings)
    while not stop.is_set():
        try:
            home.check()
            with ExitStack() as stack:
                # Opened within an attempt: when that fails, the attempt has.
                session = cache(lambda: stack.enter_context(open_session(settings)))
                shown = 0
                while shown < SESSION_REFRESHES and not stop.is_set():
                    began = time.monotonic()
                    home.check()
                    refreshed = _refresh(session, settings, seconds)
                    failures, before = 0, unread
                    unread = refreshed.error.message if isinstance(refreshed, Failed) else ""
                    if refreshed is not None:
                        shown += 1
                        if not unread or unread != before:
                            report(refreshed)
                    log_watcher.go_on()
                    stop.wait(max(0.0, began + seconds - time.monotonic()))
        except (WarehouseError, duckdb.Error, OSError) as error:
            failures += 1
            pause = pause_after(seconds, failures)
            report(Failed(_explained(error, settings), pause))
            log_watcher.go_on()
            stop.wait(pause)
        _give_memory_back()
    log_watcher.close()
    stop_attempting(settings)


def _explained(error: WarehouseError | duckdb.Error | OSError, settings: Settings) -> WarehouseError:
    if isinstance(error, WarehouseError):
        return error
    reason = reason_of(error) if isinstance(error, duckdb.Error) else str(error)
    return RefreshError(str(reason), "see that its disk has room and its files may be written to", where=settings.home)


def _refresh(
    session: Callable[[], duckdb.DuckDBPyConnection], settings: Settings, seconds: float
) -> Refreshed | Failed | None:
    """A refresh that changed something, or one that a journal was missing from; None when there was nothing new."""
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS):
        began = time.monotonic()
        try:
            with attempting(settings, seconds):
                publication = refresh_in(session(), settings)
        except JournalUnread as error:
            return Failed(error, seconds)
        return Refreshed(publication, time.monotonic() - began) if publication.rows else None


def _give_memory_back() -> None:
    """Let the system have what the last session has freed, which glibc would keep; other C libraries keep little."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
