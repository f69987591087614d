"""Takes away what is left of an earlier state of a home: moments, files, free pages, and what a recovery put aside.

A row that was written anew is still in the old file, in the snapshots that show it, in pages that SQLite has freed and
in its write-ahead log. Each of these goes here, and each step may be done again.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duckdb

from warehouse.care.file_digests import LAKE_FILES
from warehouse.errors import ErasureError
from warehouse.lake.connection import catalog_path, data_path, log_folder
from warehouse.lake.transaction import transaction
from warehouse.log.commit import KNOWN_FILES, without_a_place
from warehouse.log.parquet_file import SUFFIX, UNFINISHED
from warehouse.settings import Settings

VACUUM_SECONDS: Final = 900.0
# SQLite is called in a process of its own: closing its file would take the locks of a connection in this one away.
VACUUM: Final = """
import sqlite3, sys
con = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
con.execute("pragma secure_delete = on")
con.execute("vacuum")
busy = con.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
con.close()
sys.exit(3 if busy else 0)
"""
# Rows of tables that no snapshot has any more; DuckLake forgets some of them.
HELD_FOR_NOBODY: Final = """
select table_name from __ducklake_metadata_lake.ducklake_inlined_data_tables
where table_id not in (select table_id from __ducklake_metadata_lake.ducklake_table)
"""


def forget_past(con: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[int, int]:
    """Let all moments but the newest go, and delete every file that only they, or nobody, has; how many of each.

    Only under the home's write lock. Raises duckdb.Error or OSError.
    """
    rows = con.execute("select snapshot_id from lake.snapshots() order by snapshot_id").fetchall()
    past = [int(number) for (number,) in rows][:-1]
    if past:
        con.execute("call ducklake_expire_snapshots('lake', versions => ?)", [past])
    for (table,) in con.execute(HELD_FOR_NOBODY).fetchall():
        name = str(table).replace('"', '""')
        with transaction(con):
            con.execute(f'drop table if exists __ducklake_metadata_lake."{name}"')
            con.execute(
                "delete from __ducklake_metadata_lake.ducklake_inlined_data_tables where table_name = ?", [table]
            )
    deleted = len(con.execute("call ducklake_cleanup_old_files('lake', cleanup_all => true)").fetchall())
    for path in _unknown_files(con, settings):
        path.unlink(missing_ok=True)
        deleted += 1
    return len(past), deleted


def clear_catalog(settings: Settings) -> None:
    """Leave no freed page and no write-ahead log of the catalog; no connection of this process may have it open.

    Raises ErasureError when somebody else had it open all the time.
    """
    done = subprocess.run(
        [sys.executable, "-c", VACUUM, str(catalog_path(settings))],
        capture_output=True,
        text=True,
        timeout=VACUUM_SECONDS,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["a reader has a transaction open"]
        raise ErasureError(
            f"the catalog's freed pages could not be cleared: {said[0]}.",
            "end the queries that are open on this lake, then run `warehouse erase --yes`: it goes on here",
            where=catalog_path(settings),
        )


def put_aside(settings: Settings) -> list[Path]:
    """The folders in which recoveries and builds that died have left earlier states of the home."""
    found = [*catalog_path(settings).parent.glob("before-recovery-*"), *settings.home.glob("recovery-*")]
    return sorted(path for path in (*found, settings.build_path.with_name("build.duckdb.tmp")) if path.is_dir())


def delete_aside(settings: Settings) -> int:
    """Delete those folders; how many there were. Raises OSError."""
    folders = put_aside(settings)
    for folder in folders:
        shutil.rmtree(folder)
    for draft in catalog_path(settings).parent.glob(f"{catalog_path(settings).name}.recovering*"):
        draft.unlink()
    return len(folders)


def _unknown_files(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[Path]:
    """Files that the catalog does not know: of marts all, of the log those whose rows it has."""
    known = {data_path(settings) / row[2] for row in con.execute(LAKE_FILES).fetchall()}
    for schema in ("marts", "trust"):
        yield from (path for path in (data_path(settings) / schema).rglob(f"*{SUFFIX}") if path not in known)
    folder = log_folder(settings)
    named = {Path(path).name for (path,) in con.execute(KNOWN_FILES).fetchall()}
    there = [path for path in folder.iterdir() if path.name.endswith((SUFFIX, UNFINISHED)) and path.name not in named]
    yield from without_a_place(con, there)
