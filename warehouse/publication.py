"""The notes a refresh leaves in its home: what readers see since when, and what went wrong after that.

Each is written whole or not at all.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from warehouse.settings import Settings


class Publication(msgspec.Struct, frozen=True):
    """One publishing: the last batch of the log it shows, rows written by mart (none when nothing had changed), and
    when it ended, in ISO 8601 and UTC. `rebuilt` is why everything was built again that nobody had asked for."""

    run_id: str
    batch: int
    rows: dict[str, int]
    finished_at: str
    rebuilt: str | None = None


def read_publication(settings: Settings) -> Publication | None:
    """The last publishing of this home; None before the first."""
    try:
        note = (settings.home / "publication.json").read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(note, type=Publication)


def write_publication(settings: Settings, publication: Publication) -> None:
    """Replace the home's note by this one."""
    _write(settings.home / "publication.json", publication)


class Failure(msgspec.Struct, frozen=True):
    """A refresh that failed: what it said, and when, in ISO 8601 and UTC."""

    message: str
    failed_at: str


def read_failure(settings: Settings) -> Failure | None:
    """How the last refresh of this home failed; None when it did not."""
    try:
        note = (settings.home / "refresh_failure.json").read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(note, type=Failure)


def note_failure(settings: Settings, message: str) -> None:
    """Remember that a refresh has just failed."""
    failure = Failure(message, datetime.now(UTC).isoformat(timespec="milliseconds"))
    _write(settings.home / "refresh_failure.json", failure)


def forget_failure(settings: Settings) -> None:
    """A refresh has gone well: what failed before is of no interest any more."""
    (settings.home / "refresh_failure.json").unlink(missing_ok=True)


def _write(path: Path, note: msgspec.Struct) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(note))
    draft.replace(path)
