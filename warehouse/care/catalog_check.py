"""What the catalog says of the lake's files, and whether the catalog itself is sound."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import duckdb
import msgspec
import pyarrow.parquet as pq

from warehouse.care.defect import Defect
from warehouse.care.file_digests import lake_files
from warehouse.errors import LakeError, LakeMissing
from warehouse.lake.connection import catalog_path, log_folder, open_lake
from warehouse.log.commit import KNOWN_FILES
from warehouse.log.parquet_file import SUFFIX
from warehouse.log.position_set import Spans
from warehouse.settings import Settings

LIVE_FILES: Final = """
select file.path, file.record_count, file.file_size_bytes
from __ducklake_metadata_lake.ducklake_data_file as file
inner join __ducklake_metadata_lake.ducklake_table as tab on file.table_id = tab.table_id and tab.end_snapshot is null
inner join __ducklake_metadata_lake.ducklake_schema as sch on tab.schema_id = sch.schema_id and sch.end_snapshot is null
where file.end_snapshot is null and sch.schema_name = 'log' and tab.table_name = 'events'
order by file.data_file_id
"""
# Neighbouring positions of a journal as spans: where the distance to the row number changes, a new one begins.
POSITIONS: Final = """
select journal, min(position), max(position)
from (
    select journal, position, position - row_number() over (partition by journal order by position) as span
    from (select distinct journal, position from lake.log.events)
)
group by journal, span
"""
# SQLite is asked in a process of its own: closing its file would take the locks of a connection in this one away.
SOUND: Final = (
    "import sqlite3, sys; c = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True, timeout=60); "
    "print(c.execute('pragma integrity_check(1)').fetchone()[0])"
)
SOUND_SECONDS: Final = 600.0


class Known(msgspec.Struct):
    """The files that are the log now, those of marts and tables with their digests, and the names of all that have a
    place in the catalog, also for deletion; `is_read` is false when it cannot be read."""

    is_read: bool
    live: list[Path]
    others: dict[Path, str | None]
    sizes: dict[Path, int]
    named: set[str]
    findings: list[Defect]


def files_there(settings: Settings) -> list[Path]:
    """The log's files on the disk."""
    folder = log_folder(settings)
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []


def read_catalog(settings: Settings, *, strict: bool = False) -> Known:
    """Read the catalog; that it cannot be read is a finding, or an error where `strict`. Raises LakeError then."""
    catalog, known = str(catalog_path(settings)), Known(False, [], {}, {}, set(), [])
    folder = log_folder(settings)
    try:
        with open_lake(settings, read_only=True) as con:
            listed = [(folder / Path(path).name, rows, size) for path, rows, size in con.execute(LIVE_FILES).fetchall()]
            known.live = [path for path, *_ in listed]
            known.others, others = lake_files(con, settings)
            known.sizes = {path: int(size) for path, _, size in listed} | others
            known.named = {Path(path).name for (path,) in con.execute(KNOWN_FILES).fetchall()}
            ((counter,),) = con.execute("select batch from lake.log.counter").fetchall()
            last = _last_batch(con)
    except (LakeError, duckdb.Error) as error:
        if strict and isinstance(error, LakeError):
            raise
        if strict:
            raise LakeError(
                f"{str(error).splitlines()[0]}", "`warehouse log verify` looks closer", where=catalog
            ) from error
        if not isinstance(error, LakeMissing):
            text = getattr(error, "message", str(error).splitlines()[0])
            known.findings.append(Defect(catalog, "the catalog", text))
        return known
    known.is_read = True
    if counter < last:
        known.findings.append(Defect(catalog, "the counter", f"is {counter}, and the log has batch {last}"))
    damage = _damage_of(catalog)
    if damage:
        known.findings.append(Defect(catalog, "the catalog", f"is damaged: {damage}"))
    known.findings += _row_counts((path, int(rows)) for path, rows, _ in listed)
    return known


def positions_of(settings: Settings) -> dict[str, Spans] | Defect:
    """The positions that the log has of each journal, as a reader of it sees them; else why nobody can read them."""
    log: dict[str, Spans] = {}
    try:
        with open_lake(settings, read_only=True) as con:
            spans = con.execute(POSITIONS).fetchall()
    except duckdb.Error as error:
        return Defect(str(log_folder(settings)), "the log", f"cannot be read: {str(error).splitlines()[0]}")
    for journal, first, last in spans:
        log.setdefault(journal, Spans()).merge(Spans(range(first, last + 1)))
    return log


def _last_batch(con: duckdb.DuckDBPyConnection) -> int:
    """The greatest batch of the log; 0 as well when a file of it cannot be read, which is told where it is checked."""
    try:
        ((last,),) = con.execute("select coalesce(max(batch), 0) from lake.log.events").fetchall()
    except duckdb.Error:
        return 0
    return int(last)


def _damage_of(catalog: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SOUND, catalog], capture_output=True, text=True, timeout=SOUND_SECONDS, check=False
    )
    said = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
    return "" if said == ["ok"] else "".join(said)


def _row_counts(listed: Iterable[tuple[Path, int]]) -> Iterator[Defect]:
    for path, rows in listed:
        try:
            written = pq.read_metadata(path).num_rows
        except (OSError, ValueError):
            # Told where the file itself is checked.
            continue
        if written != rows:
            yield Defect(str(path), "the catalog", f"knows {rows} rows of it; it has {written}")
