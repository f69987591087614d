"""Deliveries that the log lacks: what is missing, and what of that the operator has accepted as lost for ever.

What is accepted is no finding any more, and whoever looks for losses says how much of it there is and since when. What
goes missing later is a finding again. The note of it is in the home.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from warehouse.care.defect import Defect
from warehouse.errors import NoteError
from warehouse.journal.deleted_journals import deleted_journals
from warehouse.lake.connection import log_folder
from warehouse.log.position_set import Spans
from warehouse.settings import Settings
from warehouse.system.note_file import read_note, utc_now, utc_seconds, write_note

FILE: Final = "accepted_losses.json"

Positions = Mapping[str, Spans]


class Loss(msgspec.Struct, frozen=True):
    """Deliveries of a journal, the first and the last of them, and when they were accepted, in ISO 8601 and UTC."""

    journal: str
    first: int
    last: int
    accepted_at: str

    def __post_init__(self) -> None:
        utc_seconds(self.accepted_at)
        if not 0 <= self.first <= self.last < 2**63:
            raise ValueError("no positions")


class _Note(msgspec.Struct, frozen=True):
    losses: tuple[Loss, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """How many of the deliveries that are missing now are accepted, and since when: the first time any was."""

    deliveries: int = 0
    since: str | None = None


def accepted_path(settings: Settings) -> Path:
    """Where the note is."""
    return settings.home / FILE


def missing_of(settings: Settings, log: Positions) -> Iterator[Defect]:
    """Deliveries before later ones of their journal, and those of journals that were deleted as sealed; the ones that
    are accepted are left out."""
    deleted = deleted_journals(settings)
    try:
        accepted = _positions(_read(settings))
    except NoteError as error:
        accepted = {}
        yield Defect(str(accepted_path(settings)), "the note", error.message)
    for journal, lost in _lost(settings, log).items():
        for first, last in lost.minus(accepted.get(journal, Spans())):
            why = "; they were in the log when the journal was deleted" if last < deleted.get(journal, 0) else ""
            yield Defect(
                str(log_folder(settings)), f"journal {journal}", f"deliveries {first} to {last} are missing{why}"
            )


def accepted_of(settings: Settings, log: Positions) -> Accepted:
    """What is missing from a log with these positions, and accepted."""
    try:
        losses = _read(settings)
    except NoteError:
        # A finding of `missing_of`.
        return Accepted()
    accepted = _positions(losses)
    missing = 0
    for journal, lost in _lost(settings, log).items():
        missing += len(lost) - len(lost.minus(accepted.get(journal, Spans())))
    return Accepted(missing, min(loss.accepted_at for loss in losses) if missing else None)


def accept_losses(settings: Settings, log: Positions) -> None:
    """Accept everything that is missing from a log with these positions. Raises NoteError or OSError."""
    losses = _read(settings)
    accepted, now = _positions(losses), utc_now()
    new = [
        Loss(journal, first, last, now)
        for journal, lost in _lost(settings, log).items()
        for first, last in lost.minus(accepted.get(journal, Spans()))
    ]
    if new:
        write_note(accepted_path(settings), _Note((*losses, *new)))


def _lost(settings: Settings, log: Positions) -> dict[str, Spans]:
    """Everything that is missing, by journal."""
    deleted = deleted_journals(settings)
    return {
        journal: Spans.of(log.get(journal, Spans()).gaps(deleted.get(journal, 0)))
        for journal in sorted(log.keys() | deleted.keys())
    }


def _read(settings: Settings) -> tuple[Loss, ...]:
    note = read_note(accepted_path(settings), _Note)
    return () if note is None else note.losses


def _positions(losses: tuple[Loss, ...]) -> dict[str, Spans]:
    positions: dict[str, Spans] = {}
    for loss in losses:
        positions.setdefault(loss.journal, Spans()).merge(Spans.of([(loss.first, loss.last)]))
    return positions
