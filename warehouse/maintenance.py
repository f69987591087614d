"""Keeps the lake's files and moments few: small files joined, deleted rows rewritten, old snapshots and files let go.

Nothing here changes a row that a reader can see. Every step is one transaction under the home's write lock and gives
the lock back after it, so a sealing waits for one step at most; dying between or within steps costs nothing but work.
A file that no snapshot needs any more stays for another hour, for those who began to read before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
import msgspec

from warehouse.compaction import (
    FANOUT,
    drop_emptied_files,
    find_run,
    join_files,
    list_log_files,
    remove_compacted_strays,
)
from warehouse.errors import LakeError
from warehouse.lake import open_lake
from warehouse.lock import hold_lock
from warehouse.settings import Settings

LOCK_SECONDS: Final = 600.0
# A mart is put in order when it has so many files of rows and of deletions: two a refresh that changes it. Each of them
# is looked at by every later publication, which takes twice as long at 24 as at the beginning.
MART_FILES: Final = 24
# Files of a mart with more than this share of deleted rows are written anew.
DELETED_SHARE: Final = 0.1
# Every refresh of the last hour can be read with `--at`; before that the last one of each hour.
EVERY_SNAPSHOT_SECONDS: Final = 3600
SNAPSHOTS: Final = 128
# No query runs longer than this on files that have been replaced since it began.
READER_SECONDS: Final = 3600

MARTS: Final = """
select sch.schema_name, tab.table_name, (
    select count(*) from __ducklake_metadata_lake.ducklake_data_file as file
    where file.table_id = tab.table_id and file.end_snapshot is null
) + (
    select count(*) from __ducklake_metadata_lake.ducklake_delete_file as gone
    where gone.table_id = tab.table_id and gone.end_snapshot is null
) as files
from __ducklake_metadata_lake.ducklake_table as tab
inner join __ducklake_metadata_lake.ducklake_schema as sch on tab.schema_id = sch.schema_id and sch.end_snapshot is null
where
    tab.end_snapshot is null
    and sch.schema_name in ('marts', 'trust')
    and tab.table_name not in ('publications', 'published_generations')
order by all
"""
# A catalog in SQLite has no type for times.
TIMES_ARE_TEXT: Final = """
select 1
from __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion
where typeof(schedule_start) = 'VARCHAR'
limit 1
"""

Progress = Callable[[int, int | None], None]


class CompactionReport(msgspec.Struct, frozen=True):
    """What one compaction did: files of the log before and after, rows of it written anew, marts put in order,
    snapshots let go, and files deleted from the disk."""

    log_files_before: int
    log_files: int
    log_rows: int
    marts: tuple[str, ...]
    snapshots: int
    deleted_files: int


def compact(settings: Settings, progress: Progress = lambda _done, _total: None) -> CompactionReport:
    """Put the whole lake in order, also where a refresh would wait for more.

    `progress` is called with the steps done. Raises LockHeld, LakeMissing or LakeError; what was done before stays.
    """
    # Opened to read first: this is no reason to make a lake.
    open_lake(settings, read_only=True).close()
    with open_lake(settings) as con:
        return _Compaction(con, settings, 2, 2, progress=progress).run()


def compact_when_due(con: duckdb.DuckDBPyConnection, settings: Settings, published: int) -> CompactionReport | None:
    """What a refresh does at its end: `compact` the batches that are `published`, if there is enough to do; else None.

    `con` has the lake attached. Asking costs milliseconds, whatever the size of the lake. Raises LockHeld or LakeError.
    """
    due = find_run(list_log_files(con), up_to=published) or _marts(con, MART_FILES)
    if not due and len(_past_snapshots(con, settings)) < SNAPSHOTS:
        return None
    return _Compaction(con, settings, FANOUT, MART_FILES, published).run()


class _Compaction:
    """One pass over log, marts, snapshots and files, each step under the lock."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        settings: Settings,
        log_files: int,
        mart_files: int,
        up_to: int | None = None,
        progress: Progress = lambda _done, _total: None,
    ) -> None:
        self._con = con
        self._settings = settings
        self._log_files = log_files
        self._mart_files = mart_files
        self._up_to = up_to
        self._progress = progress
        self._steps = 0

    def run(self) -> CompactionReport:
        con, rows = self._con, 0
        before = left = len(list_log_files(con))
        with self._step():
            drop_emptied_files(con)
        while joined := self._join_next():
            rows += joined
            if (now := len(list_log_files(con))) >= left:
                raise LakeError(
                    f"{self._settings.home}: joining files of the log leaves no fewer of them.",
                    "no row is lost; please report this with what `warehouse log verify` says",
                )
            left = now
        marts = _marts(con, self._mart_files)
        for schema, mart in marts:
            with self._step():
                _tidy(con, schema, mart)
        with self._step():
            past = _past_snapshots(con, self._settings)
            if past:
                con.execute("call ducklake_expire_snapshots('lake', versions => ?)", [past])
        with self._step():
            deleted = _delete_unread(con) + remove_compacted_strays(con, self._settings)
        names = tuple(f"{schema}.{mart}" for schema, mart in marts)
        return CompactionReport(before, len(list_log_files(con)), rows, names, len(past), deleted)

    def _join_next(self) -> int:
        with self._step():
            run = find_run(list_log_files(self._con), up_to=self._up_to, at_least=self._log_files)
            return join_files(self._con, self._settings, run) if run else 0

    @contextmanager
    def _step(self) -> Iterator[None]:
        """Hold the lock: whoever waits for it gets its turn between two steps."""
        with hold_lock(self._settings.write_lock, wait=LOCK_SECONDS):
            try:
                yield
            except duckdb.Error as error:
                raise LakeError(
                    f"{self._settings.home}: the lake could not be put in order: {str(error).splitlines()[0]}",
                    "nothing is lost and readers notice nothing; `warehouse log compact` tries again",
                ) from error
            except OSError as error:
                raise LakeError(
                    f"{error.filename or self._settings.home}: the lake could not be put in order: {error.strerror}.",
                    "free space on its disk, or check its rights; nothing is lost, `warehouse log compact` tries again",
                ) from error
        self._steps += 1
        self._progress(self._steps, None)


