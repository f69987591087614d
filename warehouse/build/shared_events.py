"""The events of touched entities, taken out of a large staging table once for all models of a refresh that want them.

To find the few events of some orders among millions costs the reading of one column, and to read their payloads several
times as much; half a dozen models want the very same ones. A copy is a cache: a model that finds none reads the table.
"""

from collections.abc import Mapping

import duckdb
import msgspec

from warehouse.build.model import Model
from warehouse.build.names import STAGING
from warehouse.build.touched_entities import MOST_ENTITIES, EntityColumns, changed_entities, find_rows, find_touched
from warehouse.lake.transaction import transaction


class SharedEvents(msgspec.Struct, frozen=True):
    """What is taken out: the events of a staging table that belong to entities which changed in a source after `since`,
    the least batch that any of the readers has come to."""

    place: EntityColumns
    table: str
    sources: dict[str, str]
    readers: tuple[str, ...]
    since: int

    @property
    def name(self) -> str:
        """Names it among the models of a refresh."""
        return f"{self.place.relation} by {', '.join(self.place.entity)}"


def find_shared(models: Mapping[str, Model], built: Mapping[str, int]) -> list[SharedEvents]:
    """What several of these models read, given the batch that each has come to; one without any is built whole."""
    readers = dict[EntityColumns, list[Model]]()
    for name, model in models.items():
        # Staging comes before all else, so that waiting for the sources of every reader cannot go round in circles.
        if name in built and all(f".{STAGING}." in relation for relation in model.sources.values()):
            for place in model.views.values():
                if place.entity == model.entity and STAGING in place.relation.split("."):
                    readers.setdefault(place, []).append(model)
    return [
        SharedEvents(
            place=place,
            table=f"run.main.shared_{number}",
            sources={name: relation for model in some for name, relation in model.sources.items()},
            readers=tuple(model.name for model in some),
            since=min(built[model.name] for model in some),
        )
        for number, (place, some) in enumerate(readers.items())
        if len(some) > 1
    ]


def take_out(con: duckdb.DuckDBPyConnection, shared: SharedEvents) -> bool:
    """Make the copy; false when there is too much of it to be worth one. Raises duckdb.Error."""
    entity = shared.place.entity
    with transaction(con):
        if find_touched(con, entity, changed_entities(entity, shared.sources, shared.since)) > MOST_ENTITIES:
            return False
        rows = find_rows(con, shared.place, f"select {entity[-1]} from touched", "rows")
        if rows is None:
            return False
        con.execute(f"create or replace table {shared.table} as {rows}")
    return True


def put_away(con: duckdb.DuckDBPyConnection, shared: SharedEvents) -> None:
    """Remove the copy."""
    con.execute(f"drop table if exists {shared.table}")
