"""What a receiver's home looks like from outside: room, journals, refreshes, care of the log.

Small files are read and no database is opened, so that looking costs milliseconds and holds up nobody. Each source is
looked at by itself: one that cannot be read is None and says so in `unread`, and hides no other.
"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from warehouse.errors import LakeError
from warehouse.journal import list_journals, load_marks, written_after
from warehouse.journal.record import pack_header
from warehouse.journal.seal_marks import SealedMark
from warehouse.notes.log_counts import Figures, read_figures
from warehouse.notes.log_watch_note import LogWatch, read_log_watch
from warehouse.notes.refresh_attempt import Attempted, State, read_attempt
from warehouse.notes.refresh_note import Publication, read_publication
from warehouse.remedies import CHECK_DISK, READ_JOURNAL, RECOVER, RESTORE
from warehouse.settings import Settings
from warehouse.system.sources import Sources, Unread, explain

# So many journals that cannot be read are named one by one.
NAMED: Final = 3


class Backlog(msgspec.Struct, frozen=True):
    """The journals of a home: how many files of how many bytes, at most how many of these are not in the log, and how
    many files could not be looked at."""

    files: int
    bytes: int
    unsealed: int
    unread: int


class Disk(msgspec.Struct, frozen=True):
    """Bytes of the disk that holds the journals."""

    free: int
    size: int


class HomeView(msgspec.Struct, frozen=True):
    """A home at one moment. None is what there is none of yet, or what could not be read: `unread` says which, of the
    sources in `looked_at`."""

    backlog: Backlog | None
    disk: Disk | None
    publication: Publication | None
    attempt: Attempted | None
    figures: Figures | None
    log_watch: LogWatch | None
    looked_at: tuple[str, ...]
    unread: tuple[Unread, ...]

    def is_unread(self, source: str) -> bool:
        """Whether a source could not be read."""
        return any(one.source == source for one in self.unread)

    @property
    def refreshed_at(self) -> float | None:
        """When readers were last shown all there was, in seconds since 1970."""
        return None if self.publication is None else self.publication.finished


def look_at_home(settings: Settings) -> HomeView:
    """Look now."""
    sources = Sources()
    view = HomeView(
        disk=sources.read("disk", lambda: _disk(settings), CHECK_DISK),
        backlog=sources.read("journal", lambda: _backlog(settings, sources), CHECK_DISK),
        publication=sources.read("publication", lambda: read_publication(settings)),
        attempt=sources.read("refresh", lambda: read_attempt(settings)),
        figures=sources.read("figures", lambda: read_figures(settings)),
        log_watch=sources.read("log", lambda: read_log_watch(settings)),
        looked_at=(),
        unread=(),
    )
    sources.read("lake", lambda: _lake(settings, view), RECOVER)
    return msgspec.structs.replace(view, looked_at=tuple(sources.looked_at), unread=tuple(sources.unread))


class HomeCollector(Collector):
    """The same as gauges for Prometheus, looked at when it asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """The gauges, without those there is nothing to say of."""
        present = self._settings.home.is_dir()
        yield _gauge("newstore_home_present", "1 while the home's folder is where it was.", present)
        home = look_at_home(self._settings)
        readable = GaugeMetricFamily(
            "newstore_source_readable", "1 for each part of the home that could be looked at.", labels=["source"]
        )
        for source in home.looked_at:
            readable.add_metric([source], 0 if home.is_unread(source) else 1)
        yield readable
        if home.disk is not None:
            yield _gauge("newstore_disk_free_bytes", "Room left where the journals are.", home.disk.free)
        if (backlog := home.backlog) is not None:
            yield _gauge("newstore_journal_bytes", "Bytes of all journals of the home.", backlog.bytes)
            yield _gauge("newstore_journal_unsealed_bytes", "Of these, not yet sealed into the log.", backlog.unsealed)
            yield _gauge("newstore_journal_unread", "Journals that could not be looked at.", backlog.unread)
        yield from _of_refreshes(home)
        yield from _of_the_log(home)


