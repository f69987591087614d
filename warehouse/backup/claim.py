"""A target holds what is of one home: two that shared one would restore each other's.

Both have the same id: the target in `home.json`, the home in `backup.json`, with the targets that have taken it.
"""

import io
import uuid
from pathlib import Path
from typing import Final

import msgspec

from warehouse.backup.store import FolderStore, Store, read_whole
from warehouse.errors import BackupError
from warehouse.settings import Settings
from warehouse.system.note_file import read_note, write_note

OBJECT: Final = "home.json"


class Identity(msgspec.Struct, frozen=True):
    """The id of a home, and the targets that know it."""

    home: str
    targets: tuple[str, ...] = ()


class Owner(msgspec.Struct, frozen=True):
    """Whose a target is."""

    home: str


def identity_path(settings: Settings) -> Path:
    """Where a home keeps its id."""
    return settings.home / "backup_id.json"


def claim(store: Store, settings: Settings) -> str:
    """The id of this home, which the target knows from then on. Raises BackupError where it is another home's."""
    if isinstance(store, FolderStore) and Path(store.address).is_relative_to(settings.home):
        raise BackupError("this is within the home.", "name a place on another disk", where=store.address)
    path = identity_path(settings)
    mine = read_note(path, Identity)
    if mine is None:
        mine = Identity(uuid.uuid4().hex)
        write_note(path, mine)
    owner = owner_of(store)
    if owner is None:
        if store.address in mine.targets:
            raise BackupError(
                "there were backups of this home here, and there is nothing.",
                f"mount or put back what was there; to begin anew, delete {path}",
                where=store.address,
            )
        text = msgspec.json.encode(Owner(mine.home))
        store.put(OBJECT, io.BytesIO(text), len(text))
    elif owner != mine.home:
        raise BackupError(
            "here are backups of another home.", "name another folder, or another prefix", where=store.address
        )
    if store.address not in mine.targets:
        write_note(path, Identity(mine.home, (*mine.targets, store.address)))
    return mine.home


def owner_of(store: Store) -> str | None:
    """The id of the home that a target belongs to; None when it is nobody's yet."""
    try:
        return msgspec.json.decode(read_whole(store, OBJECT), type=Owner).home
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise BackupError(
            "this is no place of backups.", "name another one", where=f"{store.address}/{OBJECT}"
        ) from error
