"""Journals as a receiver leaves them in a home, and a home that has lost them."""

from tests.live import envelope
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter, list_journals
from warehouse.settings import Settings


def deliver(settings: Settings, *numbers: int) -> None:
    """A journal with an event of each of these numbers."""
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number), 1_000_000 + number) for number in numbers])


def lose_journals(settings: Settings) -> None:
    """Take all journals away."""
    for path in list_journals(settings.journal_dir):
        path.unlink()
