"""Reads the contract file. What is returned has been checked whole, so no later code has to doubt it."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from warehouse.contract.events import Contract, EventContract
from warehouse.contract.fields import FieldType, ListOf, Record, Scalar, TypeConflict, merge_records
from warehouse.contract.keys import KeyPart, parse_key_part
from warehouse.contract.names import ENTITY_KINDS, EVENT_NAMES, FAMILIES, entity_kind
from warehouse.errors import ContractError

SCALARS = {scalar.value: scalar for scalar in Scalar}
SHIPPED_FILE = Path(__file__).with_name("events.toml")

Entry = TypeVar("Entry", bound=Struct)


class RecordEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """`[records.NAME]`: a shape found inside payloads."""

    fields: dict[str, str]
    extends: tuple[str, ...] = ()


class PayloadEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """`[payloads.NAME]`: fields and entities that several events share."""

    fields: dict[str, str]
    extends: tuple[str, ...] = ()
    entities: dict[str, str] = {}


class EventEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """`[events."NAME"]`: one event."""

    meaning: str
    family: str
    key: tuple[str, ...]
    key_source: Literal["documented", "inferred"]
    ordering: tuple[str, ...] = ()
    payload: tuple[str, ...] = ()
    entities: dict[str, str] = {}
    fields: dict[str, str] = {}


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The file's three tables, their entries not yet typed: each is converted by itself, so that errors name it."""

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
        raise ContractError(f"{path}: {error.strerror}", "Give the path of a readable contract file.") from error
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: not UTF-8 at byte {error.start}", "Save the file as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ContractError(
            f"{path}: {error}", "Correct the file at that line; a name may stand only once in a table."
        ) from error
    document = _convert(raw, Document, str(path), "Keep to the tables records, payloads and events.")
    return _Reader(path.name, document).contract()


def _convert(raw: object, entry: type[Entry], where: str, hint: str) -> Entry:
    try:
        return msgspec.convert(raw, entry)
    except msgspec.ValidationError as error:
        raise ContractError(f"{where}: {error}", hint) from error


