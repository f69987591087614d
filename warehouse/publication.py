"""The note a publishing leaves in its home: what readers see, since when. Written whole or not at all."""

import msgspec

from warehouse.settings import Settings


class Publication(msgspec.Struct, frozen=True):
    """One publishing: the last batch of the log it shows, rows written by mart (none when nothing had changed), and
    when it ended, in ISO 8601 and UTC."""

    run_id: str
    batch: int
    rows: dict[str, int]
    finished_at: str


def read_publication(settings: Settings) -> Publication | None:
    """The last publishing of this home; None before the first."""
    try:
        note = (settings.home / "publication.json").read_bytes()
    except FileNotFoundError:
        return None
    return msgspec.json.decode(note, type=Publication)


def write_publication(settings: Settings, publication: Publication) -> None:
    """Replace the home's note by this one."""
    path = settings.home / "publication.json"
    draft = path.with_suffix(".tmp")
    draft.write_bytes(msgspec.json.encode(publication))
    draft.replace(path)
