"""Commits one batch of the log: its number, its file and its rows become visible together or not at all.

Hosts that share a lake take their numbers from one counter row, so of two commits that meet one is refused and tried
again with the next number: batches become visible in their order.
"""

import errno
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import duckdb
import pyarrow.parquet as pq

from warehouse.errors import LakeError
from warehouse.lake.connection import catalog_path, lake_error, log_folder
from warehouse.lake.transaction import transaction
from warehouse.log.parquet_file import UNFINISHED, LogRows, write_log_file, written_from
from warehouse.settings import Settings
from warehouse.system.disk import sync_folder

# A batch is no larger, so that a refresh which reads one at a time needs no more memory than this is worth.
BATCH_ROWS: Final = 100_000
BATCH_BYTES: Final = 64 * 2**20

ATTEMPTS: Final = 20
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 2.0

# Files that maintenance has replaced may still be open somewhere; deleting them is for the catalog to do.
KNOWN_FILES: Final = """
select path from __ducklake_metadata_lake.ducklake_data_file
union all
select path from __ducklake_metadata_lake.ducklake_files_scheduled_for_deletion
"""


def commit_batch(
    con: duckdb.DuckDBPyConnection, settings: Settings, rows: LogRows, before_commit: Callable[[], None]
) -> int:
    """Add the rows to the log and return their batch number when file and catalog are on the disk.

    Raises LakeError; a file that got no commit stays behind for `remove_strays`.
    """
    pause = FIRST_PAUSE_SECONDS
    for attempt in range(ATTEMPTS):
        try:
            # A catalog that is reached over a network may refuse a commit that it has made.
            batch = _committed(con, rows) if attempt else None
            batch = batch or _commit_once(con, settings, rows, before_commit)
            sync_catalog(settings)
            return batch
        except duckdb.TransactionException:
            # Another host was faster. Its moment has passed; waiting at random keeps the two from meeting again.
            time.sleep(pause * secrets.SystemRandom().uniform(0.5, 1.5))
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        except duckdb.Error as error:
            hint = "try again: nothing is lost, the journals keep what is not sealed; `warehouse doctor` looks closer"
            raise lake_error("a batch of the log could not be committed", error, hint, where=settings.home) from error
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise LakeError(
                f"a file of the log could not be written: {error.strerror or error}.",
                "free space on its disk; the journals keep what is not sealed" if full else "check its disk and rights",
                where=log_folder(settings),
            ) from error
    raise LakeError(
        f"other writers of this lake kept getting in between, {ATTEMPTS} times.",
        "try again, and let fewer hosts seal at the same time",
        where=settings.home,
    )


def remove_strays(con: duckdb.DuckDBPyConnection, settings: Settings, journals: Iterable[str]) -> list[Path]:
    """Delete the files that a sealing of these journals began and never committed; only under the home's lock.

    Files of other homes that share the lake are never touched: their journals are not among these. Nor is a file with
    a delivery that the log lacks: beside a catalog that was put back it may be the only one that has it.
    """
    folder = log_folder(settings)
    ours = set(journals)
    found = [path for path in folder.iterdir() if written_from(path) in ours] if folder.is_dir() else []
    strays = without_a_place(con, found)
    for path in strays:
        path.unlink()
    return strays


def without_a_place(con: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> list[Path]:
    """Those of these files that the catalog does not know, and that hold nothing which the log lacks.

    Raises duckdb.Error when the log cannot be read.
    """
    if not paths:
        return []
    known = {Path(path).name for (path,) in con.execute(KNOWN_FILES).fetchall()}
    return [path for path in paths if path.name not in known and (path.suffix == UNFINISHED or _is_logged(con, path))]


def _is_logged(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the log has each delivery of a file; of one that cannot be read nobody knows."""
    try:
        rows = pq.read_table(path, columns=["journal", "position"])
    except (OSError, ValueError):
        return False
    ((missing,),) = con.execute(
        "select count(*) from rows anti join (select journal, position from lake.log.events where journal in "
        "(select journal from rows)) as logged using (journal, position)"
    ).fetchall()
    return rows.num_rows > 0 and missing == 0


def sync_catalog(settings: Settings) -> None:
    """Return only after all that was committed to the catalog is on the disk. Raises OSError.

    Were a batch's number lost and given again, whoever has already seen it would pass over the second one. SQLite
    itself syncs what it writes before a commit returns. Its files must not be opened here to sync them once more:
    closing one drops every lock this process has on it, and another process could then take the log of writes away
    from under an open connection.
    """
    sync_folder(catalog_path(settings).parent)


def _commit_once(
    con: duckdb.DuckDBPyConnection, settings: Settings, rows: LogRows, before_commit: Callable[[], None]
) -> int:
    with transaction(con):
        con.execute("update lake.log.counter set batch = batch + 1, id = ?", [str(uuid.uuid4())])
        con.execute("insert into lake.log.batches from lake.log.counter")
        ((batch,),) = con.execute("select batch from lake.log.counter").fetchall()
        path = write_log_file(log_folder(settings), rows, int(batch))
        con.execute("call ducklake_add_data_files('lake', 'events', ?, schema => 'log')", [str(path)])
        before_commit()
    return int(batch)


def _committed(con: duckdb.DuckDBPyConnection, rows: LogRows) -> int | None:
    """The batch that holds the first of these rows, which is in the log with all of them or with none."""
    query = "select max(batch) from lake.log.events where journal = ? and position = ?"
    ((batch,),) = con.execute(query, rows.first).fetchall()
    return batch if batch is None else int(batch)
