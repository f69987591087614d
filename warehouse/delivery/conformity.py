"""Decoders that tell in microseconds whether a payload is as the contract says.

The strict one takes a payload in which every field is known, of its type and usual; `trust.contract_drift` takes apart
what it refuses. The plain one takes every payload whose known fields DuckDB reads as Python does, see `reading`.
"""

from __future__ import annotations  # the types of fields are values here

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec

from warehouse.contract import FieldType, ListOf, Record, Scalar
from warehouse.delivery.times import USUAL_PATTERN

# `contract_drift` does not compare structures of 32,768 characters. A structure has at most three times the characters
# of its payload, of `{"":1}` for example.
MOST_BYTES: Final = 10_000
# What a double holds to four decimals, and what all of DuckDB's whole numbers hold.
MOST: Final = 10**11

Decode = Callable[[bytes], object]

_TIME: Final[Any] = Annotated[str, msgspec.Meta(pattern=rf"^\Z|{USUAL_PATTERN}")]
_STRICT: Final[dict[Scalar, Any]] = {
    Scalar.TEXT: str,
    Scalar.UUID: str,
    Scalar.INTEGER: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.NUMBER: Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.MONEY: Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.BOOLEAN: bool,
    Scalar.TIME: _TIME,
    Scalar.OBJECT: dict[str, msgspec.Raw],
    Scalar.ANY: msgspec.Raw,
}
# A whole number has one text, and DuckDB gives it; it reads numbers in texts, too.
_PLAIN: Final[dict[Scalar, Any]] = {
    Scalar.TEXT: str | int,
    Scalar.UUID: str | int,
    Scalar.INTEGER: int | Annotated[str, msgspec.Meta(pattern=r"^-?\d{1,18}\Z")],
    Scalar.NUMBER: float | str,
    Scalar.MONEY: float | str,
    Scalar.BOOLEAN: msgspec.Raw,
    Scalar.TIME: _TIME,
    Scalar.OBJECT: msgspec.Raw,
    Scalar.ANY: msgspec.Raw,
}


def strict_decoder(payload: Record) -> Decode:
    """Decodes a body, all of the envelope, in whose payload nothing differs from the contract.

    Of money only the type is looked at, not how many decimals.
    """
    return _decoder(_struct(payload, _STRICT, strict=True))


def plain_decoder(payload: Record) -> Decode:
    """Decodes a body in whose payload every known field is of a kind that DuckDB reads as it stands."""
    return _decoder(_struct(payload, _PLAIN, strict=False))


def holds(decode: Decode, body: bytes, most_bytes: int = MOST_BYTES) -> bool:
    """Whether a decoder takes a body; False also where that takes longer to find out."""
    if len(body) > most_bytes:
        return False
    try:
        decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _decoder(payload: type[msgspec.Struct]) -> Decode:
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", [("payload", payload)], gc=False)).decode


def _struct(record: Record, scalars: dict[Scalar, Any], *, strict: bool) -> type[msgspec.Struct]:
    names = {f"field_{number}": name for number, name in enumerate(record.fields)}
    fields: list[tuple[str, Any, Any]] = [
        (field, _type(record.fields[name], scalars, strict), None) for field, name in names.items()
    ]
    if not strict:
        # What has another name has to be put where it belongs, unless it says nothing.
        others = {f"other_{number}": name for number, name in enumerate(record.aliases)}
        fields += [(field, None, None) for field in others]
        names |= others
    return msgspec.defstruct("Fields", fields, rename=names, forbid_unknown_fields=strict, gc=False)


def _type(field: FieldType, scalars: dict[Scalar, Any], strict: bool) -> Any:
    if isinstance(field, Scalar):
        kind = scalars[field]
        return kind if kind is msgspec.Raw else kind | None
    if isinstance(field, ListOf):
        return list[_type(field.element, scalars, strict)] | None  # type: ignore[misc]
    return _struct(field, scalars, strict=strict) | None
