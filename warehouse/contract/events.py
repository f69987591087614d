"""The contract as code sees it: an entry for each event, checked when it was read and never changed after."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

from warehouse.contract.fields import Record, Scalar, duckdb_structure
from warehouse.contract.keys import KeyPart, join_parts

# Of a body beyond this no event is made: to read a hundred in one query must not take all of a machine's memory.
MOST_BYTES: Final = 16 * 2**20
# What an event may hold where its entry does not say. Only a list makes a body long, and its lines are mostly blanks to
# DuckDB, whose memory goes by their number.
MOST_VALUES: Final = 100_000

# Who sends an event: NewStore to the webhook, or the retailer by `warehouse reference load`.
Origin = Literal["newstore", "reference"]


class EventContract(Struct, frozen=True):
    """What is known of one event: its key, the entities its payload names, and its payload's fields."""

    name: str
    family: str
    meaning: str
    key: tuple[str, ...]
    key_source: Literal["documented", "inferred"]
    entities: Mapping[str, str]
    fields: Record
    key_parts: tuple[KeyPart, ...]
    most_values: int = MOST_VALUES
    origin: Origin = "newstore"

    def idempotency_key(self, payload: Mapping[str, object]) -> str | None:
        """The key's text, unique only within this event's name and tenant, or None when a required part is missing."""
        return join_parts((part, part.text(payload)) for part in self.key_parts)

    def is_too_large(self, body: bytes) -> bool:
        """Whether a body holds more than may be read as this event: a function of its bytes alone.

        Commas are counted, also those inside texts: there is one in front of every value but the first.
        """
        return len(body) > MOST_BYTES or (len(body) > self.most_values and body.count(b",") > self.most_values)

    def duckdb_structure(self) -> str:
        """The structure of the payload for DuckDB's from_json, as JSON text."""
        return duckdb_structure(self.fields)

    def leaves(self) -> Iterator[tuple[str, Scalar]]:
        """Every value the payload may hold, as (path, type): `("items[].discounts[].value", Scalar.NUMBER)`."""
        return self.fields.leaves()


def entity_kind(name: str, kinds: Iterable[str]) -> str | None:
    """The kind an entity's name ends in (`demand_location` is a location), or None when it ends in none of these."""
    ends = [kind for kind in kinds if name == kind or name.endswith("_" + kind)]
    return max(ends, key=len, default=None)


class Contract(Struct, frozen=True):
    """All events by name, and for each family the union of its events' fields."""

    events: Mapping[str, EventContract]
    families: Mapping[str, Record]

    def of_origin(self, origin: Origin) -> dict[str, EventContract]:
        """The events by name that come from there."""
        return {name: event for name, event in self.events.items() if event.origin == origin}

    def family_structure(self, family: str) -> str:
        """The structure that reads the payload of any event of a family, as JSON text for DuckDB's from_json."""
        return duckdb_structure(self.families[family])
