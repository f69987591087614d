"""A copy of the catalog for a process that may not write beside it, where SQLite keeps its log of writes and its locks.

It is of one moment: file and log of writes are copied while neither changes. The process cannot write to the catalog
itself, so it holds no lock on it that closing these files would drop.
"""

import shutil
import tempfile
import time
import weakref
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import LakeError

ATTEMPTS: Final = 50
PAUSE_SECONDS: Final = 0.05
# A change within the same tick of the file system's clock would not be seen.
AT_REST_NS: Final = 20_000_000

_State = list[tuple[int, int] | None]


def copy_catalog(con: duckdb.DuckDBPyConnection, catalog: Path) -> Path:
    """Copy it into a folder that is deleted when the connection is gone. Raises LakeError when it never rests."""
    folder = Path(tempfile.mkdtemp(prefix="warehouse-"))
    weakref.finalize(con, shutil.rmtree, folder, ignore_errors=True)
    log = Path(f"{catalog}-wal")
    copy = folder / catalog.name
    for _ in range(ATTEMPTS):
        before = _state(catalog, log)
        shutil.copyfile(catalog, copy)
        copied_log = folder / log.name
        copied_log.unlink(missing_ok=True)
        if before[1] is not None:
            try:
                shutil.copyfile(log, copied_log)
            except FileNotFoundError:
                continue
        newest = max(state[0] for state in before if state is not None)
        if _state(catalog, log) == before and time.time_ns() - newest > AT_REST_NS:
            return copy
        time.sleep(PAUSE_SECONDS)
    raise LakeError(
        "it changes all the time, and cannot be copied for a user who may not write beside it.",
        "try again when no refresh runs, or get the right to write to its folder",
        where=catalog,
    )


def _state(*paths: Path) -> _State:
    state: _State = []
    for path in paths:
        try:
            found = path.stat()
        except FileNotFoundError:
            state.append(None)
        else:
            state.append((found.st_mtime_ns, found.st_size))
    return state
