"""Who may deliver: whoever shows one of the live keys. How long a comparison takes tells nothing about any of them.

How often an address may show a wrong key has a bound; a right one is let in however many wrong ones came before it.

Only digests are held. A key that is added to the keys file counts from the next request on, one that is taken away
until the file has been found unchanged for a second: even if it is written in pieces, no key that stays is refused.
"""

import asyncio
import logging
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import Final

from receiver.answers import FORBIDDEN, GUESSED, Answer
from receiver.intake.guesses import Guesses
from warehouse.api_keys import PREFIX, as_hashed, exposure
from warehouse.errors import SettingsError
from warehouse.settings import Settings

LOOK_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)

# What tells one writing of a file from the next: its number, size and time.
Stamp = tuple[int, int, int] | None


class ApiKeys:
    """The live keys; several, so that a new one can be handed out before the old one is taken away.

    Raises SettingsError when there is none.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = _stamp(settings.api_keys_file)
        self._listed = _digests(settings.live_keys())
        # What is accepted: all that is listed, and for a while what was.
        self._accepted = self._listed
        self._watchers = _digests(tuple(map(as_hashed, settings.status_keys)))
        self._guesses = Guesses()
        self._warn()

    def __len__(self) -> int:
        return len(self._listed)

    def opens(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether `Authorization: Bearer …` or `X-API-Key: …` holds a live key."""
        authorization = headers.get(b"authorization", b"")
        bearer = authorization[:7].lower() == b"bearer "
        return self._opens((authorization[7:] if bearer else headers.get(b"x-api-key", b"")).strip())

    def refusal(self, headers: Mapping[bytes, bytes], client: tuple[str, int] | None) -> Answer:
        """What to answer a client at this address, whose headers hold no live key."""
        shows_one = b"authorization" in headers or b"x-api-key" in headers
        return GUESSED if shows_one and self._guesses.are_too_many(client[0] if client else "") else FORBIDDEN

    def may_watch(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the status page is for this client: a live key or a status key, as above or as a Basic password."""
        scheme, _, credentials = headers.get(b"authorization", b"").partition(b" ")
        shown = headers.get(b"x-api-key", b"").strip()
        if scheme.lower() == b"bearer":
            shown = credentials.strip()
        elif scheme.lower() == b"basic":
            try:
                shown = b64decode(credentials, validate=True).partition(b":")[2]
            except ValueError:
                return False
        return _is_among(shown, self._watchers) or self._opens(shown)

    def look(self, again: bool = False) -> None:
        """Take the keys file as it is by now; `again` reads it even if it seems unchanged.

        One that cannot be read or has no key in it leaves everything as it was: a slip must not stop the stream.
        """
        stamp = _stamp(self._settings.api_keys_file)
        if stamp == self._stamp and not again:
            self._accepted = self._listed
            return
        self._stamp = stamp
        try:
            digests = _digests(self._settings.live_keys())
        except SettingsError as error:
            logger.error("the keys stay as they are: %s", error.message)
            return
        if not digests:
            logger.error("the keys stay as they are: %s has none", self._settings.api_keys_file)
            return
        self._accepted = list({*digests, *self._accepted})
        self._listed = digests
        logger.info("keys read again keys=%d", len(digests))
        self._warn()

    async def keep_looking(self) -> None:
        """Look once a second, for ever."""
        while self._settings.api_keys_file is not None:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()

    def _warn(self) -> None:
        file = self._settings.api_keys_file
        if file is not None and (danger := exposure(file)):
            logger.warning("%s", danger)

    def _opens(self, shown: bytes) -> bool:
        if _is_among(shown, self._accepted):
            return True
        # It may have been added a moment ago: a look at the file's time costs a stranger's request a microsecond.
        if self._settings.api_keys_file is not None and _stamp(self._settings.api_keys_file) != self._stamp:
            self.look()
            return _is_among(shown, self._accepted)
        return False


def _is_among(shown: bytes, digests: list[bytes]) -> bool:
    # Digests have one length, and every key is compared whichever fits.
    digest = sha256(shown).digest()
    return bool(sum([compare_digest(digest, known) for known in digests]))


def _digests(keys: tuple[str, ...]) -> list[bytes]:
    return [bytes.fromhex(key.removeprefix(PREFIX)) for key in keys]


def _stamp(path: Path | None) -> Stamp:
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
