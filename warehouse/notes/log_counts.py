"""A home's figures of its log, as of the last refresh, in a small file: whoever shows them needs no database.

The file is an aid: any refresh writes it anew when it is gone or cannot be read. Texts of events in it are cut short.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from warehouse.errors import NoteError
from warehouse.settings import Settings
from warehouse.system.note_file import read_note, write_note
from warehouse.system.texts import shortened_sql

if TYPE_CHECKING:
    import duckdb

FILE: Final = "figures.json"
LISTED_DELIVERIES: Final = 200
LAST_DAY: Final = "hour > (select max(hour) from lake.trust.deliveries) - interval 24 hours"


class Quarantined(msgspec.Struct, frozen=True):
    """A delivery that is kept and not in the facts, and why; `received_at` in seconds since 1970."""

    received_at: float
    name: str | None
    problem: str
    journal: str
    position: int
    size: int

    def __post_init__(self) -> None:
        datetime.fromtimestamp(self.received_at, UTC)


class Counts(msgspec.Struct, frozen=True):
    """Deliveries = events + duplicates + quarantined."""

    deliveries: int = 0
    events: int = 0
    duplicates: int = 0
    quarantined: int = 0


class Figures(msgspec.Struct, frozen=True):
    """All of the log, the 24 hours that end with its latest delivery, and what was quarantined last, newest first."""

    batch: int
    total: Counts
    last_day: Counts
    quarantined: tuple[Quarantined, ...]


def figures_path(settings: Settings) -> Path:
    """Where the figures are."""
    return settings.home / FILE


def read_figures(settings: Settings) -> Figures | None:
    """The figures of the last refresh; None before the first. Raises NoteError."""
    return read_note(figures_path(settings), Figures)


def are_figures_sound(settings: Settings) -> bool:
    """Whether there are figures that can be read."""
    try:
        return read_figures(settings) is not None
    except NoteError:
        return False


def write_figures(con: "duckdb.DuckDBPyConnection", settings: Settings, batch: int) -> None:
    """Replace the home's figures by those of the lake that `con` has attached as `lake`. Raises OSError."""
    figures = Figures(batch, _counts(con, "true"), _counts(con, LAST_DAY), tuple(_quarantined(con)))
    write_note(figures_path(settings), figures)


def _counts(con: "duckdb.DuckDBPyConnection", condition: str) -> Counts:
    row = con.execute(
        f"""
        select
            coalesce(sum(deliveries), 0)::bigint,
            coalesce(sum(events), 0)::bigint,
            coalesce(sum(duplicates), 0)::bigint,
            coalesce(sum(quarantined), 0)::bigint,
        from lake.trust.deliveries
        where {condition}
        """
    ).fetchone()
    assert row is not None
    return Counts(*row)


def _quarantined(con: "duckdb.DuckDBPyConnection") -> list[Quarantined]:
    rows = con.execute(
        f"""
        select epoch(received_at), {shortened_sql("name")}, problem, journal, position, size
        from lake.trust.quarantined_events
        order by received_at desc, journal, position
        limit ?
        """,
        [LISTED_DELIVERIES],
    ).fetchall()
    return [Quarantined(*row) for row in rows]
