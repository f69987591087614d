"""Reads the contract file. What is returned has been checked whole, so no later code has to doubt it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from warehouse.contract.events import MOST_VALUES, Contract, EventContract, Origin, entity_kind
from warehouse.contract.fields import FieldType, Record, Scalar, TypeConflict, merge_records
from warehouse.contract.keys import KeyPart, parse_key_part
from warehouse.contract.shapes import Shape, Shapes
from warehouse.errors import ContractError

SHIPPED_FILE = Path(__file__).with_name("events.toml")

Entry = TypeVar("Entry", bound=Struct)


class PayloadEntry(Shape, frozen=True, forbid_unknown_fields=True):
    """`[payloads.NAME]`: fields and entities that several events share."""

    entities: dict[str, str] = msgspec.field(default_factory=dict)


class EventEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """`[events."NAME"]`: one event."""

    meaning: str
    family: str
    key: tuple[str, ...]
    key_source: Literal["documented", "inferred"]
    most_values: int = MOST_VALUES
    origin: Origin = "newstore"
    payload: tuple[str, ...] = ()
    entities: dict[str, str] = msgspec.field(default_factory=dict)
    fields: dict[str, object] = msgspec.field(default_factory=dict)


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The file's lists of names and its three tables, whose entries are not yet typed: each is converted by itself, so
    that errors name it."""

    families: tuple[str, ...]
    entity_kinds: tuple[str, ...]
    records: dict[str, Any]
    payloads: dict[str, Any]
    events: dict[str, Any]


def load_contract(path: Path | None = None) -> Contract:
    """The contract, read once for each file; the shipped one by default. Raises ContractError for a wrong file."""
    return _load((path or SHIPPED_FILE).resolve())


@cache
def _load(path: Path) -> Contract:
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"{error.strerror}", "Give the path of a readable contract file.", where=path) from error
    except UnicodeDecodeError as error:
        raise ContractError(f"not UTF-8 at byte {error.start}", "Save the file as UTF-8.", where=path) from error
    except tomllib.TOMLDecodeError as error:
        hint = "Correct the file there; a name may stand only once in a table."
        raise ContractError(f"not TOML: {error}", hint, where=path) from error
    document = _convert(
        raw, Document, str(path), "Keep to families, entity_kinds and the tables records, payloads and events."
    )
    return _Reading(path.name, document).contract()


def _convert(raw: object, entry: type[Entry], where: str, hint: str) -> Entry:
    try:
        return msgspec.convert(raw, entry)
    except msgspec.ValidationError as error:
        raise ContractError(str(error), hint, where=where) from error


class _Reading:
    """One reading of one file: checks every name and every path, each error naming the file and the entry."""

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._families = document.families
        self._kinds = document.entity_kinds
        records = {
            name: _convert(raw, Shape, f"{file}: record {name}", "A record has extends and fields.")
            for name, raw in document.records.items()
        }
        self._payloads = {
            name: _convert(raw, PayloadEntry, f"{file}: payload {name}", "A payload has extends, entities and fields.")
            for name, raw in document.payloads.items()
        }
        hint = "Copy the shape of a neighbouring event; docs/contract.md says what each line means."
        self._events = {
            name: _convert(raw, EventEntry, f"{file}: event {name}", hint) for name, raw in document.events.items()
        }
        self._shapes = Shapes(file, records)

    def contract(self) -> Contract:
        for name, payload in self._payloads.items():
            self._shapes.resolve(f"payload {name}", payload.extends, payload.fields)
        events = {name: self._event(name, entry) for name, entry in self._events.items()}
        families = {family: self._union(family, events) for family in self._families}
        for family in self._families:
            if not families[family].fields:
                hint = "Correct the name in `families`, or add the events of this family."
                raise self._error(f"family {family}", "no event belongs to it", hint)
        return Contract(events, families)

    def _event(self, name: str, entry: EventEntry) -> EventContract:
        where = f"event {name}"
        if entry.family not in self._families:
            hint = f"Use one of {', '.join(self._families)}, or add it to `families`."
            raise self._error(where, f"unknown family {entry.family!r}", hint)
        if entry.most_values < 1:
            raise self._error(where, "most_values is not a number of values", "Give a whole number above 0.")
        record = self._fields(where, entry)
        return EventContract(
            name=name,
            family=entry.family,
            meaning=entry.meaning,
            key=entry.key,
            key_source=entry.key_source,
            entities=self._entities(where, entry, record),
            fields=record,
            key_parts=self._key(where, entry, record),
            most_values=entry.most_values,
            origin=entry.origin,
        )

    def _fields(self, where: str, entry: EventEntry) -> Record:
        fields: dict[str, FieldType] = {}
        for name in entry.payload:
            if name not in self._payloads:
                raise self._error(where, f"unknown payload {name!r}", f"Correct the name, or add [payloads.{name}].")
            payload = self._payloads[name]
            shared = self._shapes.resolve(f"payload {name}", payload.extends, payload.fields)
            self._shapes.add(where, fields, shared)
        self._shapes.add(where, fields, self._shapes.resolve(where, (), entry.fields))
        return Record(fields)

    def _entities(self, where: str, entry: EventEntry, record: Record) -> dict[str, str]:
        entities: dict[str, str] = {}
        for source in (*(self._payloads[name].entities for name in entry.payload), entry.entities):
            for entity, path in source.items():
                if entity in entities:
                    hint = "Keep one of them, or name the other by its role, such as origin_location."
                    raise self._error(where, f"entity {entity} is given twice", hint)
                if entity_kind(entity, self._kinds) is None:
                    hint = f"Use one of {', '.join(self._kinds)}, or a name that ends in one, such as origin_location."
                    raise self._error(where, f"unknown entity {entity!r}", hint)
                self._check_leaf(where, record, f"entity {entity}", path, (Scalar.TEXT, Scalar.UUID))
                entities[entity] = path
        return entities

    def _key(self, where: str, entry: EventEntry, record: Record) -> tuple[KeyPart, ...]:
        parts = []
        for text in entry.key:
            part = parse_key_part(text)
            if part is None:
                hint = "Only the first step of a key's path can be a list."
                raise self._error(where, f"key {text!r} goes through a list too far in", hint)
            types = (Scalar.TEXT, Scalar.UUID, Scalar.INTEGER, Scalar.TIME)
            self._check_leaf(where, record, "key", text.removesuffix("?"), types)
            parts.append(part)
        if not parts or parts[0].optional:
            raise self._error(where, "no part of the key is required", 'Begin the key with a part without "?".')
        return tuple(parts)

    def _check_leaf(self, where: str, record: Record, use: str, path: str, types: tuple[Scalar, ...]) -> None:
        found = record.at(path)
        if found is None:
            hint = "Correct the path, or add the field."
            raise self._error(where, f"{use} names {path!r}, which is not among the fields", hint)
        if found not in types:
            hint = f"Name a field of type {' or '.join(types)}."
            raise self._error(where, f"{use} names {path!r}, which has the wrong type for it", hint)

    def _union(self, family: str, events: dict[str, EventContract]) -> Record:
        record = Record({})
        for event in events.values():
            try:
                record = merge_records(record, event.fields) if event.family == family else record
            except TypeConflict as conflict:
                what = f"field {conflict.path} is {conflict.other}, but {conflict.one} elsewhere in family {family}"
                hint = "Give the field one type in the whole family."
                raise self._error(f"event {event.name}", what, hint) from conflict
        return record

    def _error(self, where: str, what: str, hint: str) -> ContractError:
        return ContractError(f"{where}: {what}", hint, where=self._file)
