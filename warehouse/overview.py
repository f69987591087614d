"""What is in a home: how far each stage is behind the one before it. Looks only, changes nothing, never waits."""

from collections.abc import Callable

import duckdb
import msgspec

from warehouse.errors import JournalCorrupt, LakeMissing
from warehouse.journal import Damage, Journal, list_journals, load_marks
from warehouse.lake import open_lake
from warehouse.publication import Publication, read_publication
from warehouse.settings import Settings

Progress = Callable[[int, int | None], None]


class Backlog(msgspec.Struct, frozen=True):
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


class Overview(msgspec.Struct, frozen=True):
    """A home at a glance; `log` and `refresh` are None before there is any, `marts` counts rows by schema and name."""

    home: str
    journal: Backlog
    log: Log | None
    refresh: Publication | None
    marts: dict[str, int]


def overview(settings: Settings, progress: Progress | None = None) -> Overview:
    """Look into the home; `progress` is called with journal bytes read and of how many. Raises LakeError.

    The log is read before the journals, so a delivery sealed meanwhile counts as unsealed and none is missed.
    """
    log, marts, sealed = None, {}, {}
    try:
        con = open_lake(settings, read_only=True)
    except LakeMissing:
        # A home that only receives has no lake before its first refresh.
        pass
    else:
        with con:
            log, marts, sealed = _log(con), _marts(con), _sealed(con)
    backlog = _backlog(settings, sealed, progress)
    return Overview(str(settings.home.resolve()), backlog, log, read_publication(settings), marts)


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


def _backlog(settings: Settings, sealed: dict[str, int], progress: Progress | None) -> Backlog:
    paths = list_journals(settings.journal_dir)
    sizes = {path: path.stat().st_size for path in paths if path.exists()}
    marks = load_marks(settings.journal_dir)
    unsealed, read, damage = 0, 0, list[Damage | str]()
    for path, size in sizes.items():
        try:
            with Journal(path) as journal:
                last = sealed.get(journal.name, -1)
                saved = marks.get(path.name)
                start = saved.mark if saved is not None and saved.mark.position <= last + 1 else None
                unsealed += sum(position > last for position, _, _ in journal.records(damage.append, start))
        except FileNotFoundError:
            # Sealed and past its time, a journal may go at any moment.
            continue
        except (OSError, JournalCorrupt) as error:
            reason = error.strerror if isinstance(error, OSError) else error.message
            damage.append(f"{path}: cannot be read: {reason}")
        read += size
        if progress is not None:
            progress(read, sum(sizes.values()))
    return Backlog(len(sizes), sum(sizes.values()), unsealed, tuple(map(str, damage)))
