"""Homes with a simulated retailer's log, made by the real replay and seal, and kept between runs of a benchmark."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.journal.replay import replay
from warehouse.log.sealer import seal
from warehouse.settings import Settings
from warehouse.simulator import simulate

SEED = 5
CACHE = Path(tempfile.gettempdir()) / "newstore-warehouse-benchmarks"
# Deliveries that a home has not got yet, for the refreshes that are measured on it.
SPARE = 40_000


def settings_of(home: Path) -> Settings:
    return Settings.load({}, home=str(home))


def history(events: int, cache: Path, spare: int = SPARE) -> Path:
    """A home whose log holds so many deliveries and nothing built; beside it `news.ndjson`, what arrives next."""
    folder = cache / f"{events}-{SEED}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        deliveries = iter(simulate(events=events + spare, seed=SEED, duplicates=0.02))
        old, news = folder / "old.ndjson", folder / "news.ndjson"
        _write(old, islice(deliveries, events))
        _write(news, deliveries)
        settings = settings_of(folder / "home")
        replay(settings, [old])
        seal(settings)
        (folder / "complete").touch()
    return folder


def copy(folder: Path, to: Path) -> Settings:
    """A home to work on, so that the one in the cache stays as it is."""
    shutil.copytree(folder / "home", to)
    return settings_of(to)


def deliver(settings: Settings, lines: Iterator[bytes], number: int) -> None:
    """Put the next deliveries into the journal, as a receiver acknowledges them."""
    now = time.time_ns() // 1000
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(line.rstrip(b"\n"), now) for line in islice(lines, number)])


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _write(path: Path, bodies: Iterator[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(body + b"\n" for body in bodies)
