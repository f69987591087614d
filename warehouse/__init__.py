"""The event-sourced warehouse of a retailer on NewStore: journal, lake, facts.

    from warehouse import connect, refresh, replay, simulate

is what the command line does, for programs. Each takes the home to work on, else that of the settings.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

# What is imported inside a function takes long; whoever only imports this package must not pay for it.
from warehouse.progress import Progress

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb

    from warehouse.journal.replay import ReplayReport
    from warehouse.notes.refresh_note import Publication
    from warehouse.simulator import Simulation

__all__ = ["connect", "refresh", "replay", "simulate"]


def connect(home: str | Path | None = None, *, at: str | None = None) -> "duckdb.DuckDBPyConnection":
    """A read-only DuckDB connection with the lake as its default database: `select * from marts.fct_orders`.

    With `at` the lake is as it was at that timestamp, in UTC where it names no zone. No statement over the lake that it
    has attached can change a row of it. It is a DuckDB of your program's own all the same, which can attach, read and
    write whatever the program can: for statements of others use `warehouse.serving.reader_statements`, as
    `warehouse sql` does.
    Raises LakeMissing when there is no lake yet, LakeError when there was none at that moment.
    """
    from warehouse.lake.connection import open_lake
    from warehouse.lake.time_travel import open_moment
    from warehouse.settings import Settings

    settings = Settings.load(home=_text(home))
    return open_lake(settings, read_only=True) if at is None else open_moment(settings, at)


def refresh(home: str | Path | None = None, *, full: bool = False, progress: Progress | None = None) -> "Publication":
    """Seal, build, publish: when it returns, the marts hold every event acknowledged before it was called.

    `full` rebuilds every mart from the log. `progress` is called with the models done and how many there are. Raises
    RefreshError: readers then keep the last complete refresh.
    """
    from warehouse.pipeline.refresh import refresh as refresh_settings
    from warehouse.settings import Settings

    return refresh_settings(Settings.load(home=_text(home)), full, progress)


def replay(
    files: Iterable[str | Path],
    home: str | Path | None = None,
    *,
    progress: Progress | None = None,
    with_reference: bool = False,
) -> "ReplayReport":
    """Append files of envelopes, one JSON object a line, also .gz and .zst; returns when all are on the disk.

    `progress` is called with the bytes read and their sum. `with_reference` also takes reference data, which an export
    of our own log holds. Raises ReplayError naming file and line, and JournalError.
    """
    from warehouse.journal.replay import replay as replay_files
    from warehouse.settings import Settings

    return replay_files(
        Settings.load(home=_text(home)), [Path(file) for file in files], progress, with_reference=with_reference
    )


def simulate(
    *,
    events: int | None = None,
    days: int | None = None,
    seed: int = 1,
    duplicates: float = 0.05,
    disorder: float = 20.0,
    late: float = 0.01,
    bad: float = 0.0,
    end: "datetime | None" = None,
) -> "Simulation":
    """A small retailer's deliveries as NewStore makes them, to iterate over; the same arguments give the same bytes.

    `duplicates` are further deliveries for each event, `disorder` is the mean lag in seconds, `late` and `bad` are
    shares of the events. With `end`, a moment with its zone, they are those of the days before it, and `events` is
    about how many. `truth` of the result says what the events add up to. Raises SettingsError.
    """
    from warehouse.simulator import simulate as simulate_newstore

    return simulate_newstore(
        events=events, days=days, seed=seed, duplicates=duplicates, disorder=disorder, late=late, bad=bad, end=end
    )


def _text(home: str | Path | None) -> str | None:
    return None if home is None else str(home)
