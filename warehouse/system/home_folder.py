"""The folder of a home: made at a start, by the one who starts; from then on it is there, or nothing is written.

A running process never begins a home anew in the place of one that was deleted, moved away or unmounted: what was
acknowledged is in the old one. A supervisor's children, also those that it starts again later, go by what it found.
"""

import os
from pathlib import Path
from typing import Final

from warehouse.errors import HomeMissing
from warehouse.system.disk import make_folder

# By this a supervisor tells its children that the home was there, and on which device. It is no setting.
FOUND_ON: Final = "NEWSTORE_HOME_DEVICE"


class HomeFolder:
    """The folder at `path`, made now unless a supervisor has found it before. Raises HomeMissing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = os.environ.get(FOUND_ON)
        if found is not None:
            self._device = int(found)
            self.check()
            return
        try:
            make_folder(path)
            close_to_others(path)
            self._device = path.stat().st_dev
        except OSError as error:
            raise HomeMissing(
                f"the home cannot be made: {error.strerror}.",
                "choose another --home, or give this user the right to write there",
                where=path,
            ) from error

    def check(self) -> None:
        """Raise HomeMissing unless the folder is there, on the file system where it was."""
        try:
            device = self._path.stat().st_dev
        except OSError as error:
            raise HomeMissing(
                f"the home is gone: {error.strerror}.",
                "put it back; deliveries are refused until then, and NewStore sends them again",
                where=self._path,
            ) from error
        if device != self._device:
            raise HomeMissing(
                "the home is on another file system than at the start.",
                "mount again what was mounted there; if the new place is meant, start this again",
                where=self._path,
            )

    def for_children(self) -> dict[str, str]:
        """What a child process must have in its environment to know this home."""
        return {FOUND_ON: str(self._device)}


def close_to_others(folder: Path) -> None:
    """Take from everybody on the machine but owner and group the right to enter a folder of this user."""
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & 0o007:
        folder.chmod(found.st_mode & 0o7770)
