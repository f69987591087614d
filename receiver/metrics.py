"""What the receiver counts. The number of series is bounded: no label holds text from a request.

With several worker processes, PROMETHEUS_MULTIPROC_DIR names a folder they all write to; each of them answers for all.
"""

import os
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from receiver.answers import REFUSALS, TOO_LARGE, Answer
from warehouse.delivery.delivery import Delivery, Problem
from warehouse.system.sources import Sources

SHARED_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
# Under this name an application tells its server about its metrics.
STATE: Final = "metrics"
SECONDS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAGS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 86400)
# NewStore promises to deliver within this time of publishing.
SLA_SECONDS: Final = 900
# So many lags of a group, and of all groups since they were last taken, stand for the others.
LAGS_A_GROUP: Final = 8
LAGS_KEPT: Final = 500
GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
SINGLE_TOTALS: Final = {
    "newstore_body_bytes_total": "bytes",
    "newstore_commit_seconds_count": "commits",
    "newstore_commit_seconds_sum": "commit_seconds",
}

WORKERS_HINT: Final = "start the receiver again: it makes the files of its workers' metrics anew"

# Twice the series to say when each began; nobody asked.
disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped


class Metrics:
    """The receiver's counters, in a registry of their own. Each is updated once a group where that is enough."""

    def __init__(self, event_names: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._names = frozenset(event_names)
        requests = Counter("newstore_requests", "Requests by the answer they got.", ["answer"], registry=self.registry)
        self._answers = {
            answer: requests.labels(answer)
            for answer in (
                "200",
                "400",
                "401",
                "404",
                "405",
                "408",
                "431",
                "disconnected",
                *(answer.counted_as for answer in REFUSALS),
            )
        }
        self._stored = Counter(
            "newstore_deliveries",
            "Deliveries on the disk, by event name of the contract (or unknown) and by problem.",
            ["name", "problem"],
            registry=self.registry,
        )
        self._stored_of: dict[tuple[str | None, Problem | None], Counter] = {}
        self._bytes = Counter("newstore_body_bytes", "Bytes of bodies on the disk.", registry=self.registry)
        self._commit_seconds = Histogram(
            "newstore_commit_seconds", "Time to write and sync one group.", buckets=SECONDS, registry=self.registry
        )
        self._group_size = Histogram(
            "newstore_group_deliveries", "Deliveries in one group.", buckets=GROUP_SIZES, registry=self.registry
        )
        self._lag = Histogram(
            "newstore_group_lag_seconds",
            "Longest time from published_at to received_at in one group.",
            buckets=LAGS,
            registry=self.registry,
        )
        self._late = Counter(
            "newstore_late_deliveries",
            "Deliveries received more than 15 minutes after they were published.",
            registry=self.registry,
        )
        self._lags: list[int] = []
        self._lag_max: int | None = None
        self._held = self._gauge("newstore_queue_deliveries", "Deliveries waiting or being written.", "livesum")
        self._held_bytes = self._gauge("newstore_queue_bytes", "Bytes waiting or being written.", "livesum")
        self._oversized = Counter(
            "newstore_oversized", "Deliveries refused for their size: the stream is stuck.", registry=self.registry
        )
        self._failures = Counter(
            "newstore_journal_failures", "Journals that could not be created or written.", registry=self.registry
        )
        self._displaced = Counter(
            "newstore_journals_displaced",
            "Journals that were deleted, moved or cut short while they were written.",
            registry=self.registry,
        )
        self._writable = self._gauge("newstore_journal_writable", "1 while the journal takes deliveries.", "livemin")
        self._last_ack = self._gauge(
            "newstore_last_ack_timestamp_seconds", "When a delivery was last acknowledged.", "max"
        )
        self._last_ack_at = 0.0
        self._folder = os.environ.get(SHARED_FOLDER)
        if self._folder:
            _reserve(Path(self._folder))

    def _gauge(self, name: str, text: str, over_workers: str) -> Gauge:
        return Gauge(name, text, multiprocess_mode=over_workers, registry=self.registry)  # type: ignore[arg-type] # a Literal

    def accepted(self) -> None:
        """A request got its 200."""
        self._answers["200"].inc()

    def refused(self, answer: Answer) -> None:
        """A request got another answer of the event route."""
        self._answers[answer.counted_as].inc()
        if answer is TOO_LARGE:
            self._oversized.inc()

    def unrouted(self, status: int) -> None:
        """A request was for another path, with another method, or was none that could be read to its end."""
        self._answers[str(status)].inc()

    def disconnected(self) -> None:
        """A client hung up in its body."""
        self._answers["disconnected"].inc()

    def queue(self, deliveries: int, size: int) -> None:
        """So many deliveries, together of `size` bytes, are not yet on the disk."""
        self._held.set(deliveries)
        self._held_bytes.set(size)

    def committed(self, group: Sequence[Delivery], seconds: float) -> None:
        """A group is on the disk."""
        self._commit_seconds.observe(seconds)
        self._group_size.observe(len(group))
        self._bytes.inc(sum([len(delivery.body) for delivery in group]))
        self._last_ack_at = time()
        self._last_ack.set(self._last_ack_at)
        for (name, problem), count in Tally([(d.name, d.problem) for d in group]).items():
            key = (name if name in self._names else None, problem)
            if key not in self._stored_of:
                self._stored_of[key] = self._stored.labels(key[0] or "unknown", problem or "none")
            self._stored_of[key].inc(count)
        self._lagged([d.received_at - d.published_at for d in group if d.published_at is not None])

    def _lagged(self, lags: list[int]) -> None:
        """Deliveries with these microseconds between published_at and received_at are on the disk."""
        if not lags:
            return
        longest = max(lags)
        self._lag.observe(longest / 1e6)
        if longest > SLA_SECONDS * 1_000_000:
            self._late.inc(sum([lag > SLA_SECONDS * 1_000_000 for lag in lags]))
        if self._lag_max is None or longest > self._lag_max:
            self._lag_max = longest
        if len(self._lags) < LAGS_KEPT:
            self._lags.extend(lags[:LAGS_A_GROUP])

    def journal_opened(self) -> None:
        """A journal takes deliveries from now on."""
        self._writable.set(1)

    def journal_failed(self) -> None:
        """A journal could not be created or written."""
        self._failures.inc()
        self._writable.set(0)

    def journal_displaced(self) -> None:
        """The journal that was being written is not under its name any more."""
        self._displaced.inc()
        self._writable.set(0)

    def take_lags(self) -> tuple[float | None, list[float]]:
        """The longest lag since this was last asked, and some of all, in seconds."""
        longest, lags = self._lag_max, self._lags
        self._lag_max, self._lags = None, []
        return longest and longest / 1e6, [lag / 1e6 for lag in lags]

    def totals(self) -> dict[tuple[str, str], float]:
        """What this worker has counted so far, by kind (answers, names, problems, faults, bytes, commits,
        commit_seconds) and label."""
        totals: dict[tuple[str, str], float] = defaultdict(float)
        kinds = {"newstore_requests_total": "answers", "newstore_deliveries_total": "names"} | SINGLE_TOTALS
        for family in self.registry.collect():
            for sample in family.samples:
                kind = kinds.get(sample.name)
                if kind == "names":
                    totals["names", sample.labels["name"]] += sample.value
                    if sample.labels["problem"] != "none":
                        totals["problems", sample.labels["problem"]] += sample.value
                elif sample.name == "newstore_journals_displaced_total":
                    totals["faults", "displaced"] += sample.value
                elif kind is not None:
                    totals[kind, sample.labels.get("answer", "")] += sample.value
        return totals

    @property
    def last_ack(self) -> float:
        """When this worker last acknowledged a delivery, in seconds since 1970; 0 before the first."""
        return self._last_ack_at

    def collect(self, more: Collector) -> "Collected":
        """All metrics as of now, of all workers where there are several, and `more`."""
        sources = Sources()
        families = sources.read("workers", self._of_all_workers, WORKERS_HINT)
        if families is None:
            families = list(self.registry.collect())
        readable = GaugeMetricFamily("newstore_workers_readable", "1 when these are the figures of all workers.")
        readable.add_metric([], 0 if sources.unread else 1)
        return Collected([*families, readable, *more.collect()])

    def _of_all_workers(self) -> list[Metric]:
        if not self._folder:
            return list(self.registry.collect())
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped
        return list(registry.collect())

    def close(self) -> None:
        """Take this worker out of the gauges of all."""
        if self._folder:
            mark_process_dead(os.getpid())  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped


class Collected(Collector):
    """Metrics as they were at one moment, written once in each of the few formats that anybody asks for."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families
        self._written: dict[str, bytes] = {}

    def collect(self) -> Sequence[Metric]:
        """The metrics."""
        return self._families

    def render(self, accept: str) -> tuple[bytes, str]:
        """Their text in the format asked for, and its type."""
        encode, content_type = choose_encoder(accept)
        if content_type not in self._written:
            self._written[content_type] = encode(self)
        return self._written[content_type], content_type


def _reserve(folder: Path) -> None:
    """Give this worker's files their room on the disk: writing to a mapped file that has none kills the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    for path in folder.glob(f"*_{os.getpid()}.db"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
