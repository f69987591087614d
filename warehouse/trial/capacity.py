"""What this machine and its disk can take: the real receiver on a new home on the same disk, posted to for seconds.

Nothing of an existing home is read or changed; what was written is deleted at the end.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Final

import msgspec

from warehouse.settings import Settings
from warehouse.simulator import simulate
from warehouse.system.disk import sync_file
from warehouse.system.home_folder import HomeFolder
from warehouse.trial.load_generator import Load, load, percentile
from warehouse.trial.local_receiver import own_settings, receiving

PROBE_BYTES: Final = 2_200
BUSY_CONNECTIONS: Final = 64

# How a retailer's orders a day become events a second. The first is what the simulator tells; the others are guesses on
# the safe side: an eighth of a day in its busiest hour, and three times that hour's mean in its busiest minute.
EVENTS_AN_ORDER: Final = 10
BUSIEST_HOUR: Final = 1 / 8
BUSIEST_MINUTE: Final = 3.0

Say = Callable[[str], None]


class Probe(msgspec.Struct, frozen=True):
    """How long the disk takes for one fdatasync after 2 KB were appended, in seconds."""

    p50: float
    p99: float


class Capacity(msgspec.Struct, frozen=True):
    """What was measured: the disk alone, events one by one, and over 64 connections; and the peak it is to stand."""

    disk: Probe
    one_by_one: Load
    at_once: Load
    orders_per_day: int
    peak: float

    @property
    def margin(self) -> float:
        """How many times the peak it can take."""
        return self.at_once.rate / self.peak


def measure_capacity(settings: Settings, orders_per_day: int, seconds: float, say: Say) -> Capacity:
    """Measure on the disk of the settings' home for about three times `seconds`. Raises ServeError or OSError."""
    HomeFolder(settings.home)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=settings.home) as name:
        folder = Path(name)
        say("asking the disk")
        disk = probe_disk(folder, 500)
        own = own_settings(folder / "home")
        key = own.api_keys[0]
        with receiving(own, folder / "receiver.log") as url:
            template = _template()
            say("warming up")
            load(url, key, template, BUSY_CONNECTIONS, seconds / 3)
            say("one event after another")
            one_by_one = load(url, key, template, 1, seconds)
            say(f"{BUSY_CONNECTIONS} at once")
            at_once = load(url, key, template, BUSY_CONNECTIONS, seconds)
    return Capacity(disk, one_by_one, at_once, orders_per_day, peak_of(orders_per_day))


def peak_of(orders_per_day: int) -> float:
    """The events a second of the busiest minute, for a retailer with so many orders a day."""
    return orders_per_day * EVENTS_AN_ORDER * BUSIEST_HOUR / 3600 * BUSIEST_MINUTE


def probe_disk(folder: Path, syncs: int) -> Probe:
    """Append 2 KB to a new file in `folder` and sync it, so many times. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        waits = []
        for _ in range(syncs):
            file.write(b"x" * PROBE_BYTES)
            began = perf_counter()
            sync_file(file.fileno())
            waits.append(perf_counter() - began)
    waits.sort()
    return Probe(percentile(waits, 50), percentile(waits, 99))


def _template() -> tuple[bytes, bytes]:
    """An order.created of 2 KB, such as NewStore sends, without its key."""
    orders = (body for body in simulate(events=2_000, families=("order",)) if b'"order.created"' in body)
    body = min(orders, key=lambda body: abs(len(body) - 2_048))
    key = msgspec.json.decode(body)["payload"]["id"].encode()
    before, _, after = body.partition(key)
    return before, after
