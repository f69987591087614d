"""Tells whether a delivery's payload is all as the contract says: every field known, of its type and readable.

Nearly all are. To say so takes a strict decoder a few microseconds; to say what of a payload is not as expected, which
`trust.contract_drift` does with those that are left, takes DuckDB many times that.
"""

from __future__ import annotations  # pyarrow is generic for type checkers alone

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final

import duckdb
import msgspec
import pyarrow as pa
from duckdb.func import PythonUDFType
from duckdb.sqltypes import BOOLEAN, VARCHAR

from warehouse.contract import Contract, FieldType, ListOf, Record, Scalar, load_contract

# As models call it, with an event's name and the body of its delivery.
FUNCTION: Final = "conforms_to_contract"
# `contract_drift` does not compare structures of 32,768 characters. A structure has at most three times the characters
# of its payload, of `{"":1}` for example.
MOST_BYTES: Final = 10_000
# What a double holds to four decimals, and what all of DuckDB's whole numbers hold.
MOST: Final = 10**11

_Decode = Callable[[bytes], object]

_SCALARS: Final[dict[Scalar, Any]] = {
    Scalar.TEXT: str,
    Scalar.UUID: str,
    Scalar.INTEGER: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.NUMBER: Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.MONEY: Annotated[float, msgspec.Meta(ge=-MOST, le=MOST)],
    Scalar.BOOLEAN: bool,
    Scalar.TIME: datetime,
    Scalar.OBJECT: dict[str, msgspec.Raw],
}


class Conformity:
    """The strict decoders of all events."""

    def __init__(self, contract: Contract) -> None:
        self._decoders = {name: _decoder(event.fields) for name, event in contract.events.items()}

    def holds(self, name: str | None, body: bytes | None) -> bool:
        """Whether a body, all of the envelope, has a payload in which nothing differs from the contract.

        False also where that takes longer to find out. Of money only the type is looked at, not how many decimals.
        """
        decode = self._decoders.get(name or "")
        if decode is None or body is None or len(body) > MOST_BYTES:
            return False
        try:
            decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    def of_all(self, names: pa.ChunkedArray[Any], bodies: pa.ChunkedArray[Any]) -> pa.Array[Any]:
        """The same of many, as Arrow has them."""
        pairs = zip(names.to_pylist(), bodies.cast(pa.binary()).to_pylist(), strict=True)
        return pa.array([self.holds(name, body) for name, body in pairs], pa.bool_())


def add_function(con: duckdb.DuckDBPyConnection) -> None:
    """Let the queries of this DuckDB call `conforms_to_contract(name, body)`, by the shipped contract."""
    conformity = _shipped()
    # DuckDB would evaluate the annotations of a function, which are for type checkers alone.
    con.create_function(
        FUNCTION,
        lambda names, bodies: conformity.of_all(names, bodies),  # noqa: PLW0108 - see above
        [VARCHAR, VARCHAR],
        BOOLEAN,
        type=PythonUDFType.ARROW,
    )


@cache
def _shipped() -> Conformity:
    # A resident refresh opens many sessions, and the decoders are classes.
    return Conformity(load_contract())


def _decoder(payload: Record) -> _Decode:
    envelope = msgspec.defstruct("Envelope", [("payload", _struct(payload))], gc=False)
    return msgspec.json.Decoder(envelope).decode


def _struct(record: Record) -> type[msgspec.Struct]:
    names = {f"field_{number}": name for number, name in enumerate(record.fields)}
    fields = [(field, _type(record.fields[name]), None) for field, name in names.items()]
    return msgspec.defstruct("Fields", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _type(field: FieldType) -> Any:
    if field is Scalar.ANY:
        return msgspec.Raw
    if isinstance(field, Scalar):
        return _SCALARS[field] | None
    return (list[_type(field.element)] if isinstance(field, ListOf) else _struct(field)) | None  # type: ignore[misc]
