"""The one place that decodes an envelope. It never raises: whatever the bytes are, they become a delivery to keep.

The whole body is checked to be JSON, but only the envelope and the fields of the key become values.
"""

from functools import cache
from types import GenericAlias
from typing import Any, Final, TypedDict, cast

import msgspec

from warehouse.contract import EventContract, KeyPart, load_contract
from warehouse.delivery.delivery import Delivery, Problem
from warehouse.delivery.exact_json import parse_exactly
from warehouse.delivery.times import parse_time
from warehouse.delivery.zero_bytes import without_zeros


class _Envelope(msgspec.Struct, gc=False):
    tenant: str
    name: str
    published_at: str
    payload: msgspec.Raw


class _Loose(msgspec.Struct, gc=False):
    tenant: msgspec.Raw = msgspec.Raw()
    name: msgspec.Raw = msgspec.Raw()
    published_at: msgspec.Raw = msgspec.Raw()
    payload: msgspec.Raw = msgspec.Raw()


_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_loose: Final = msgspec.json.Decoder(_Loose).decode
_decode_text: Final = msgspec.json.Decoder(str).decode
_check_json: Final = msgspec.json.Decoder(msgspec.Raw).decode


def decode(body: bytes, received_at: int, *, with_reference: bool = False) -> Delivery:
    """The delivery that `body` is, with its problem if it is no event; `received_at` in microseconds since 1970, UTC.

    A name of reference data is known only `with_reference`, to whom the operator has given the file: whoever may post
    to the webhook must not be able to change what a retailer says of its own stores.

    What can be read of tenant, name, key and time is there even when there is a problem. JSON that nests deeper than
    Python's stack counts as no JSON. A zero byte in a text is read as the sign for it, ␀.
    """
    if not body.isascii() and not _is_utf8(body):
        return Delivery(received_at, None, None, None, None, Problem.NOT_UTF8, body)
    read = without_zeros(body)
    tenant: str | None
    name: str | None
    try:
        envelope = _decode_envelope(read)
        tenant, name, published_text, payload = envelope.tenant, envelope.name, envelope.published_at, envelope.payload
    except (msgspec.DecodeError, RecursionError):
        loose = _read_loosely(read)
        if isinstance(loose, Problem):
            return Delivery(received_at, None, None, None, None, loose, body)
        tenant, name, published_text = _text(loose.tenant), _text(loose.name), _text(loose.published_at) or ""
        payload = loose.payload
    tenant, name = tenant or None, name or None
    published_at = parse_time(published_text)
    is_object = bytes(memoryview(payload)[:1]) == b"{"
    read_key = _key_readers(with_reference).get(name) if name and is_object else None
    is_too_large = read_key is not None and read_key.event.is_too_large(body)
    # A list of a million ids would take a gigabyte to make a key of.
    key = read_key(payload) if read_key and not is_too_large else None
    if not (tenant and name and is_object):
        problem = Problem.NOT_AN_ENVELOPE
    elif read_key is None:
        problem = Problem.UNKNOWN_NAME
    elif is_too_large:
        problem = Problem.TOO_LARGE
    elif key is None:
        problem = Problem.MISSING_KEY
    elif published_at is None:
        problem = Problem.BAD_PUBLISHED_AT
    else:
        return Delivery(received_at, tenant, name, key, published_at, None, body)
    return Delivery(received_at, tenant, name, key, published_at, problem, body)


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_loosely(body: bytes) -> _Loose | Problem:
    try:
        _check_json(body)
    except (msgspec.DecodeError, RecursionError):
        return Problem.NOT_JSON
    try:
        return _decode_loose(body)
    except (msgspec.DecodeError, RecursionError):
        return Problem.NOT_AN_ENVELOPE


def _text(raw: msgspec.Raw) -> str | None:
    try:
        return _decode_text(raw)
    except msgspec.DecodeError:
        return None


class _KeyReader:
    """Reads the key of one kind of event from a payload, decoding only the fields that make it."""

    def __init__(self, event: EventContract) -> None:
        self.event = event
        self._key_of = event.idempotency_key
        self._decode_fields = msgspec.json.Decoder(_fields_type(event.key_parts)).decode

    def __call__(self, payload: msgspec.Raw) -> str | None:
        try:
            return self._key_of(self._decode_fields(payload))
        except (msgspec.DecodeError, RecursionError):
            # Some field has another shape than the contract says: the contract still knows what that makes.
            return self._key_of_all(payload)

    def _key_of_all(self, payload: msgspec.Raw) -> str | None:
        try:
            return self._key_of(parse_exactly(bytes(payload))[0])
        except RecursionError:
            return None


@cache
def _key_readers(with_reference: bool) -> dict[str, _KeyReader]:
    events = load_contract().events if with_reference else load_contract().of_origin("newstore")
    return {name: _KeyReader(event) for name, event in events.items()}


def _fields_type(parts: tuple[KeyPart, ...]) -> Any:
    """A TypedDict of nothing but the fields of a key: msgspec then skips all others without making values of them."""
    tree: dict[str, Any] = {}
    lists = {part.path[0] for part in parts if part.through_list}
    for part in parts:
        node = tree
        for step in part.path[:-1]:
            node = node.setdefault(step, {})
        node[part.path[-1]] = Any
    return _typed_dict(tree, lists)


def _typed_dict(tree: dict[str, Any], lists: set[str]) -> Any:
    fields: dict[str, Any] = {}
    for name, node in tree.items():
        inner = _typed_dict(node, set()) if isinstance(node, dict) else node
        fields[name] = GenericAlias(list, (inner,)) if name in lists else inner
    return cast("Any", TypedDict)("Fields", fields, total=False)
