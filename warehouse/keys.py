"""Keys that open the receiver, kept as SHA-256 digests: what is stored or handed on cannot be shown at the door.

A key is 256 random bits, so a plain digest needs no salt: there is nothing to guess.
"""

import re
import secrets
from hashlib import sha256
from pathlib import Path
from typing import Final

from warehouse.errors import SettingsError

PREFIX: Final = "sha256:"
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
    """The stored form of a key that may be in that form already. Raises SettingsError for one that is not whole."""
    if not is_hashed(key):
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

    Raises SettingsError when it cannot be read.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        reason = error.strerror or "not readable"
    except UnicodeDecodeError:
        # What the error itself says shows bytes of the file.
        reason = "it is not a text in UTF-8"
    else:
        return tuple(line for line in lines if line and not line.startswith("#"))
    raise SettingsError(
        f"WAREHOUSE_API_KEYS_FILE={path}: cannot be read: {reason}.", "name a text file with one key a line"
    )