class _Reader:
    """One reading of one file: resolves names to types and checks every path against them."""

    def __init__(self, file: str, document: Document) -> None:
        self.file = file
        self.records = {
            name: _convert(raw, RecordEntry, f"{file}: record {name}", "A record has `extends` and `fields`.")
            for name, raw in document.records.items()
        }
        self.payloads = {
            name: _convert(
                raw, PayloadEntry, f"{file}: payload {name}", "A payload has `extends`, `entities` and `fields`."
            )
            for name, raw in document.payloads.items()
        }
        hint = "Copy the shape of a neighbouring event; docs/contract.md says what each line means."
        self.events = {
            name: _convert(raw, EventEntry, f"{file}: event {name}", hint) for name, raw in document.events.items()
        }

    def error(self, where: str, what: str, hint: str) -> ContractError:
        return ContractError(f"{self.file}: {where}: {what}", hint)

    def contract(self) -> Contract:
        self._check_names()
        self._check_shared()
        events = {name: self._event(name, entry) for name, entry in self.events.items()}
        families = {}
        for family in FAMILIES:
            families[family] = self._union(family, [e for e in events.values() if e.family == family])
        return Contract(events, families)

    def _check_names(self) -> None:
        for name in EVENT_NAMES:
            if name not in self.events:
                raise self.error(f"event {name}", "missing", f'Add [events."{name}"].')
        for name in self.events:
            if name not in EVENT_NAMES:
                raise self.error(
                    f"event {name}",
                    "not one of NewStore's event names",
                    "Correct the name, or add a new one to EVENT_NAMES in warehouse/contract/names.py.",
                )

    def _check_shared(self) -> None:
        for name, record in self.records.items():
            if name in SCALARS or name.startswith("list of "):
                raise self.error(f"record {name}", "has the name of a type", "Give the record another name.")
            self._fields(f"record {name}", record.extends, record.fields, (name,))
        for name, payload in self.payloads.items():
            self._fields(f"payload {name}", payload.extends, payload.fields, ())

    def _event(self, name: str, entry: EventEntry) -> EventContract:
        where = f"event {name}"
        if entry.family not in FAMILIES:
            raise self.error(where, f"unknown family {entry.family!r}", f"Use one of {', '.join(FAMILIES)}.")
        parts = [self._shared(where, payload) for payload in entry.payload]
        fields: dict[str, FieldType] = {}
        entities: dict[str, str] = {}
        for payload_name, part in zip(entry.payload, parts, strict=True):
            own = self._fields(f"payload {payload_name}", part.extends, part.fields, ())
            self._add(where, fields, own)
            self._add_entities(where, entities, part.entities)
        self._add(where, fields, self._fields(where, (), entry.fields, ()))
        self._add_entities(where, entities, entry.entities)
        if not fields:
            raise self.error(where, "has no fields", "Name a payload, or give the event fields.")
        record = Record(fields)
        for entity, path in entities.items():
            self._check_entity(where, record, entity, path)
        for path in entry.ordering:
            self._leaf(where, record, "ordering", path, (Scalar.INTEGER, Scalar.TIME))
        return EventContract(
            name=name,
            family=entry.family,
            meaning=entry.meaning,
            key=entry.key,
            key_source=entry.key_source,
            entities=entities,
            ordering=entry.ordering,
            fields=record,
            key_parts=self._key(where, record, entry.key),
        )

    def _shared(self, where: str, payload: str) -> PayloadEntry:
        if payload not in self.payloads:
            raise self.error(where, f"unknown payload {payload!r}", f"Add [payloads.{payload}], or correct the name.")
        return self.payloads[payload]

    def _fields(
        self, where: str, extends: Iterable[str], own: Mapping[str, str], within: tuple[str, ...]
    ) -> dict[str, FieldType]:
        """The fields of an entry with those of the records it extends; `within` are the records being resolved."""
        fields: dict[str, FieldType] = {}
        for name in extends:
            self._add(where, fields, self._record(where, name, within))
        self._add(
            where, fields, {name: self._type(f"{where}: field {name}", text, within) for name, text in own.items()}
        )
        return fields

    def _record(self, where: str, name: str, within: tuple[str, ...]) -> dict[str, FieldType]:
        if name not in self.records:
            types = ", ".join(SCALARS)
            raise self.error(
                where,
                f"unknown type {name!r}",
                f"Use one of {types}, list of a type, or a record: add [records.{name}].",
            )
        if name in within:
            raise self.error(where, f"record {name} contains itself", "Type the inner field as object or any.")
        entry = self.records[name]
        return self._fields(f"record {name}", entry.extends, entry.fields, (*within, name))

    def _type(self, where: str, text: str, within: tuple[str, ...]) -> FieldType:
        if text.startswith("list of "):
            return ListOf(self._type(where, text.removeprefix("list of "), within))
        if text in SCALARS:
            return SCALARS[text]
        return Record(self._record(where, text, within))

    def _add(self, where: str, fields: dict[str, FieldType], more: Mapping[str, FieldType]) -> None:
        """Adds fields to those at hand; DuckDB does not tell names apart that differ only in case."""
        known = {name.lower(): name for name in fields}
        for name, field in more.items():
            if name.lower() in known:
                raise self.error(
                    where, f"field {name} is given twice", f"Keep one of them; the other is {known[name.lower()]}."
                )
            if not name or "." in name or "[" in name or name.endswith("?"):
                raise self.error(
                    where, f"field {name!r} cannot be part of a path", 'Use a name without ".", "[" and "?".'
                )
            known[name.lower()] = name
            fields[name] = field

    def _add_entities(self, where: str, entities: dict[str, str], more: Mapping[str, str]) -> None:
        for entity, path in more.items():
            if entity in entities:
                raise self.error(where, f"entity {entity} is given twice", "Keep one, or name the other by its role.")
            entities[entity] = path

    def _check_entity(self, where: str, record: Record, entity: str, path: str) -> None:
        if entity_kind(entity) is None:
            raise self.error(
                where, f"unknown entity {entity!r}", f"Use a name ending in one of {', '.join(ENTITY_KINDS)}."
            )
        self._leaf(where, record, f"entity {entity}", path, (Scalar.TEXT, Scalar.UUID))

    def _key(self, where: str, record: Record, key: tuple[str, ...]) -> tuple[KeyPart, ...]:
        if not key:
            raise self.error(where, "has no key", 'Give at least key = ["id"].')
        parts = []
        for text in key:
            part = parse_key_part(text)
            if part is None:
                raise self.error(
                    where, f"key {text!r} goes through a list too deep", "Only the first step can be a list."
                )
            self._leaf(where, record, "key", text.removesuffix("?"), tuple(t for t in Scalar if t.identifies))
            parts.append(part)
        if parts[0].optional:
            raise self.error(where, f"key {key[0]!r} is optional", 'The first part is always required: drop its "?".')
        return tuple(parts)

    def _leaf(self, where: str, record: Record, use: str, path: str, types: tuple[Scalar, ...]) -> None:
        found = record.at(path)
        if found is None:
            raise self.error(
                where,
                f"{use} names {path!r}, which is not among the event's fields",
                "Correct the path, or add the field.",
            )
        if found not in types:
            raise self.error(
                where, f"{use} names {path!r}, which cannot be used so", f"Use a field of type {' or '.join(types)}."
            )

    def _union(self, family: str, events: list[EventContract]) -> Record:
        record = Record({})
        for event in events:
            try:
                record = merge_records(record, event.fields)
            except TypeConflict as conflict:
                raise self.error(
                    f"event {event.name}",
                    f"field {conflict.path} is {conflict.other}, but {conflict.one} elsewhere in family {family}",
                    "Give the field one type in the whole family.",
                ) from conflict
        return record
