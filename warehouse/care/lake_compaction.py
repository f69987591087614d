"""Keeps the lake's files and moments few: small files joined, deleted rows rewritten, old snapshots and files let go.

Nothing here changes a row that a reader can see. Every step is one transaction under the home's write lock and gives
the lock back after it, so a sealing waits for one step at most; dying between or within steps costs nothing but work.
A file that no snapshot needs any more stays for another hour, for those who began to read before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb
import msgspec

from warehouse.care.file_digests import note_digests, refuse_damaged
from warehouse.care.log_compaction import drop_emptied_files, find_run, join_files, remove_compacted_strays
from warehouse.errors import LakeError
from warehouse.lake.connection import lake_error, open_lake
from warehouse.log.live_files import FANOUT, LARGE_FILE_BYTES, list_log_files
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

LOCK_SECONDS: Final = 600.0
# A table is put in order when it has so many small files of rows and of deletions: two a refresh that changes much of
# it. Each of them is looked at by every later publication, which takes twice as long at 24 as at the beginning.
TABLE_FILES: Final = 24
# And when the catalog holds so many rows for it, of now and of earlier: it keeps those of small changes, and lets go of
# none by itself.
CATALOG_ROWS: Final = 1_000
# Files of a mart with more than this share of deleted rows are written anew.
DELETED_SHARE: Final = 0.1
# Every refresh of the last minutes can be read with `--at`; before that the last one of each minute, after an hour of
# each hour, and after a day of each day. The catalog describes the files of all of them, and a plan reads all
# that it describes. A file that came and went between two of them is needed by none. An open transaction does not need
# its moment kept: it sees the catalog as it was.
EVERY_SNAPSHOT_SECONDS: Final = 600
EVERY_MINUTE_SECONDS: Final = 3600
EVERY_HOUR_SECONDS: Final = 86400
SNAPSHOTS: Final = 64
# No query runs longer than this on files that have been replaced since it began.
READER_SECONDS: Final = 3600

# Tables with their number of small files, and where the catalog keeps the rows of small changes. The log's events have
# a way of their own.
TABLES: Final = f"""
select sch.schema_name, tab.table_name, (
    select count(*) from __ducklake_metadata_lake.ducklake_data_file as file
    where file.table_id = tab.table_id and file.end_snapshot is null and file.file_size_bytes < {LARGE_FILE_BYTES}
) + (
    select count(*) from __ducklake_metadata_lake.ducklake_delete_file as gone
    inner join __ducklake_metadata_lake.ducklake_data_file as file on gone.data_file_id = file.data_file_id
    where gone.table_id = tab.table_id and gone.end_snapshot is null and file.file_size_bytes < {LARGE_FILE_BYTES}
) as files, (
    select list(held.table_name order by held.table_name)
    from __ducklake_metadata_lake.ducklake_inlined_data_tables as held
    where held.table_id = tab.table_id
) as held
from __ducklake_metadata_lake.ducklake_table as tab
inner join __ducklake_metadata_lake.ducklake_schema as sch on tab.schema_id = sch.schema_id and sch.end_snapshot is null
where tab.end_snapshot is null and (sch.schema_name, tab.table_name) not in (('log', 'events'), ('log', 'format'))
order by all
"""
# A catalog in SQLite has no type for times.
TIMES_ARE_TEXT: Final = """
select 1
from __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion
where typeof(schedule_start) = 'VARCHAR'
limit 1
"""


class CompactionReport(msgspec.Struct, frozen=True):
    """What one compaction did: files of the log before and after, rows of it written anew, tables put in order,
    snapshots let go, and files deleted from the disk."""

    log_files_before: int
    log_files: int
    log_rows: int
    tables: tuple[str, ...]
    snapshots: int
    deleted_files: int


def compact(settings: Settings, progress: Progress = lambda _done, _total: None) -> CompactionReport:
    """Put the whole lake in order, also where a refresh would wait for more.

    `progress` is called with the steps done. Raises LockHeld, LakeMissing or LakeError; what was done before stays.
    """
    # Opened to read first: this is no reason to make a lake.
    open_lake(settings, read_only=True).close()
    with open_lake(settings) as con:
        report = _Compaction(con, settings, 2, 2, 1, progress=progress).run()
        with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
            note_digests(con, settings)
        return report


def compact_when_due(con: duckdb.DuckDBPyConnection, settings: Settings, published: int) -> CompactionReport | None:
    """What a refresh does at its end: `compact` the batches that are `published`, if there is enough to do; else None.

    `con` has the lake attached. Asking costs milliseconds, whatever the size of the lake. Raises LockHeld or LakeError.
    """
    due = find_run(list_log_files(con), up_to=published) or _tables(con, TABLE_FILES, CATALOG_ROWS)
    if not due and len(_past_snapshots(con, settings)) < SNAPSHOTS:
        return None
    return _Compaction(con, settings, FANOUT, TABLE_FILES, CATALOG_ROWS, published).run()


class _Compaction:
    """One pass over log, marts, snapshots and files, each step under the lock."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        settings: Settings,
        log_files: int,
        table_files: int,
        catalog_rows: int,
        up_to: int | None = None,
        progress: Progress = lambda _done, _total: None,
    ) -> None:
        self._con = con
        self._settings = settings
        self._log_files = log_files
        self._table_files = table_files
        self._catalog_rows = catalog_rows
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
                    "joining files of the log leaves no fewer of them.",
                    "no row is lost; please report this with what `warehouse log verify` says",
                    where=self._settings.home,
                )
            left = now
        tables = _tables(con, self._table_files, self._catalog_rows)
        for schema, table in tables:
            with self._step():
                refuse_damaged(con, self._settings, schema, table)
                _tidy(con, schema, table)
        with self._step():
            past = _past_snapshots(con, self._settings)
            if past:
                con.execute("call ducklake_expire_snapshots('lake', versions => ?)", [past])
        with self._step():
            deleted = _delete_unread(con) + remove_compacted_strays(con, self._settings)
        names = tuple(f"{schema}.{table}" for schema, table in tables)
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
                hint = "nothing is lost and readers notice nothing; `warehouse log compact` tries again"
                raise lake_error(
                    "the lake could not be put in order", error, hint, where=self._settings.home
                ) from error
            except OSError as error:
                raise LakeError(
                    f"the lake could not be put in order: {error.strerror}.",
                    "free space on its disk, or check its rights; nothing is lost, `warehouse log compact` tries again",
                    where=error.filename or self._settings.home,
                ) from error
        self._steps += 1
        self._progress(self._steps, None)


