"""What a DuckDB that is opened for an analyst may use of this machine: memory, room on a disk, and files of the lake.

DuckDB keeps these bounds itself, whatever is said to it afterwards. SQLite's extension does not ask DuckDB before it
opens a file: `sqlite_scan` and `attach` have to be kept from an analyst's statements, as
`warehouse.serving.reader_statements` does.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import HomeMissing, LakeError, LockHeld
from warehouse.settings import Settings
from warehouse.system.disk import free_bytes
from warehouse.system.lock import hold_lock

# One of each process, while it lives; what others have left is removed by whoever comes next.
FOLDER: Final = "warehouse-query-"
LOCK: Final = "lock"
_folders: dict[tuple[int, Path], Path] = {}
_numbers: Final = count(1)


def bound_reader(con: duckdb.DuckDBPyConnection, settings: Settings, data: Path) -> None:
    """Bound a connection for as long as it lives, before it attaches the lake whose files are in `data`.

    From then on it opens no file but those of the lake, its own temporary ones, and the build database. The catalog is
    not among them, which only SQLite may open. Raises LakeError when there is no room for temporary files.
    """
    folder = temp_folder(settings)
    build = settings.build_path.resolve()
    for name, value in {
        "memory_limit": _quote(settings.query_memory_limit),
        "temp_directory": _quote(str(folder)),
        "max_temp_directory_size": _quote(f"{temp_bound(settings)}B"),
        "allowed_directories": f"[{_quote(f'{data}/')}]",
        "allowed_paths": f"[{_quote(str(build))}, {_quote(f'{build}.wal')}]",
        "allow_persistent_secrets": "false",
        "enable_external_access": "false",
    }.items():
        con.execute(f"set global {name} = {value}")


def temp_place(settings: Settings) -> Path:
    """The folder in which queries have their temporary files."""
    return settings.query_temp or Path(tempfile.gettempdir()).resolve()


def temp_bound(settings: Settings) -> int:
    """How much a query that begins at this moment may write there.

    On the disk of the journals it leaves twice the reserve: with less, sealing begins to save room.
    """
    if not shares_disk(settings):
        return settings.query_temp_size
    return max(0, min(settings.query_temp_size, free_bytes(temp_place(settings)) - 2 * settings.reserve))


def shares_disk(settings: Settings) -> bool:
    """Whether the temporary files of queries lie on the disk of the journals."""
    return existing(temp_place(settings)).stat().st_dev == existing(settings.journal_dir).stat().st_dev


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def temp_folder(settings: Settings) -> Path:
    """A folder for temporary files of one connection, this user's alone. DuckDB makes it when it needs it.

    It also removes it when the connection is closed. Raises LakeError when none can be made.
    """
    place = temp_place(settings)
    key = (os.getpid(), place)
    try:
        if key not in _folders or not _folders[key].is_dir():
            _folders[key] = _folder_of_process(place)
    except OSError as error:
        raise LakeError(
            f"a query cannot have temporary files here: {error.strerror}.",
            "set WAREHOUSE_QUERY_TEMP to a folder that this user may write to",
            where=place,
        ) from error
    return _folders[key] / str(next(_numbers))


def _folder_of_process(place: Path) -> Path:
    _remove_abandoned(place)
    draft = Path(tempfile.mkdtemp(prefix=f".{FOLDER}", dir=place))
    held = ExitStack()
    held.enter_context(hold_lock(draft / LOCK))
    # With this name it is seen by others, who find it locked.
    folder = draft.rename(place / draft.name.removeprefix("."))
    atexit.register(held.close)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _remove_abandoned(place: Path) -> None:
    """Remove what processes left that were killed: their lock is free."""
    for folder in place.glob(f"{FOLDER}*"):
        try:
            with hold_lock(folder / LOCK):
                shutil.rmtree(folder, ignore_errors=True)
        except (LockHeld, HomeMissing, OSError):
            # One of a running process, of another user, or that somebody else is removing.
            continue


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
