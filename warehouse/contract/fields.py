"""The type tree of a payload: what a field may hold, and the structure DuckDB's from_json reads it with.

A path names a field from the payload's top: `items[].discounts[].value`, where `[]` steps into a list.
"""

from __future__ import annotations  # the types below name each other

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct


class Scalar(StrEnum):
    """A field without fields of its own, named as the contract file names it."""

    TEXT = "text"
    UUID = "uuid"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    BOOLEAN = "boolean"
    TIME = "time"
    OBJECT = "object"
    ANY = "any"

    @property
    def duckdb(self) -> str:
        """The DuckDB type from_json makes of it; a time stays text, so that a malformed one is seen and not nulled."""
        return _DUCKDB[self]


_DUCKDB = {
    Scalar.TEXT: "VARCHAR",
    Scalar.UUID: "VARCHAR",
    Scalar.INTEGER: "BIGINT",
    Scalar.NUMBER: "DOUBLE",
    Scalar.MONEY: "DECIMAL(18,4)",
    Scalar.BOOLEAN: "BOOLEAN",
    Scalar.TIME: "VARCHAR",
    Scalar.OBJECT: "JSON",
    Scalar.ANY: "JSON",
}


class ListOf(Struct, frozen=True):
    """A JSON list whose elements all have one type.

    With `by_name` it may also come as an object, each member of which is an element that has the member's name as its
    `name`; and an object may stand where an element is a text, which is its `name` then.
    """

    element: FieldType
    by_name: bool = False


class Record(Struct, frozen=True):
    """A JSON object with known fields, in the order the contract file gives them.

    `aliases` are other names under which NewStore sends some of them: what such a name holds is the field's value where
    the field itself says nothing.
    """

    fields: Mapping[str, FieldType]
    aliases: Mapping[str, str] = {}

    def leaves(self, above: str = "") -> Iterator[tuple[str, Scalar]]:
        """Every field that holds a value, as (path, type); a list of texts is one leaf, `roles[]`."""
        for name, field in self.fields.items():
            yield from _leaves(field, f"{above}{name}")

    def at(self, path: str) -> FieldType | None:
        """The type at a path such as `items[].id`, or None when there is no such field."""
        found: FieldType = self
        for step in path.split("."):
            name = step.rstrip("[]")
            if not isinstance(found, Record) or name not in found.fields:
                return None
            found = found.fields[name]
            for _ in range(step[len(name) :].count("[]")):
                if not isinstance(found, ListOf):
                    return None
                found = found.element
        return found


FieldType: TypeAlias = Scalar | ListOf | Record


class TypeConflict(Exception):
    """Two records give the field at `path` different types."""

    def __init__(self, path: str, one: FieldType, other: FieldType) -> None:
        super().__init__(path)
        self.path = path
        self.one = describe(one)
        self.other = describe(other)


def merge(one: FieldType, other: FieldType, path: str = "") -> FieldType:
    """The union of two types: all fields of both records; raises TypeConflict where one path has two types."""
    if isinstance(one, Record) and isinstance(other, Record):
        return merge_records(one, other, f"{path}." if path else "")
    if isinstance(one, ListOf) and isinstance(other, ListOf):
        return ListOf(merge(one.element, other.element, f"{path}[]"), one.by_name or other.by_name)
    if one != other:
        raise TypeConflict(path, one, other)
    return one


def merge_records(one: Record, other: Record, above: str = "") -> Record:
    """The union of two records' fields, those of `one` first."""
    fields = dict(one.fields)
    for name, field in other.fields.items():
        fields[name] = merge(fields[name], field, f"{above}{name}") if name in fields else field
    return Record(fields, {**one.aliases, **other.aliases})


def duckdb_structure(record: Record) -> str:
    """The JSON text that from_json takes as its structure."""
    return json.dumps(_structure(record), separators=(",", ":"))


def describe(field: FieldType) -> str:
    """A type in a few words, for messages: `list of record`."""
    if isinstance(field, Scalar):
        return field.value
    if isinstance(field, Record):
        return "record"
    return f"list of {describe(field.element)}{' by name' if field.by_name else ''}"


def _leaves(field: FieldType, path: str) -> Iterator[tuple[str, Scalar]]:
    if isinstance(field, Scalar):
        yield path, field
    elif isinstance(field, ListOf):
        yield from _leaves(field.element, f"{path}[]")
    else:
        yield from field.leaves(f"{path}.")


def _structure(field: FieldType) -> object:
    if isinstance(field, Scalar):
        return field.duckdb
    if isinstance(field, ListOf):
        return [_structure(field.element)]
    return {name: _structure(inner) for name, inner in field.fields.items()}
