"""Turns the types a contract file writes as text into a type tree: every name resolved, no field given twice."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from warehouse.contract.fields import FieldType, ListOf, Record, Scalar
from warehouse.errors import ContractError

SCALARS = {scalar.value: scalar for scalar in Scalar}
LIST_OF = "list of "
BY_NAME = " by name"


class Shape(Struct, frozen=True, forbid_unknown_fields=True):
    """`[records.NAME]`: fields and aliases of its own, and those of the records it extends."""

    fields: dict[str, object]
    extends: tuple[str, ...] = ()
    aliases: dict[str, str] = {}


class Shapes:
    """The records of one contract file, by name; raises ContractError when one of them is wrong."""

    def __init__(self, file: str, records: Mapping[str, Shape]) -> None:
        self._file = file
        self._records = records
        for name in records:
            if name in SCALARS or name.startswith(LIST_OF):
                raise self._error(f"record {name}", "has the name of a type", "Give the record another name.")
            self._whole_record(f"record {name}", name, ())

    def resolve(self, where: str, extends: Iterable[str], own: Mapping[str, object]) -> dict[str, FieldType]:
        """The fields of the records in `extends`, then those in `own`; `where` names the entry in errors."""
        return self._resolve(where, extends, own, ())

    def add(self, where: str, fields: dict[str, FieldType], more: Mapping[str, FieldType]) -> None:
        """Adds `more` to `fields`; names that differ only in case count as one, as they do in DuckDB."""
        known = {name.lower(): name for name in fields}
        for name, field in more.items():
            if not name or any(mark in name for mark in ".[]?"):
                raise self._error(where, f"field {name!r} cannot be part of a path", "Use a name without . [ ] and ?")
            if name.lower() in known:
                other = known[name.lower()]
                raise self._error(where, f"field {name} is given twice", f"Keep one of {name} and {other}.")
            known[name.lower()] = name
            fields[name] = field

    def _resolve(
        self, where: str, extends: Iterable[str], own: Mapping[str, object], within: tuple[str, ...]
    ) -> dict[str, FieldType]:
        fields: dict[str, FieldType] = {}
        for name in extends:
            self.add(where, fields, self._record(where, name, within))
        typed = {name: self._type(f"{where}: field {name}", text, within) for name, text in own.items()}
        self.add(where, fields, typed)
        return fields

    def _type(self, where: str, text: object, within: tuple[str, ...]) -> FieldType:
        if not isinstance(text, str):
            hint = "Write the type's name in quotes; for an object with known fields add a record and name it."
            raise self._error(where, f"a type is a text, not {text!r}", hint)
        if text.startswith(LIST_OF):
            by_name = text.endswith(BY_NAME)
            return ListOf(self._type(where, text.removeprefix(LIST_OF).removesuffix(BY_NAME), within), by_name)
        return SCALARS.get(text) or self._whole_record(where, text, within)

    def _whole_record(self, where: str, name: str, within: tuple[str, ...]) -> Record:
        fields = self._record(where, name, within)
        aliases = self._aliases(name)
        for alias, field in aliases.items():
            if field not in fields or alias.lower() in map(str.lower, fields):
                hint = 'Write `other_name = "field"`: the field is one of the record\'s, the other name is not.'
                raise self._error(f"record {name}", f"alias {alias} cannot stand for {field}", hint)
        return Record(fields, aliases)

    def _aliases(self, name: str) -> dict[str, str]:
        shape = self._records[name]
        inherited = [item for above in shape.extends for item in self._aliases(above).items()]
        return dict(inherited) | shape.aliases

    def _record(self, where: str, name: str, within: tuple[str, ...]) -> dict[str, FieldType]:
        """A record's fields; `within` are the records whose resolution led here."""
        if name not in self._records:
            known = ", ".join(SCALARS)
            raise self._error(where, f"unknown type {name!r}", f"Use {known}, list of one, or add [records.{name}].")
        if name in within:
            raise self._error(where, f"record {name} contains itself", "Type the inner field as object or any.")
        shape = self._records[name]
        return self._resolve(f"record {name}", shape.extends, shape.fields, (*within, name))

    def _error(self, where: str, what: str, hint: str) -> ContractError:
        return ContractError(f"{where}: {what}", hint, where=self._file)
