"""The identity of a payload's content: one hash for one JSON value, however it is written down.

The order of keys, white space, escapes and repeated keys (the last one counts) make no difference. Integers are taken
exactly, other numbers as IEEE doubles, as in RFC 8785.
"""

import hashlib
from typing import Any, Final

import msgspec

from warehouse.contract.events import MOST_BYTES


class _Body(msgspec.Struct, gc=False):
    payload: Any


class _RawBody(msgspec.Struct, gc=False):
    payload: msgspec.Raw


_decode: Final = msgspec.json.Decoder(_Body).decode
_decode_raw: Final = msgspec.json.Decoder(_RawBody).decode
_encode: Final = msgspec.json.Encoder(order="sorted").encode


def payload_hash(body: bytes) -> str | None:
    """The SHA-256, in hex, of the payload in canonical JSON; None when `body` is no JSON object with a `payload`.

    A payload with a number that no double and no integer of 4,300 digits holds, or nested deeper than Python's stack,
    is hashed as it is written, and so is what no event is made of for its size: as values it would take gigabytes.
    """
    if len(body) > MOST_BYTES:
        return _hash_as_written(body)
    try:
        canonical = _encode(_decode(body).payload)
    except (msgspec.ValidationError, RecursionError):
        return _hash_as_written(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return hashlib.sha256(canonical).hexdigest()


def _hash_as_written(body: bytes) -> str | None:
    try:
        written = bytes(_decode_raw(body).payload)
    except RecursionError:
        written = body
    except msgspec.DecodeError:
        return None
    return hashlib.sha256(written).hexdigest()
