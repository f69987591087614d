"""What it takes for bytes to be on the disk: a sync that returns only after the device itself has them."""

import fcntl
import os
import sys
from pathlib import Path

# Folders whose whole path this process has synced.
_known_durable: set[Path] = set()


def sync_file(descriptor: int) -> None:
    """Return only after the file's bytes, and the length needed to read them, are on the device. Raises OSError."""
    if sys.platform == "darwin":
        # There fsync leaves the bytes in the drive's own cache.
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_file_at(path: Path) -> None:
    """The same for a file that is not open here. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        sync_file(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Return only after the names of the files in `folder` are on the device. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(folder: Path) -> int:
    """How much more this user can write to the disk of `folder`. Raises OSError."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


def keep_private() -> None:
    """Let no file that this process makes from now on be read by anybody else: nearly all of them hold personal data.

    For processes that are this product's own. DuckDB, SQLite and dbt make their files by what this leaves.
    """
    os.umask(0o077)


def make_folder(folder: Path) -> None:
    """Create `folder` with its parents; returns when each of them is durable by name. Raises OSError.

    Nobody but this user may enter what is made here, since it holds personal data. A folder that is there already may
    have been made by a process that died before it could sync the name, so a process syncs once even those it finds.
    """
    folder = folder.absolute()
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(0o700, exist_ok=True)
    folder.mkdir(0o700, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)
    if folder in _known_durable:
        return
    for path in (folder, *folder.parents):
        # Where this user cannot write, none of these names was made by this product.
        if path in missing or not os.access(path.parent, os.R_OK | os.W_OK):
            continue
        sync_folder(path.parent)
    _known_durable.add(folder)
