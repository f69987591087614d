"""Lets go of old backups: first the manifest, then the content that no other backup has. The newest always stays."""

import time
from collections.abc import Iterable
from typing import Final

import msgspec

from warehouse.backup.manifest import FILES, list_ids, name_of, read_manifest
from warehouse.backup.shipped import list_shipped
from warehouse.backup.store import Store

# Content that no manifest names may be of a backup that is being made, or that goes on when it is begun again.
UNNAMED_SECONDS: Final = 86_400.0
# The target's clock may differ from ours by so much.
CLOCK_SLACK_SECONDS: Final = 3_600.0


class Keep(msgspec.Struct, frozen=True):
    """How many backups are kept at most, and for how many seconds; None is without bound."""

    count: int | None = None
    seconds: float | None = None


def remove_shipped(store: Store, backups: Store, local: Iterable[str]) -> int:
    """Delete the shipped journals that no kept backup and no home needs any more; how many these are.

    One of which nothing was shipped since the oldest backup, and which the home had deleted by then, is in the log of
    each. Where there is no backup all of them stay.
    """
    manifests = [read_manifest(backups, one).manifest for one in list_ids(backups)]
    if not manifests:
        return 0
    needed = {name for manifest in manifests for name in manifest.journals} | set(local)
    oldest = manifests[0].moment - CLOCK_SLACK_SECONDS
    gone = 0
    for name, pieces in list_shipped(store).items():
        if name not in needed and max(piece.written for piece in pieces) < oldest:
            for piece in pieces:
                store.delete(piece.object)
            gone += 1
    return gone


def remove_old(store: Store, keep: Keep) -> tuple[str, ...]:
    """Delete the backups that are too many or too old, with what only they have; their ids.

    Raises BackupError, before it deletes any content, when a manifest cannot be read.
    """
    now = time.time()
    ids = list_ids(store)
    kept = set(ids[-keep.count :] if keep.count else ids)
    moments = {one: read_manifest(store, one).manifest.moment for one in kept} if keep.seconds is not None else {}
    kept -= {one for one, moment in moments.items() if keep.seconds is not None and moment < now - keep.seconds}
    kept |= set(ids[-1:])
    dropped = tuple(one for one in ids if one not in kept)
    for one in dropped:
        store.delete(name_of(one))
    named = {item.object for one in sorted(kept) for item in read_manifest(store, one).manifest.items}
    for entry in store.entries(FILES):
        if entry.name not in named and entry.written < now - UNNAMED_SECONDS:
            store.delete(entry.name)
    store.remove_unfinished(now - UNNAMED_SECONDS)
    return dropped
