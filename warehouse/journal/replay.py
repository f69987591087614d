"""Appends files of envelopes, one JSON object a line, through the same journal and checks as deliveries over the web.

All files are opened and looked at before the first delivery is appended. Replaying is safe at any time and as often as
one likes: what is there already becomes one more delivery of the same event.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from time import time_ns
from typing import Any, BinaryIO, Final, cast

import msgspec
import pyarrow as pa

from warehouse.delivery.delivery import Delivery, Problem
from warehouse.delivery.envelope import decode
from warehouse.errors import ReplayError
from warehouse.journal import JournalWriter
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.home_folder import HomeFolder

GROUP_LINES: Final = 1_000
GROUP_BYTES: Final = 8 * 2**20
# A document that is not one object a line is read whole, up to this size.
DOCUMENT_BYTES: Final = 64 * 2**20
GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
HINT: Final = "give files with one envelope {tenant, name, published_at, payload} a line, plain, .gz or .zst"


class ReplayReport(msgspec.Struct, frozen=True):
    """What was appended: files, deliveries, and of those the ones with a problem, by problem."""

    files: int
    deliveries: int
    problems: dict[str, int]


def replay(
    settings: Settings, files: Sequence[Path], progress: Progress | None = None, *, with_reference: bool = False
) -> ReplayReport:
    """Append every envelope of the files to a new journal of the home; returns when all are on the disk.

    Reference data, which an export of our own log holds and none of NewStore's, are unknown names unless
    `with_reference`. `progress` is told the bytes of the files read and their sum. Raises ReplayError naming file and
    line, or JournalError; what was appended before stays.
    """
    for path in files:
        _look_at(path)
    total = sum(path.stat().st_size for path in files)
    problems: Counter[str] = Counter()
    HomeFolder(settings.home)
    done = 0
    before = 0
    with JournalWriter(settings.journal_dir) as journal:
        for path in files:
            for group, read in _groups(path, with_reference):
                journal.append(group)
                done += len(group)
                problems.update(delivery.problem for delivery in group if delivery.problem is not None)
                if progress is not None:
                    progress(before + read, total)
            before += path.stat().st_size
    return ReplayReport(len(files), done, dict(sorted(problems.items())))


def _look_at(path: Path) -> None:
    """Raise ReplayError unless the file can be read and begins with a JSON object."""
    if next(_lines(path), None) is None:
        raise ReplayError("there is nothing in this file.", HINT, where=path)


def _groups(path: Path, with_reference: bool) -> Iterator[tuple[list[Delivery], int]]:
    """The deliveries of a file in groups for one sync each, with the bytes of the file read so far."""
    group: list[Delivery] = []
    size = read = 0
    for line, read in _lines(path):
        group.append(decode(line, time_ns() // 1000, with_reference=with_reference))
        size += len(line)
        if len(group) >= GROUP_LINES or size >= GROUP_BYTES:
            yield group, read
            group, size = [], 0
    if group:
        yield group, read


def _lines(path: Path) -> Iterator[tuple[bytes, int]]:
    """Each line that is not blank, with the bytes of the file read so far; a file of one JSON document is one line."""
    try:
        with path.open("rb") as file, _decompressed(file) as stream:
            first = next((line for line in stream if line.strip()), None)
            if first is None:
                return
            if not _is_object(first):
                # NewStore's documentation shows its samples over many lines.
                first += stream.read(DOCUMENT_BYTES)
                if not _is_object(first):
                    raise ReplayError("does not begin with a JSON object on one line.", HINT, where=path)
            yield first.strip(), file.tell()
            for line in stream:
                if line.strip():
                    yield line.strip(), file.tell()
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise ReplayError(
            f"cannot be read: {reason}.", f"{HINT}; what was appended may be again", where=path
        ) from error


def _is_object(text: bytes) -> bool:
    return text.lstrip().startswith(b"{") and decode(text, 0).problem not in (Problem.NOT_JSON, Problem.NOT_UTF8)


def _decompressed(file: BinaryIO) -> BinaryIO:
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(GZIP):
        return cast("BinaryIO", gzip.GzipFile(fileobj=file))
    if magic == ZSTD:
        raw = pa.CompressedInputStream(pa.PythonFile(cast("Any", file)), "zstd")
        return cast("BinaryIO", BufferedReader(cast("Any", raw)))
    return file
