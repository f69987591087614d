"""Puts many small files of `log.events` into few large ones: the same rows, byte for byte, sorted as the sealer sorts.

Files are joined in the order of their batches, so each still holds a range of them. A new file is wholly on the disk,
and its rows compared with the old ones, before one catalog transaction puts it in their place; whatever dies before
leaves the log as it was and a file that nobody reads, which a later compaction deletes.
"""

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import LakeError
from warehouse.lake.connection import log_folder
from warehouse.lake.duckdb_setting import INLINING, setting
from warehouse.lake.transaction import transaction
from warehouse.log.commit import sync_catalog, without_a_place
from warehouse.log.live_files import FANOUT, LARGE_FILE_BYTES, LogFile
from warehouse.log.parquet_file import COMPACTED, SUFFIX, UNFINISHED, digest_of, named_digest, write_compacted_file
from warehouse.settings import Settings

# Files that are joined are open at once, and some thousand rows of each in memory.
MOST_FILES: Final = 8 * FANOUT
FEWEST_FILES: Final = 2
# Younger than this a file without a place in the catalog may be one that another host is about to commit.
STRAY_SECONDS: Final = 3600.0

# Order-free and over every column, so two sets of rows that give the same are the same.
FINGERPRINT: Final = "select count(*), coalesce(sum(hash(rows)), 0)::varchar, coalesce(bit_xor(hash(rows)), 0) from"


def find_run(files: Sequence[LogFile], *, up_to: int | None = None, at_least: int = FANOUT) -> list[LogFile]:
    """The next neighbours to join, the smallest first; empty when nothing is worth it.

    Files with batches after `up_to` are left alone: whoever waits for those would have to read a larger file.
    """
    joinable = [file.bytes < LARGE_FILE_BYTES and (up_to is None or file.last <= up_to) for file in files]
    for size in sorted({file.size for file in files}):
        fits = [can and file.size <= size for can, file in zip(joinable, files, strict=True)]
        for together, group in itertools.groupby(range(len(files)), fits.__getitem__):
            run = [files[place] for place in group]
            if together and len(run) >= at_least:
                return _up_to_bytes(run[:MOST_FILES], 2 * LARGE_FILE_BYTES)
    return []


def join_files(con: duckdb.DuckDBPyConnection, settings: Settings, run: Sequence[LogFile]) -> int:
    """Put one file in the place of these neighbours, on the disk and in the catalog; the number of rows in it.

    Where bodies are so large that a few rows of each file do not fit into memory, only the first of them are joined.
    Only under the home's write lock. Raises LakeError when the new file does not hold the very rows of the old ones.
    """
    try:
        return _join_files(con, settings, run)
    except duckdb.OutOfMemoryException:
        if len(run) < 2 * FEWEST_FILES:
            raise
        return join_files(con, settings, run[: len(run) // 2])


def _join_files(con: duckdb.DuckDBPyConnection, settings: Settings, run: Sequence[LogFile]) -> int:
    first, last = run[0].first, max(file.last for file in run)
    _check_digests(settings, run)
    with setting(con, INLINING, "0"), setting(con, "preserve_insertion_order", "true"), transaction(con):
        rows = f"(from lake.log.events where batch between {first} and {last}) as rows"
        before = con.execute(f"{FINGERPRINT} {rows}").fetchone()
        assert before is not None
        # Each batch is read once, also where files overlap, as after a recovery.
        starts = sorted({file.first for file in run})
        spans = list(zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True))
        path = write_compacted_file(log_folder(settings), con, spans)
        after = con.execute(f"{FINGERPRINT} (from read_parquet(?)) as rows", [str(path)]).fetchone()
        deleted = con.execute(f"delete from lake.log.events where batch between {first} and {last}").fetchone()
        if before != after or deleted != (before[0],):
            raise LakeError(
                "this compacted file of the log does not hold the rows it was made from.",
                "the log is as it was; check the disk with `warehouse log verify` and keep that file for a report",
                where=path,
            )
        con.execute("call ducklake_add_data_files('lake', 'events', ?, schema => 'log')", [str(path)])
        con.execute("call lake.set_commit_message('warehouse', ?)", [f"compact batches {first} to {last}"])
    sync_catalog(settings)
    return int(before[0])


def _check_digests(settings: Settings, run: Sequence[LogFile]) -> None:
    """A damaged file must not become a sound one that holds the damage: whoever reads it notices few flipped bits."""
    for file in run:
        path = log_folder(settings) / Path(file.path).name
        expected = named_digest(path)
        if expected is not None and digest_of(path) != expected:
            raise LakeError(
                "this file of the log is not as it was written, so it is not joined with others.",
                "`warehouse log verify` says where; `warehouse log recover --yes` saves what is sound",
                where=path,
            )


def drop_emptied_files(con: duckdb.DuckDBPyConnection) -> None:
    """Take files whose rows were all deleted out of the log, which DuckLake does not do by itself when it notes few
    deletions in the catalog; no other file is touched. Only under the home's write lock."""
    con.execute("call ducklake_flush_inlined_data('lake', table_name => 'events', schema_name => 'log')")
    con.execute("call ducklake_rewrite_data_files('lake', 'events', schema => 'log', delete_threshold => 1)")


def remove_compacted_strays(con: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Delete the files that a compaction began and never committed, once they are an hour old; their number."""
    folder = log_folder(settings)
    found = [path for path in folder.glob(f"{COMPACTED}-*") if path.name.endswith((SUFFIX, UNFINISHED))]
    old = [path for path in found if time.time() - path.stat().st_mtime > STRAY_SECONDS]
    if not old:
        return 0
    strays = without_a_place(con, old)
    for path in strays:
        path.unlink()
    return len(strays)


def _up_to_bytes(run: Sequence[LogFile], most: int) -> list[LogFile]:
    totals = itertools.accumulate(file.bytes for file in run)
    return [file for file, total in zip(run, totals, strict=True) if total <= most]