def _marts(con: duckdb.DuckDBPyConnection, at_least: int) -> list[tuple[str, str]]:
    return [(schema, mart) for schema, mart, files in con.execute(MARTS).fetchall() if files >= at_least]


def _tidy(con: duckdb.DuckDBPyConnection, schema: str, mart: str) -> None:
    """Write small changes that the catalog holds into files, leave deleted rows behind, and join small files."""
    names = [mart, schema]
    con.execute("call ducklake_flush_inlined_data('lake', table_name => ?, schema_name => ?)", names)
    rewrite = "call ducklake_rewrite_data_files('lake', ?, schema => ?, delete_threshold => ?)"
    con.execute(rewrite, [*names, DELETED_SHARE])
    con.execute("call ducklake_merge_adjacent_files('lake', ?, schema => ?)", names)


def _past_snapshots(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[int]:
    """Snapshots that are past their time: older than is kept, or of an earlier hour and not the last one in it."""
    now = datetime.now(UTC)
    oldest = now - timedelta(seconds=settings.snapshots_keep)
    dense = now - timedelta(seconds=min(settings.snapshots_keep, EVERY_SNAPSHOT_SECONDS))
    rows = con.execute(
        """
        select snapshot_id
        from (
            select
                snapshot_id,
                snapshot_time,
                max(snapshot_id) over () as newest,
                max(snapshot_id) over (partition by date_trunc('hour', snapshot_time)) as last_of_hour
            from lake.snapshots()
        )
        where
            snapshot_id != newest
            and (snapshot_time < $oldest or (snapshot_time < $dense and snapshot_id != last_of_hour))
        order by snapshot_id
        """,
        {"oldest": oldest, "dense": dense},
    ).fetchall()
    return [int(snapshot) for (snapshot,) in rows]


def _delete_unread(con: duckdb.DuckDBPyConnection) -> int:
    """Delete the files that no snapshot has needed for an hour."""
    if con.execute(TIMES_ARE_TEXT).fetchone():
        # DuckLake 1.5.5 compares them with a text that has a T between date and time: the whole day would be past.
        con.execute(
            "update __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion "
            "set schedule_start = replace(schedule_start, ' ', 'T') where contains(schedule_start, ' ')"
        )
    until = datetime.now(UTC) - timedelta(seconds=READER_SECONDS)
    return len(con.execute("call ducklake_cleanup_old_files('lake', older_than => ?)", [until]).fetchall())
