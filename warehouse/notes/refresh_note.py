"""The note of the last publishing of a home: what readers see, and since when."""

from pathlib import Path
from typing import Final

import msgspec

from warehouse.settings import Settings
from warehouse.system.note_file import read_note, utc_seconds, write_note

FILE: Final = "publication.json"


class Publication(msgspec.Struct, frozen=True):
    """One publishing: the last batch of the log it shows, rows written by mart (none when nothing had changed), and
    when it ended, in ISO 8601 and UTC. `rebuilt` is why everything was built again that nobody had asked for."""

    run_id: str
    batch: int
    rows: dict[str, int]
    finished_at: str
    rebuilt: str | None = None

    def __post_init__(self) -> None:
        utc_seconds(self.finished_at)

    @property
    def finished(self) -> float:
        """The same moment in seconds since 1970."""
        return utc_seconds(self.finished_at)


def publication_path(settings: Settings) -> Path:
    """Where the note is."""
    return settings.home / FILE


def read_publication(settings: Settings) -> Publication | None:
    """The last publishing of this home; None before the first. Raises NoteError."""
    return read_note(publication_path(settings), Publication)


def write_publication(settings: Settings, publication: Publication) -> None:
    """Replace the home's note by this one. Raises OSError."""
    write_note(publication_path(settings), publication)
