"""What a receiver's home looks like from outside: room, journals, last refresh. Small files are read, nothing else.

No database is opened here, so that looking costs a millisecond and holds up nobody.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime

import msgspec
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from warehouse.figures import Figures, read_figures
from warehouse.journal import list_journals, load_marks, written_after
from warehouse.journal.record import pack_header
from warehouse.publication import Publication, read_publication
from warehouse.settings import Settings


class Backlog(msgspec.Struct, frozen=True):
    """The journals of a home: how many files of how many bytes, and at most how many of these are not in the log."""

    files: int
    bytes: int
    unsealed: int


class HomeView(msgspec.Struct, frozen=True):
    """A home at one moment; `refreshed_at` in seconds since 1970. None is what there is none of yet."""

    backlog: Backlog
    disk_free: int
    disk_size: int
    refreshed_at: float | None
    publication: Publication | None
    figures: Figures | None


def look_at_home(settings: Settings) -> HomeView:
    """Look now; a home that is gone has nothing. Raises OSError when the home's folder cannot be read."""
    if not settings.home.exists():
        return HomeView(Backlog(0, 0, 0), 0, 0, None, None, None)
    disk = shutil.disk_usage(settings.home)
    publication = read_publication(settings)
    refreshed = None if publication is None else datetime.fromisoformat(publication.finished_at).timestamp()
    return HomeView(_backlog(settings), disk.free, disk.total, refreshed, publication, read_figures(settings))


class HomeCollector(Collector):
    """The same as gauges for Prometheus, looked at when it asks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """The gauges, without those there is nothing to say of yet."""
        present = self._settings.home.exists()
        yield _gauge("newstore_home_present", "1 while the home's folder is where it was.", present)
        if not present:
            return
        home = look_at_home(self._settings)
        yield _gauge("newstore_disk_free_bytes", "Room left where the journals are.", home.disk_free)
        yield _gauge("newstore_journal_bytes", "Bytes of all journals of the home.", home.backlog.bytes)
        yield _gauge("newstore_journal_unsealed_bytes", "Of these, not yet sealed into the log.", home.backlog.unsealed)
        if home.refreshed_at is not None:
            yield _gauge("newstore_refresh_timestamp_seconds", "When the last refresh ended.", home.refreshed_at)
        if home.figures is not None:
            total = home.figures.total
            yield _gauge("newstore_log_deliveries", "Deliveries in the log at the last refresh.", total.deliveries)
            yield _gauge("newstore_log_duplicates", "Of these, repetitions of an earlier one.", total.duplicates)
            yield _gauge("newstore_log_quarantined", "Of these, kept outside the facts.", total.quarantined)


def _backlog(settings: Settings) -> Backlog:
    marks = load_marks(settings.journal_dir)
    files = size = unsealed = 0
    for path in list_journals(settings.journal_dir):
        saved = marks.get(path.name)
        read = saved.mark.offset if saved else len(pack_header(path.stem))
        try:
            length, behind = path.stat().st_size, written_after(path, read)
        except FileNotFoundError:
            # Sealed and past its time, a journal may go at any moment.
            continue
        files, size, unsealed = files + 1, size + length, unsealed + behind
    return Backlog(files, size, unsealed)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
