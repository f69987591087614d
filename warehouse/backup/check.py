"""Reads all that a target has and compares it with what the manifests say."""

import msgspec

from warehouse.backup.manifest import Item, list_ids, read_manifest
from warehouse.backup.store import open_store, size_and_digest
from warehouse.errors import BackupError
from warehouse.progress import Progress


class BackupLine(msgspec.Struct, frozen=True):
    """A backup as it is listed: of which moment (seconds since 1970), how many files and bytes, and how many bytes of
    them no older one has."""

    id: str
    moment: float
    files: int
    bytes: int
    own_bytes: int


class TargetReport(msgspec.Struct, frozen=True):
    """What was read of a target, and what is not as it was written."""

    backups: int
    files: int
    bytes: int
    findings: tuple[str, ...]


def list_backups(target: str) -> list[BackupLine]:
    """All backups of a target, the oldest first. Raises BackupError."""
    store, seen, lines = open_store(target), set[str](), []
    for one in list_ids(store):
        manifest = read_manifest(store, one).manifest
        fresh = {item.digest: item.size for item in manifest.items if item.digest not in seen}
        seen |= fresh.keys()
        lines.append(BackupLine(one, manifest.moment, len(manifest.items), manifest.bytes, sum(fresh.values())))
    return lines


def verify_target(target: str, progress: Progress = lambda _done, _total: None) -> TargetReport:
    """Read every file of every backup once. `progress` is told bytes. Raises BackupError when the target fails."""
    store, findings = open_store(target), list[str]()
    wanted: dict[str, tuple[Item, list[str]]] = {}
    ids = list_ids(store)
    for one in ids:
        try:
            manifest = read_manifest(store, one).manifest
        except BackupError as error:
            findings.append(error.message)
            continue
        for item in manifest.items:
            wanted.setdefault(item.object, (item, []))[1].append(one)
    total, done = sum(item.size for item, _ in wanted.values()), 0
    for name, (item, users) in wanted.items():
        try:
            found = size_and_digest(store, name)
        except FileNotFoundError:
            findings.append(f"{store.address}/{name}: is gone ({item.path} of {_named(users)})")
        else:
            if found != (item.size, item.digest):
                findings.append(f"{store.address}/{name}: is not as it was written ({item.path} of {_named(users)})")
        done += item.size
        progress(done, total)
    return TargetReport(len(ids), len(wanted), total, tuple(findings))


def _named(users: list[str]) -> str:
    more = f" and {len(users) - 1} more" if len(users) > 1 else ""
    return f"backup {users[0]}{more}"
