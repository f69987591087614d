"""Remembers of each journal that this home has deleted how many deliveries of it were in the log by then.

From then on the log alone has them. A lake that was put back to an earlier state lacks them, and says nothing of it by
itself: what it holds of a journal begins with 0 and has no gap. A line is on the disk before its journal goes.
"""

import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from warehouse.settings import Settings
from warehouse.system.disk import sync_file, sync_folder


def ledger_path(settings: Settings) -> Path:
    """The file of these lines: a journal's name, its number of deliveries, a checksum."""
    return settings.journal_dir / "journals.deleted"


def note_deleted(settings: Settings, counts: Mapping[str, int]) -> None:
    """Add journals that are about to be deleted; returns when that is on the disk. Raises OSError."""
    path = ledger_path(settings)
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "ab") as file:
        # A line that was cut off by a full disk or a death must not swallow the next one.
        file.write(b"".join([b"\n" if file.tell() else b"", *(_line(name, count) for name, count in counts.items())]))
        file.flush()
        sync_file(file.fileno())
    if is_new:
        sync_folder(path.parent)


def deleted_journals(settings: Settings) -> dict[str, int]:
    """How many deliveries each deleted journal had; a line that is damaged says nothing."""
    try:
        lines = ledger_path(settings).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    counts: dict[str, int] = {}
    for line in lines:
        name, _, rest = line.partition(b" ")
        count = rest.partition(b" ")[0]
        if count.isdigit() and _line(name.decode("utf-8", "replace"), int(count)) == line + b"\n":
            counts[name.decode()] = int(count)
    return counts


def _line(name: str, count: int) -> bytes:
    text = f"{name} {count}".encode()
    return b"%b %08x\n" % (text, zlib.crc32(text))
