"""Journals as a receiver leaves them in a home, a home that has lost them, and the files of its log."""

from pathlib import Path

from tests.live import envelope
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter, list_journals
from warehouse.lake.connection import log_folder
from warehouse.settings import Settings


def deliver(settings: Settings, *numbers: int) -> Path:
    """A journal with an event of each of these numbers."""
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number), 1_000_000 + number) for number in numbers])
        return journal.path


def deliver_bodies(settings: Settings, *bodies: bytes) -> Path:
    """A journal with these bodies, whatever they are."""
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, 1_000_000 + number) for number, body in enumerate(bodies)])
        return journal.path


def lose_journals(settings: Settings) -> None:
    """Take all journals away."""
    for path in list_journals(settings.journal_dir):
        path.unlink()


def log_files(settings: Settings) -> list[Path]:
    """The Parquet files that lie in the log's folder."""
    return sorted(log_folder(settings).glob("*.parquet"))
