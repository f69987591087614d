"""What an erased body says of itself: the hash of the payload as it was first received, and of what is left of it.

The mark is a member of the envelope. So an erased body says the same wherever it goes, into an export and back too, and
whoever compares it with the hash in the log can tell what was erased from what is broken.
"""

from typing import Any, Final

import msgspec

from warehouse.delivery.payload_hash import payload_hash

MEMBER: Final = "erased"
# Bodies are many and marks are few: without this text there is none.
_SIGN: Final = b'"erased":{"first":'


class ErasedMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload's hash as first received, and as it is in this body; None as `payload_hash` has it."""

    first: str | None
    left: str | None


class _Marked(msgspec.Struct, gc=False):
    erased: ErasedMark


_decode: Final = msgspec.json.Decoder(_Marked).decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def erased_mark(body: bytes) -> ErasedMark | None:
    """The mark of an erased body that is as it was written; None for every other body."""
    if _SIGN not in body:
        return None
    try:
        mark = _decode(body).erased
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return mark if mark.left == payload_hash(body) else None


def received_hash(body: bytes) -> str | None:
    """The hash of a delivery's payload as it was first received, also when it was erased since."""
    mark = erased_mark(body)
    return payload_hash(body) if mark is None else mark.first


def marked_body(envelope: dict[str, Any], first: str | None) -> bytes:
    """The envelope as an erased body, of a payload that was first received with that hash."""
    without = {name: value for name, value in envelope.items() if name != MEMBER}
    left = payload_hash(_encode(without))
    return _encode({**without, MEMBER: {"first": first, "left": left}})
