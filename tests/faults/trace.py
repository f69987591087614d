"""What `shim.c` wrote down of a program's calls, and the disk that they leave if the machine dies.

The disk is the worst that is legal: a file keeps what its last fsync covered, a folder the names that its last fsync
covered. A sync counts as of the moment it began, and only once it has returned.
"""

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

RECORD: Final = struct.Struct("<c3xiiiqII")
CREATE: Final = 0o100
TRUNCATE: Final = 0o1000
BLOCK: Final = 512


class Call(NamedTuple):
    """One call; `what` is a letter as in `shim.c`, `descriptor` belongs to `process`."""

    what: str
    process: int
    descriptor: int
    flags: int
    at: int
    first: str
    second: bytes


def read_trace(path: Path) -> list[Call]:
    """All calls in their order; of a process that was killed at the very moment of writing one, those before."""
    return list(_calls(path.read_bytes()))


def _calls(data: bytes) -> Iterator[Call]:
    at = 0
    while at + RECORD.size <= len(data):
        what, process, descriptor, flags, offset, first, second = RECORD.unpack_from(data, at)
        at += RECORD.size
        path, rest = data[at : at + first], data[at + first : at + first + second]
        at += first + second
        yield Call(what.decode(), process, descriptor, flags, offset, path.decode(), rest)


class File:
    """Bytes, and those of them that a sync has covered."""

    def __init__(self) -> None:
        self.live = bytearray()
        self.synced = b""

    def write(self, at: int, data: bytes) -> None:
        """Put data at an offset; what lies between the end and there becomes zeros."""
        if at > len(self.live):
            self.live += bytes(at - len(self.live))
        self.live[at : at + len(data)] = data


class Folder:
    """Names, and those of them that a sync has covered."""

    def __init__(self) -> None:
        self.live: dict[str, Node] = {}
        self.synced: dict[str, Node] = {}


Node = File | Folder


class Disk:
    """The files under `root` as the calls made them; `root` itself is on the disk from the beginning."""

    def __init__(self, root: Path) -> None:
        self.root = Folder()
        self._path = root
        self._open: dict[tuple[int, int], Node] = {}
        self._syncing: dict[tuple[int, int], bytes | dict[str, Node]] = {}

    def apply(self, call: Call) -> None:
        """Let one call happen."""
        key = (call.process, call.descriptor)
        node = self._open.get(key)
        if call.what == "O":
            self._open[key] = self._opened(call)
        elif call.what == "C":
            self._open.pop(key, None)
        elif call.what == "W" and isinstance(node, File):
            node.write(call.at, call.second)
        elif call.what == "T" and isinstance(node, File):
            del node.live[call.at :]
            node.write(call.at, b"")
        elif call.what == "B" and node is not None:
            self._syncing[key] = bytes(node.live) if isinstance(node, File) else dict(node.live)
        elif call.what == "S" and call.flags == 0 and node is not None:
            node.synced = self._syncing.pop(key)
        elif call.what in "RUM":
            self._rename(call)

    def save(self, target: Path, chance: random.Random | None = None) -> None:
        """Write what is left when the machine dies now; with `chance` some of what was not synced is there as well."""
        target.mkdir(parents=True)
        _save(self.root, target, chance)

    def files(self) -> dict[Path, bytes]:
        """Every file as its program sees it, by its path under the root."""
        return dict(_files(self.root, Path()))

    def _opened(self, call: Call) -> Node:
        folder, name = self._place(call.first)
        if not name:
            return folder
        node = folder.live.get(name)
        if node is None:
            assert call.flags & CREATE, f"{call.first} was there before the trace began"
            node = folder.live[name] = File()
        elif isinstance(node, File) and call.flags & TRUNCATE:
            node.live.clear()
        return node

    def _rename(self, call: Call) -> None:
        folder, name = self._place(call.first)
        if call.what == "M":
            folder.live.setdefault(name, Folder())
            return
        node = folder.live.pop(name)
        if call.what == "R":
            to, new = self._place(call.second.decode())
            to.live[new] = node

    def _place(self, path: str) -> tuple[Folder, str]:
        parts = Path(path).relative_to(self._path).parts
        folder = self.root
        for part in parts[:-1]:
            inner = folder.live[part]
            assert isinstance(inner, Folder), path
            folder = inner
        last = parts[-1] if parts else ""
        inner_last = folder.live.get(last)
        return (inner_last, "") if isinstance(inner_last, Folder) else (folder, last)


def _save(folder: Folder, target: Path, chance: random.Random | None) -> None:
    names = folder.live if chance is not None and chance.random() < 0.5 else folder.synced
    for name, node in names.items():
        if isinstance(node, Folder):
            (target / name).mkdir()
            _save(node, target / name, chance)
        else:
            (target / name).write_bytes(node.synced if chance is None else _surviving(node, chance))


def _files(folder: Folder, place: Path) -> Iterator[tuple[Path, bytes]]:
    for name, node in folder.live.items():
        if isinstance(node, Folder):
            yield from _files(node, place / name)
        else:
            yield place / name, bytes(node.live)


def _surviving(file: File, chance: random.Random) -> bytes:
    """The synced bytes, and of what came after a part: none, all, or blocks of it with zeros between."""
    if bytes(file.live) == file.synced or chance.random() < 0.3:
        return file.synced
    length = chance.randrange(min(len(file.synced), len(file.live)), len(file.live) + 1)
    left = bytearray(file.live[:length])
    for start in range(0, length, BLOCK):
        if chance.random() < 0.3:
            before = file.synced[start : start + BLOCK]
            size = min(BLOCK, length - start)
            left[start : start + size] = before[:size].ljust(size, b"\0")
    return bytes(left)