def _of_refreshes(home: HomeView) -> Iterator[Metric]:
    if home.refreshed_at is not None:
        yield _gauge("newstore_refresh_timestamp_seconds", "When the last complete refresh ended.", home.refreshed_at)
    if (attempt := home.attempt) is not None:
        yield _gauge("newstore_refresh_attempt_timestamp_seconds", "When the last refresh began.", attempt.started)
        if attempt.succeeded is not None:
            text = "When a refresh last ended well."
            yield _gauge("newstore_refresh_success_timestamp_seconds", text, attempt.succeeded)
        text = "Refreshes that failed or died since the last one that went well."
        yield _gauge("newstore_refresh_failures", text, attempt.failures)
        is_running = attempt.state is State.RUNNING
        yield _gauge("newstore_refresh_running", "1 while a refresh runs.", is_running)
        text = "1 when a loop of refreshes has ended unasked."
        yield _gauge("newstore_refresh_overdue", text, attempt.state is State.OVERDUE)


def _of_the_log(home: HomeView) -> Iterator[Metric]:
    if home.figures is not None:
        total = home.figures.total
        yield _gauge("newstore_log_deliveries", "Deliveries in the log at the last refresh.", total.deliveries)
        yield _gauge("newstore_log_duplicates", "Of these, repetitions of an earlier one.", total.duplicates)
        yield _gauge("newstore_log_quarantined", "Of these, kept outside the facts.", total.quarantined)
    if (looked := home.log_watch) is not None:
        yield _gauge("newstore_log_files", "Files of the lake when it was last looked through.", looked.files)
        yield _gauge("newstore_log_files_verified", "Of these, looked through.", looked.verified)
        yield _gauge("newstore_log_damaged", "Findings in these files.", looked.damaged)
        if looked.looked is not None:
            yield _gauge("newstore_log_verified_timestamp_seconds", "When the log was last looked at.", looked.looked)
        if looked.oldest is not None:
            text = "Of all files looked through, when the one that waits longest was."
            yield _gauge("newstore_log_oldest_look_timestamp_seconds", text, looked.oldest)


def _disk(settings: Settings) -> Disk:
    usage = shutil.disk_usage(settings.home)
    return Disk(usage.free, usage.total)


def _backlog(settings: Settings, sources: Sources) -> Backlog:
    folder = settings.journal_dir
    # Listing by a pattern takes a folder that cannot be read for an empty one.
    os.listdir(folder)  # noqa: PTH208 - as above
    marks = sources.read("marks", lambda: load_marks(folder)) or {}
    files = size = unsealed = unread = 0
    for path in list_journals(folder):
        try:
            length, behind = _look_at_journal(path, marks.get(path.name))
        except FileNotFoundError as error:
            # Sealed and past its time, a journal may go at any moment.
            if not path.is_symlink():
                continue
            unread = _cannot_be_read(sources, path, error, unread)
        except OSError as error:
            unread = _cannot_be_read(sources, path, error, unread)
        else:
            size, unsealed = size + length, unsealed + behind
        files += 1
    if unread > NAMED:
        sources.fails(Unread("journal", f"{folder}: {unread - NAMED:,} more journals cannot be read", READ_JOURNAL))
    return Backlog(files, size, unsealed, unread)


def _look_at_journal(path: Path, saved: SealedMark | None) -> tuple[int, int]:
    """Bytes of a journal, and how many of them are not in the log. Raises OSError."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a file")
    return found.st_size, written_after(path, saved.mark.offset if saved else len(pack_header(path.stem)))


def _cannot_be_read(sources: Sources, path: Path, error: OSError, before: int) -> int:
    if before < NAMED:
        reason = f"{path}: this journal cannot be read: {error.strerror or error}"
        sources.fails(msgspec.structs.replace(explain("journal", error, READ_JOURNAL), reason=reason))
    return before + 1


def _lake(settings: Settings, view: HomeView) -> None:
    """Whether a lake of which something was shown still has its catalog. Raises OSError or LakeError.

    Only its name is looked for: nobody but SQLite opens that file.
    """
    if view.publication is None and view.figures is None:
        return
    # `warehouse.lake.connection` has the same; importing it would bring DuckDB into every worker.
    catalog = Path(settings.catalog) if settings.catalog else settings.lake_dir / "catalog.sqlite"
    if "://" in str(settings.catalog) or str(settings.catalog).startswith("postgres:"):
        return
    if not settings.lake_dir.exists() and settings.data_path is None:
        raise LakeError("the lake is gone; its facts were shown from here before.", RESTORE, where=settings.lake_dir)
    if not catalog.stat().st_size or not catalog.is_file():
        raise LakeError("the lake's catalog is empty.", RECOVER, where=catalog)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
