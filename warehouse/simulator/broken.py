"""Envelopes no contract allows, each broken in one known way; none of them is an event, so none changes the truth."""

from typing import Final

from warehouse.simulator.chance import Chance
from warehouse.simulator.truth import Counts

# Names NewStore uses elsewhere, which its event stream does not promise.
STRANGE_NAMES: Final = (
    b"inventory_transaction.transfer_order_created",
    b"consumer_profile.deleted",
    b"order.created.v2",
)
KINDS: Final = ("not_json", "not_utf8", "not_an_envelope", "unknown_name", "missing_key", "bad_published_at")


class Breaker:
    """Breaks copies of envelopes, and counts how many in which way."""

    def __init__(self, chance: Chance, tenant: str, counts: Counts) -> None:
        self._chance = chance
        self._tenant = tenant
        self._counts = counts

    def break_envelope(self, name: str, body: bytes) -> bytes:
        """A copy with one thing wrong; kinds are named as the receiver names the problem it finds."""
        chance = self._chance
        kind = chance.pick(KINDS)
        self._counts.bad[kind] = self._counts.bad.get(kind, 0) + 1
        if kind == "not_json":
            # Cut between two characters: half a one would be no UTF-8 either.
            return body[: chance.between(1, len(body) - 1)].decode(errors="ignore").encode()
        if kind == "not_utf8":
            return body.replace(b'"payload":{', b'"payload":{"note":"M\xfcller",', 1)
        if kind == "not_an_envelope":
            return chance.pick((b"[]", b"null", b"{}", b'"order.created"', b"[%b]" % body))
        if kind == "unknown_name":
            return body.replace(name.encode(), chance.pick(STRANGE_NAMES), 1)
        if kind == "missing_key":
            return body.replace(b'"payload":{"id":', b'"payload":{"identity":', 1)
        head, _, rest = body.partition(b'"published_at":"')
        time = chance.pick((b"yesterday", b"", b"2024-13-45T99:00:00Z"))
        return b'%b"published_at":"%b%b' % (head, time, rest[rest.index(b'"') :])
