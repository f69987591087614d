"""The one reading of a payload: what its key, its ids and its values are, whoever asks and however they are written.

The receiver makes keys of it, DuckDB makes facts of it. Nearly every body is read by DuckDB as it stands in the log: it
is all spelled as the contract has it. One that is not is rewritten here before. Of a member that an object has twice
the last one counts. A text is without the blanks around it, a number in its place is its text (7, 7.0 and "7" are one),
a time is written alike, a zero byte is the sign for it, and what is
none of these says nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from warehouse.contract import Contract, EventContract, FieldType, ListOf, Record, Scalar
from warehouse.contract.events import MOST_BYTES
from warehouse.contract.keys import BLANKS, value_text
from warehouse.delivery.conformity import Decode, holds, plain_decoder, strict_decoder
from warehouse.delivery.delivery import Problem
from warehouse.delivery.exact_json import Repeating, parse_exactly
from warehouse.delivery.times import USUAL_PATTERN, oddity_of, parse_time, written_time
from warehouse.delivery.zero_bytes import SIGN, without_zeros

_WHOLE: Final = re.compile(r"[+-]?\d{1,40}(?:\.0*)?", re.ASCII)
_USUAL_TIME: Final = re.compile(USUAL_PATTERN, re.ASCII)
# Of one delivery; there is no end to what a hostile one could fill a table with.
_MOST_FINDINGS: Final = 100
_decode_all: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Drift(NamedTuple):
    """What `trust.contract_drift` says of one field of one delivery."""

    path: str
    drift: str
    expected_type: str | None
    seen_type: str


class Reading(NamedTuple):
    """A delivery that is not in all as the contract has it.

    `problem` says why no event is made of it. `idempotency_key` is the event's, None for that which the log has. `body`
    is what DuckDB reads instead of what was sent; None when it reads that as it stands.
    """

    problem: Problem | None = None
    idempotency_key: str | None = None
    body: bytes | None = None
    findings: tuple[Drift, ...] = ()


AS_IT_STANDS: Final = Reading()


class Reader:
    """Reads the payloads of all events of a contract."""

    def __init__(self, contract: Contract) -> None:
        self._events = {name: _EventReader(event) for name, event in contract.events.items()}

    def read(self, name: str | None, body: bytes) -> Reading | None:
        """What there is to say of the body of an event of this name; None when all of it is as the contract has it."""
        event = self._events.get(name or "")
        return event.read(body) if event else AS_IT_STANDS

    def conforms(self, name: str | None, body: bytes) -> bool:
        """Whether `read` has nothing to say; may be False also where that takes longer to find out."""
        event = self._events.get(name or "")
        return event is not None and event.conforms(body)


class _EventReader:
    def __init__(self, event: EventContract) -> None:
        self._event = event
        self._decode_strictly: Decode = strict_decoder(event.fields)
        self._decode_plain: Decode = plain_decoder(event.fields)

    def read(self, body: bytes) -> Reading | None:
        if self._event.is_too_large(body):
            return Reading(Problem.TOO_LARGE)
        try:
            if self.conforms(body):
                return None
            if holds(self._decode_plain, body, MOST_BYTES) and _is_unambiguous(body):
                return AS_IT_STANDS
            return self._rewritten(body)
        except RecursionError:
            return Reading(Problem.TOO_LARGE)

    def conforms(self, body: bytes) -> bool:
        return holds(self._decode_strictly, body) and _is_unambiguous(body)

    def _rewritten(self, body: bytes) -> Reading:
        visible = without_zeros(body)
        has_zeros = visible is not body
        envelope, repeats = parse_exactly(visible)
        payload = envelope["payload"]
        key = self._event.idempotency_key(payload)
        if key is None:
            return Reading(Problem.MISSING_KEY)
        walk = _Walk(is_changed=repeats or has_zeros)
        read = walk.read(payload, self._event.fields, "")
        findings = [*walk.findings, *(_repeated(envelope) if repeats else ()), *(_zeros(payload) if has_zeros else ())]
        written = _encode({"payload": read}) if walk.is_changed else None
        return Reading(None, key, written, tuple(sorted(findings, key=str)[:_MOST_FINDINGS]))


def _is_unambiguous(body: bytes) -> bool:
    """Whether no object has a member twice and no text a blank at its ends.

    May be False also where that takes longer to find out.
    """
    try:
        encoded = _encode(_decode_all(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    # Of a member that stands twice only the last would come back.
    if encoded != body and encoded != msgspec.json.format(body, indent=-1):
        return False
    # Between the parts of it there are no blanks, so these are at an end of a text, or beside an escaped quote. Most
    # texts are ids and have none at all, which one search of one byte tells.
    return b"\\" not in encoded and (b" " not in encoded or (b'" ' not in encoded and b' "' not in encoded))


class _Walk:
    """One way through a payload beside its type: gives each value as it is read."""

    def __init__(self, is_changed: bool) -> None:
        self.is_changed = is_changed
        self.findings = dict[Drift, None]()

    def find(self, path: str, drift: str, expected: str | None, seen: str) -> None:
        self.findings[Drift(path, drift, expected, seen)] = None

    def read(self, value: Any, field: FieldType, path: str) -> Any:
        """The value as it is read where the contract has a field of this type."""
        if isinstance(field, Record):
            return self._record(value, field, path)
        if isinstance(field, ListOf):
            return self._list(value, field, path)
        if value is None or field not in _SCALARS:
            return value
        read = _SCALARS[field](self, value, path)
        self.is_changed |= read is not value
        return read

    def _record(self, value: Any, record: Record, path: str) -> Any:
        if not isinstance(value, dict):
            return value
        read = {
            name: self.read(inner, record.fields[name], _member(path, name)) if name in record.fields else inner
            for name, inner in value.items()
        }
        for alias, name in record.aliases.items():
            if read.get(name) in (None, "") and value.get(alias) is not None:
                read[name] = self.read(value[alias], record.fields[name], _member(path, alias))
                self.is_changed = True
        return read

    def _list(self, value: Any, field: ListOf, path: str) -> Any:
        read = _by_name(value, field.element) if field.by_name else value
        self.is_changed |= read is not value
        return [self.read(inner, field.element, f"{path}[]") for inner in read] if isinstance(read, list) else read

    def text(self, value: Any, _path: str) -> str | None:
        if isinstance(value, str):
            trimmed = value.strip(BLANKS)
            return value if trimmed == value else trimmed
        return value_text(value) or None

    def time(self, value: Any, path: str) -> str | None:
        if not isinstance(value, str):
            return None
        text = value.strip(BLANKS)
        if _USUAL_TIME.match(value) or not text:
            return value
        micros = parse_time(text)
        if micros is None:
            self.find(path, "unreadable_time", "time", "text")
            return None
        oddity = oddity_of(value)
        if oddity is not None:
            self.find(path, oddity, "time", "text")
        return written_time(micros)

    def integer(self, value: Any, _path: str) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        text = value_text(value)
        return Decimal(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None

    def number(self, value: Any, _path: str) -> Any:
        # DuckDB would make 1 of true, and reads numbers in texts.
        return None if isinstance(value, bool) else value


_SCALARS: Final[Mapping[Scalar, Callable[[_Walk, Any, str], Any]]] = {
    Scalar.TEXT: _Walk.text,
    Scalar.UUID: _Walk.text,
    Scalar.TIME: _Walk.time,
    Scalar.INTEGER: _Walk.integer,
    Scalar.NUMBER: _Walk.number,
    Scalar.MONEY: _Walk.number,
}


def _by_name(value: Any, element: FieldType) -> Any:
    """What is known by its name, as the list that the contract has."""
    if isinstance(value, dict):
        value = [
            {**(inner if isinstance(inner, dict) else {"value": inner}), "name": name} for name, inner in value.items()
        ]
    if isinstance(element, Scalar) and isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        value = [inner.get("name") if isinstance(inner, dict) else inner for inner in value]
    return value


def _repeated(envelope: Any) -> Iterator[Drift]:
    """What stands twice anywhere in an envelope; the path of its own members is that of the payload."""
    if isinstance(envelope, Repeating):
        yield Drift("", "repeated_field", None, "object")
    for path, value in _within(envelope["payload"]):
        if isinstance(value, Repeating):
            for name in value.repeated:
                yield Drift(_member(path, name), "repeated_field", None, _kind(value[name]))


def _zeros(payload: Any) -> Iterator[Drift]:
    """The texts in which a zero byte is read as its sign. One that held the sign itself is among them."""
    for path, value in _within(payload):
        if isinstance(value, str) and SIGN in value:
            yield Drift(path, "does_not_fit", "text", "text")


def _within(payload: Any) -> Iterator[tuple[str, Any]]:
    """A payload and every value in it, each with its path, however deep they lie."""
    left: list[tuple[str, Any]] = [("", payload)]
    while left:
        path, value = left.pop()
        yield path, value
        if isinstance(value, list):
            left += [(f"{path}[]", inner) for inner in value]
        elif isinstance(value, dict):
            left += [(_member(path, name), inner) for name, inner in value.items()]


def _member(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _kind(value: Any) -> str:
    """A JSON value's type, as `trust.contract_drift` names it."""
    if isinstance(value, bool):
        return "boolean"
    names = {str: "text", int: "integer", Decimal: "number", list: "list"}
    return (
        "null" if value is None else next((name for kind, name in names.items() if isinstance(value, kind)), "object")
    )
