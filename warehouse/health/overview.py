"""What is in a home: how far each stage is behind the one before it. Looks only, changes nothing, never waits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import msgspec

from warehouse.build.scheduler import reason_of
from warehouse.errors import JournalCorrupt, LakeError, LakeMissing
from warehouse.journal import Damage, Journal, list_journals, load_marks
from warehouse.lake.connection import catalog_path, open_lake
from warehouse.notes.log_watch_note import read_log_watch
from warehouse.notes.refresh_attempt import Attempted, read_attempt
from warehouse.notes.refresh_note import Publication, publication_path, read_publication
from warehouse.progress import Progress
from warehouse.remedies import CHECK_DISK, RECOVER, RESTORE
from warehouse.settings import Settings
from warehouse.system.sources import Sources, Unread


class JournalState(msgspec.Struct, frozen=True):
    """The journal files of this home, how many of their deliveries are not in the log yet, what is damaged there."""

    files: int
    bytes: int
    unsealed: int
    damage: tuple[str, ...]


class Log(msgspec.Struct, frozen=True):
    """The log as it is now: times in ISO 8601, deliveries that are no event counted by their problem."""

    batch: int
    deliveries: int
    problems: dict[str, int]
    last_received_at: str | None


class LogWatched(msgspec.Struct, frozen=True):
    """How many files of the log are looked through by now, the last time and the time of the one that waits longest, in
    ISO 8601, and what was found in them."""

    files: int
    verified: int
    looked_at: str | None
    oldest_look_at: str | None
    damaged: int
    findings: tuple[str, ...]
    unread: Unread | None


class Overview(msgspec.Struct, frozen=True):
    """A home at a glance; `log`, `refresh`, `attempt` and `log_watch` are None before there is any, `marts` counts rows
    by schema and name. What could not be read is None or empty as well, and stands in `unread`."""

    home: str
    journal: JournalState | None
    log: Log | None
    refresh: Publication | None
    attempt: Attempted | None
    log_watch: LogWatched | None
    marts: dict[str, int]
    unread: tuple[Unread, ...]


def overview(settings: Settings, progress: Progress | None = None) -> Overview:
    """Look into the home; `progress` is called with journal bytes read and of how many. Never fails as a whole.

    The log is read before the journals, so a delivery sealed meanwhile counts as unsealed and none is missed.
    """
    sources = Sources()
    lake = sources.read("lake", lambda: _lake(settings), RECOVER) or _Lake(None, {}, {})
    return Overview(
        str(settings.home.absolute()),
        sources.read("journal", lambda: _journal_state(settings, lake.sealed, progress, sources), CHECK_DISK),
        lake.log,
        sources.read("publication", lambda: read_publication(settings)),
        sources.read("refresh", lambda: read_attempt(settings)),
        sources.read("log", lambda: _watched(settings)),
        lake.marts,
        tuple(sources.unread),
    )


class _Lake(msgspec.Struct, frozen=True):
    log: Log | None
    marts: dict[str, int]
    sealed: dict[str, int]


def _lake(settings: Settings) -> _Lake:
    """What the lake says; nothing where there is none yet, as in a home that only receives. Raises LakeError."""
    try:
        with reading_lake(settings) as con:
            return _Lake(_log(con), _marts(con), _sealed(con))
    except LakeMissing:
        return _Lake(None, {}, {})


@contextmanager
def reading_lake(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the lake; whatever DuckDB finds wrong with it is a LakeError with the remedy.

    One that was there before and is gone is not called missing."""
    try:
        with open_lake(settings, read_only=True) as con:
            yield con
    except LakeMissing as error:
        if publication_path(settings).exists():
            text = f"{settings.lake_dir}: the lake is gone; its facts were shown from here before."
            raise LakeError(text, RESTORE) from error
        raise
    except duckdb.Error as error:
        raise LakeError(
            f"the lake cannot be read: {reason_of(error)}", RECOVER, where=catalog_path(settings)
        ) from error


def _watched(settings: Settings) -> LogWatched | None:
    known = read_log_watch(settings)
    if known is None:
        return None
    looked, oldest = _iso(known.looked), _iso(known.oldest)
    return LogWatched(known.files, known.verified, looked, oldest, known.damaged, known.findings, known.unread)


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _log(con: duckdb.DuckDBPyConnection) -> Log:
    rows = con.execute(
        """
        select problem, count(*), strftime(max(received_at), '%Y-%m-%dT%H:%M:%S.%fZ')
        from lake.log.events
        group by problem
        order by problem
        """
    ).fetchall()
    (batch,) = con.execute("select batch from lake.log.counter").fetchall()[0]
    problems = {problem: count for problem, count, _ in rows if problem is not None}
    return Log(batch, sum(count for _, count, _ in rows), problems, max((last for *_, last in rows), default=None))


def _marts(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = con.execute(
        """
        select schema_name || '.' || table_name
        from duckdb_tables()
        where
            database_name = 'lake'
            and schema_name in ('marts', 'trust')
            and table_name not in ('publications', 'published_generations')
        order by all
        """
    ).fetchall()
    counts = [f"select '{name}', count(*) from lake.{name}" for (name,) in names]
    return dict(con.execute(" union all ".join(counts)).fetchall()) if counts else {}


def _sealed(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    return dict(con.execute("select journal, max(position) from lake.log.events group by journal").fetchall())


def _journal_state(
    settings: Settings, sealed: dict[str, int], progress: Progress | None, sources: Sources
) -> JournalState:
    if settings.journal_dir.exists() or settings.journal_dir.is_symlink():
        # Listing by a pattern takes a folder that cannot be read for an empty one.
        os.listdir(settings.journal_dir)  # noqa: PTH208 - as above
    sizes = {path: _size(path) for path in list_journals(settings.journal_dir)}
    marks = sources.read("marks", lambda: load_marks(settings.journal_dir)) or {}
    unsealed, read, damage = 0, 0, list[Damage | str]()
    for path, size in sizes.items():
        try:
            if path.exists() and not path.is_file() and not path.is_dir():
                raise OSError(0, "it is not a file")
            with Journal(path) as journal:
                last = sealed.get(journal.name, -1)
                saved = marks.get(path.name)
                start = saved.mark if saved is not None and saved.mark.position <= last + 1 else None
                unsealed += sum(position > last for position, _, _ in journal.records(damage.append, start))
        except FileNotFoundError:
            # Sealed and past its time, a journal may go at any moment.
            if path.is_symlink():
                damage.append(f"{path}: cannot be read: it is a link to nothing")
            continue
        except (OSError, JournalCorrupt) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            damage.append(f"{path}: cannot be read: {reason}")
        read += size
        if progress is not None:
            progress(read, sum(sizes.values()))
    return JournalState(len(sizes), sum(sizes.values()), unsealed, tuple(map(str, damage)))


def _size(path: Path) -> int:
    """Bytes of a journal; of one that cannot be looked at, 0: reading it will tell what is wrong."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
