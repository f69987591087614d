"""Who may deliver: whoever shows one of the live keys. How long a comparison takes tells nothing about any of them."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from hmac import compare_digest

from receiver.answers import FORBIDDEN, Refusal


class ApiKeys:
    """The live keys; several, so that a new one can be handed out before the old one is taken away."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [sha256(key.encode()).digest() for key in keys]

    def check(self, headers: Mapping[bytes, bytes]) -> None:
        """Raise Refusal unless `Authorization: Bearer …` or `X-API-Key: …` holds a live key."""
        authorization = headers.get(b"authorization", b"")
        bearer = authorization[:7].lower() == b"bearer "
        shown = authorization[7:].strip() if bearer else headers.get(b"x-api-key", b"")
        # Digests have one length, and every key is compared whichever fits.
        digest = sha256(shown).digest()
        if not sum([compare_digest(digest, known) for known in self._digests]):
            raise Refusal(FORBIDDEN)
