"""The contract as code sees it: an entry for each event, checked when it was read and never changed after."""

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from warehouse.contract.fields import Record, Scalar, duckdb_structure
from warehouse.contract.keys import KeyPart, join_parts
from warehouse.contract.names import entity_kind


class EventContract(Struct, frozen=True):
    """What is known of one event: its key, the entities its payload names, and its payload's fields."""

    name: str
    family: str
    meaning: str
    key: tuple[str, ...]
    key_source: Literal["documented", "inferred"]
    entities: Mapping[str, str]
    ordering: tuple[str, ...]
    fields: Record
    key_parts: tuple[KeyPart, ...]

    def idempotency_key(self, payload: Mapping[str, object]) -> str | None:
        """The key's text, unique only within this event's name and tenant, or None when a required part is missing."""
        return join_parts((part, part.text(payload)) for part in self.key_parts)

    def duckdb_structure(self) -> str:
        """The structure of the payload for DuckDB's from_json, as JSON text."""
        return duckdb_structure(self.fields)

    def leaves(self) -> Iterator[tuple[str, Scalar]]:
        """Every value the payload may hold, as (path, type): `("items[].discounts[].value", Scalar.NUMBER)`."""
        return self.fields.leaves()

    def entity_paths(self, kind: str) -> tuple[str, ...]:
        """The paths of all entities of a kind: an order names several locations."""
        return tuple(path for name, path in self.entities.items() if entity_kind(name) == kind)


class Contract(Struct, frozen=True):
    """All events by name, and for each family the union of its events' fields."""

    events: Mapping[str, EventContract]
    families: Mapping[str, Record]

    def of_family(self, family: str) -> tuple[EventContract, ...]:
        """A family's events in the order of the contract file."""
        return tuple(event for event in self.events.values() if event.family == family)

    def family_structure(self, family: str) -> str:
        """The structure that reads the payload of any event of a family, as JSON text for DuckDB's from_json."""
        return duckdb_structure(self.families[family])
