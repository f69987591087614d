"""Writes a file that somebody asked for: whole under its name and on the disk, or what was there before stays.

A link stays a link: the file it points to is replaced. What is no regular file (a pipe, a terminal, `/dev/null`) is
written to as the bytes come, since there is nothing to replace.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from warehouse.system.disk import sync_file, sync_file_at, sync_folder

# Names that the kernel makes up, such as /dev/stdout: to rename a file over one would take it from everybody.
KERNEL_FOLDERS: Final = (Path("/dev"), Path("/proc"))


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream of the bytes that `path` shall hold. Raises OSError."""
    if not is_replaceable(path):
        with path.open("wb") as stream:
            yield stream
        return
    with whole_file_at(path) as draft, draft.open("wb") as stream:
        yield stream
        stream.flush()
        sync_file(stream.fileno())


@contextmanager
def whole_file_at(path: Path) -> Iterator[Path]:
    """A path beside `path` for somebody else to write a file at, which then takes its name. Raises OSError."""
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        yield draft
        if target.exists():
            draft.chmod(stat.S_IMODE(target.stat().st_mode))
        sync_file_at(draft)
        draft.replace(target)
        sync_folder(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def is_replaceable(path: Path) -> bool:
    """Whether a file can take this name: nothing has it, or a regular file. Raises OSError for a loop of links."""
    if any(path.absolute().is_relative_to(folder) for folder in KERNEL_FOLDERS):
        return False
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True
