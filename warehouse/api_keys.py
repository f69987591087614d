"""Keys that open the receiver, kept as SHA-256 digests: what is stored or handed on cannot be shown at the door.

A key is 256 random bits, so a plain digest needs no salt: there is nothing to guess.
"""

import os
import re
import secrets
import stat
from hashlib import sha256
from pathlib import Path
from typing import Final

from warehouse.errors import SettingsError

PREFIX: Final = "sha256:"
# Less than this is guessed sooner or later; a good key has 43 characters.
SHORTEST_KEY_LETTERS: Final = 8
# No list of keys is longer.
FILE_BYTES: Final = 2**20
_DIGEST: Final = re.compile(r"sha256:([0-9a-fA-F]{64})", re.ASCII)


def new_key() -> str:
    """A key nobody has had before."""
    return secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """The form in which a key may be stored: `sha256:` and 64 hexadecimal digits."""
    return PREFIX + sha256(key.encode()).hexdigest()


def is_hashed(key: str) -> bool:
    """Whether this is a stored form rather than a key itself."""
    return key.startswith(PREFIX)


def as_hashed(key: str) -> str:
    """The stored form of a key that may be in that form already.

    Raises SettingsError for one that is too short, or whose stored form is not whole.
    """
    if not is_hashed(key):
        if len(key) < SHORTEST_KEY_LETTERS:
            raise SettingsError(
                f"an API key has fewer than {SHORTEST_KEY_LETTERS} characters, so it can be guessed.",
                "`warehouse keys new` makes a good one",
            )
        return hash_key(key)
    match = _DIGEST.fullmatch(key)
    if match is None:
        raise SettingsError(
            f"a key that begins with {PREFIX} is not followed by 64 hexadecimal digits.",
            "`warehouse keys hash` prints the form that can be stored",
        )
    return PREFIX + match[1].lower()


def read_keys_file(path: Path) -> tuple[str, ...]:
    """The keys in a file, as they stand there: one a line, blank lines and lines that begin with # left out.

    Never waits for anybody to write. Raises SettingsError when it cannot be read.
    """
    try:
        # An editor's byte order mark is no part of the first key.
        lines = [line.strip() for line in _read_regular(path).decode("utf-8-sig").splitlines()]
    except OSError as error:
        reason = error.strerror or "not readable"
    except UnicodeDecodeError:
        # What the error itself says shows bytes of the file.
        reason = "it is not a text in UTF-8"
    except _NoListError as error:
        reason = str(error)
    else:
        return tuple(line for line in lines if line and not line.startswith("#"))
    raise SettingsError(
        f"WAREHOUSE_API_KEYS_FILE={path}: cannot be read: {reason}.", "name a text file with one key a line"
    )


def exposure(path: Path) -> str | None:
    """What others on this machine can do with a keys file that they should not, or None. Raises SettingsError."""
    keys = read_keys_file(path)
    try:
        mode = path.stat().st_mode
    except OSError:
        # It has gone this moment; whoever reads it next says so.
        return None
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path}: others can write it, and so add a key of their own; `chmod go-w {path}`"
    if mode & (stat.S_IRGRP | stat.S_IROTH) and not all(map(is_hashed, keys)):
        return f"{path}: others can read it, and it holds keys themselves; `chmod 600 {path}`"
    return None


class _NoListError(Exception):
    """Not what a list of keys is kept in."""


def _read_regular(path: Path) -> bytes:
    # Opening a FIFO would otherwise wait for its writer, and everybody for us.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _NoListError("it is not a regular file")
        if found.st_size > FILE_BYTES:
            raise _NoListError(f"it is larger than {FILE_BYTES:,} bytes")
        return file.read(FILE_BYTES)