def _tables(con: duckdb.DuckDBPyConnection, files: int, rows: int) -> list[tuple[str, str]]:
    """The tables with at least so many files, or so many rows in the catalog."""
    tables = con.execute(TABLES).fetchall()
    parts = [
        f"select {number} as number, count(*) as rows from __ducklake_metadata_lake.{name}"
        for number, (*_, held) in enumerate(tables)
        for name in held or ()
    ]
    counts = f"select number, sum(rows) from ({' union all '.join(parts)}) group by number"
    counted = dict(con.execute(counts).fetchall() if parts else [])
    return [
        (schema, table)
        for number, (schema, table, count, _) in enumerate(tables)
        if count >= files or counted.get(number, 0) >= rows
    ]


def _tidy(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Write small changes that the catalog holds into files, leave deleted rows behind, and join small files."""
    names = [table, schema]
    con.execute("call ducklake_flush_inlined_data('lake', table_name => ?, schema_name => ?)", names)
    rewrite = "call ducklake_rewrite_data_files('lake', ?, schema => ?, delete_threshold => ?)"
    con.execute(rewrite, [*names, DELETED_SHARE])
    # A table that only grows would be written anew as a whole each time.
    con.execute(
        "call ducklake_merge_adjacent_files('lake', ?, schema => ?, max_file_size => ?)", [*names, LARGE_FILE_BYTES]
    )


def _past_snapshots(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[int]:
    """Snapshots past their time: older than is kept, or not the last one of an earlier minute, hour or day."""
    now = datetime.now(UTC)
    oldest = now - timedelta(seconds=settings.snapshots_keep)
    by_hour = now - timedelta(seconds=EVERY_MINUTE_SECONDS)
    by_day = now - timedelta(seconds=EVERY_HOUR_SECONDS)
    dense = now - timedelta(seconds=min(settings.snapshots_keep, EVERY_SNAPSHOT_SECONDS))
    rows = con.execute(
        """
        select snapshot_id
        from (
            select
                snapshot_id,
                snapshot_time,
                max(snapshot_id) over () as newest,
                max(snapshot_id) over (partition by date_trunc('minute', snapshot_time)) as last_of_minute,
                max(snapshot_id) over (partition by date_trunc('hour', snapshot_time)) as last_of_hour,
                max(snapshot_id) over (partition by date_trunc('day', snapshot_time)) as last_of_day
            from lake.snapshots()
        )
        where
            snapshot_id != newest
            and (
                snapshot_time < $oldest
                or (snapshot_time < $dense and snapshot_id != last_of_minute)
                or (snapshot_time < $by_hour and snapshot_id != last_of_hour)
                or (snapshot_time < $by_day and snapshot_id != last_of_day)
            )
        order by snapshot_id
        """,
        {"oldest": oldest, "dense": dense, "by_hour": by_hour, "by_day": by_day},
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
