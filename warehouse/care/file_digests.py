"""The digests of the files that DuckLake writes: of marts, and of all tables but the log's events.

Parquet's pages have no checksums there, so a flipped bit is read as another value. The digest of each file is noted in
`file.digests` beside the lake's files by the refresh or compaction that wrote it. The notes are an aid: lost, they are
made again from the files, and until then nothing proves those.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from warehouse.care.defect import Defect
from warehouse.errors import LakeError
from warehouse.lake.connection import data_path
from warehouse.log.parquet_file import DIGEST_DIGITS, digest_of
from warehouse.settings import Settings

NOTES: Final = "file.digests"
# Notes of files that are gone are dropped once there are so many for each one that is there.
STALE: Final = 3

# Also those of earlier moments, which nobody can mend: they go with the snapshots that show them.
LAKE_FILES: Final = """
select
    sch.schema_name,
    tab.table_name,
    case when file.path_is_relative then sch.path || tab.path || file.path else file.path end,
    file.file_size_bytes,
    file.end_snapshot is null and tab.is_live
from (
    select table_id, path, path_is_relative, file_size_bytes, end_snapshot
    from __ducklake_metadata_lake.ducklake_data_file
    union all
    select table_id, path, path_is_relative, file_size_bytes, end_snapshot
    from __ducklake_metadata_lake.ducklake_delete_file
) as file
inner join (
    select
        table_id,
        any_value(schema_id) as schema_id,
        any_value(table_name) as table_name,
        any_value(path) as path,
        bool_or(end_snapshot is null) as is_live
    from __ducklake_metadata_lake.ducklake_table
    group by table_id
) as tab on file.table_id = tab.table_id
inner join (
    select schema_id, any_value(schema_name) as schema_name, any_value(path) as path
    from __ducklake_metadata_lake.ducklake_schema
    group by schema_id
) as sch on tab.schema_id = sch.schema_id
where (sch.schema_name, tab.table_name) != ('log', 'events')
"""


def note_digests(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Note the digest of each file that has none yet; under the home's write lock. Raises duckdb.Error or OSError."""
    notes, paths = _notes(settings), {row[2] for row in con.execute(LAKE_FILES).fetchall()}
    new = {path: digest_of(_file(settings, path)) for path in sorted(paths - notes.keys())}
    place = data_path(settings) / NOTES
    if len(notes) > STALE * len(paths) + 100:
        draft = place.with_suffix(".tmp")
        draft.write_bytes(_lines({path: digest for path, digest in notes.items() if path in paths} | new))
        draft.rename(place)
    elif new:
        with place.open("ab") as file:
            file.write(_lines(new))


def lake_files(con: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[dict[Path, str | None], dict[Path, int]]:
    """The files that are now all tables but the log's events, with their digests where those are noted, and their
    bytes."""
    notes = _notes(settings)
    live = [(path, int(size)) for *_, path, size, is_live in con.execute(LAKE_FILES).fetchall() if is_live]
    return {_file(settings, path): notes.get(path) for path, _ in live}, {
        _file(settings, path): size for path, size in live
    }


def check_digest(path: Path, digest: str | None) -> Sequence[Defect]:
    """Read one of these files; one that has no digest can still be gone."""
    try:
        found = digest_of(path)
    except OSError as error:
        return [Defect(str(path), "the file", f"cannot be read: {error.strerror or error}")]
    return [] if digest in (None, found) else [Defect(str(path), "the file", "is not as it was written")]


def refuse_damaged(con: duckdb.DuckDBPyConnection, settings: Settings, schema: str, table: str) -> None:
    """Raise LakeError when a file of a table is not as it was written: written anew, its damage would look sound."""
    notes = _notes(settings)
    for one, other, path, _, is_live in con.execute(LAKE_FILES).fetchall():
        if is_live and (one, other) == (schema, table):
            for finding in check_digest(_file(settings, path), notes.get(path)):
                raise LakeError(str(finding), "`warehouse refresh --full` writes all marts again")


def table_of(settings: Settings, finding: Defect) -> str | None:
    """The mart, such as `marts.fct_orders`, whose file a finding is about; None when it is about something else."""
    try:
        schema, table, *_ = Path(finding.path).relative_to(data_path(settings)).parts
    except ValueError:
        return None
    return None if schema == "log" else f"{schema}.{table}"


def _file(settings: Settings, path: str) -> Path:
    return data_path(settings) / path


def _notes(settings: Settings) -> dict[str, str]:
    try:
        lines = (data_path(settings) / NOTES).read_bytes().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}
    return {
        line[DIGEST_DIGITS + 1 :]: line[:DIGEST_DIGITS]
        for line in lines
        if line[DIGEST_DIGITS : DIGEST_DIGITS + 1] == " "
    }


def _lines(digests: dict[str, str]) -> bytes:
    return "".join(f"{digest} {path}\n" for path, digest in digests.items()).encode()
