"""The entities that a refresh recomputes, and their rows in the tables of the build database.

They are as good as never all over a large table: an order's events came within days, an hour's deliveries together.
DuckDB leaves out the row groups that a range of row numbers does not meet, but looks into each for a list of ids.
"""

import re
from collections.abc import Mapping
from typing import Final

import duckdb
import msgspec

from warehouse.build.names import OF_VIEWS

TOUCHED_BITS: Final = 2**22
# A table's rows are read in so many ranges at most: what lies between two that are near each other is read with them.
MOST_RANGES: Final = 32
# Of more rows a list of their numbers costs more than it saves.
MOST_ROWS: Final = 100_000
# DuckDB reads a column by so many rows.
VECTOR_ROWS: Final = 2048
# Of more entities than these the rows lie everywhere, and a copy of them costs more than it saves.
MOST_ENTITIES: Final = 50_000


class EntityColumns(msgspec.Struct, frozen=True):
    """Where rows of touched entities are: a relation, and its columns of the entity."""

    relation: str
    entity: tuple[str, ...]


def find_views(sql: str, entity: tuple[str, ...], parents: Mapping[str, str]) -> dict[str, EntityColumns]:
    """The views through which a compiled model reads rows of touched entities, as the macro `touched_rows` names them:
    by the table, and its columns of the entity without the tenant. `parents` are the relations of tables by name."""
    if not parents:
        return {}
    named = re.compile(rf"\b({'|'.join(map(re.escape, parents))}){OF_VIEWS}(\w+)\b")
    first = entity[:1] if entity[:1] == ("tenant",) else ()
    return {
        found[0]: EntityColumns(parents[found[1]], (*first, *found[2].split(OF_VIEWS))) for found in named.finditer(sql)
    }


def changed_entities(entity: tuple[str, ...], sources: Mapping[str, str], batch: int | dict[str, int]) -> str:
    """A query of the entities with a row that changed in one of these relations after that batch, or its own."""
    columns = ", ".join(entity)
    parts = [
        f"select {columns} from {relation} where changed_batch > {batch[source] if isinstance(batch, dict) else batch}"
        for source, relation in sources.items()
    ]
    return " union ".join(parts)


def moved_entities(entity: tuple[str, ...], rows: str, zones: str, location: str, channel: str | None) -> str:
    """A relation of the entities of whose rows the time zone changed, with `changed_batch`: the batch in which it did.

    `rows` is the relation that says where an entity is, in its columns `location` and `channel`; `zones` has a row for
    each location, channel and retailer of which the zone is known.
    """
    columns = ", ".join(f"rows.{column}" for column in entity)
    channels = f" or (zones.place = 'channel' and zones.place_id = rows.{channel})" if channel else ""
    return (
        f"(select {columns}, zones.changed_batch from {rows} as rows inner join {zones} as zones "
        f"on rows.tenant = zones.tenant and (zones.place = 'retailer' "
        f"or (zones.place = 'location' and zones.place_id = rows.{location}){channels}))"
    )


def find_touched(
    con: duckdb.DuckDBPyConnection, columns: tuple[str, ...], entities: str, table: str = "touched"
) -> int:
    """Put those entities into a temporary table, and the hashes of their last columns into the variable `touched`, a
    bit each; how many they are."""
    con.execute(f"create or replace temp table {table} as {entities}")
    con.execute(
        f"set variable touched = (select bitstring_agg((hash({columns[-1]}) % {TOUCHED_BITS})::integer, "
        f"0, {TOUCHED_BITS - 1}) from {table})"
    )
    ((count,),) = con.execute(f"select count(*) from {table}").fetchall()
    return int(count)


def is_touched(columns: tuple[str, ...], entity: tuple[str, ...], table: str = "touched") -> str:
    """The condition that these columns name an entity that `find_touched` found and put into the table."""
    return f"({', '.join(columns)}) in (select {', '.join(entity)} from {table})"


def is_likely_touched(columns: tuple[str, ...]) -> str:
    """What to ask before it where more columns are read. The bit costs no more than the column it is asked of, and
    DuckDB asks it before it reads any other: of the payloads of a large table only those near such rows are read."""
    return f"get_bit(getvariable('touched'), (hash({columns[-1]}) % {TOUCHED_BITS})::integer) = 1"


def find_rows(con: duckdb.DuckDBPyConnection, place: EntityColumns, ids: str, rows: str) -> str | None:
    """A query of all rows of a place whose id, its last column, is in the query `ids`; good in the open transaction.
    None where these are more than MOST_ROWS, such as an hour of deliveries under load: reading all costs less.

    The column of the ids is read here, into the temporary table `rows`, and by the query what it wants of those rows.
    """
    con.execute(
        f"create or replace temp table {rows} as select rowid as number from {place.relation} "
        f"where {place.entity[-1]} in ({ids})"
    )
    ((count,),) = con.execute(f"select count(*) from {rows}").fetchall()
    if count > MOST_ROWS:
        return None
    ranges = " or ".join(f"rowid between {first} and {last}" for first, last in _ranges(con, rows)) or "false"
    return f"from {place.relation} where ({ranges}) and rowid in (select number from {rows})"


def _ranges(con: duckdb.DuckDBPyConnection, rows: str) -> list[tuple[int, int]]:
    """The first and the last of the row numbers that are near each other: the widest gaps part them."""
    ((first, last),) = con.execute(f"select min(number), max(number) from {rows}").fetchall()
    if first is None:
        return []
    gaps = con.execute(
        f"""
        select before, number
        from (select number, lag(number) over (order by number) as before from {rows})
        where number - before > {VECTOR_ROWS}
        order by number - before desc
        limit {MOST_RANGES - 1}
        """
    ).fetchall()
    ends, starts = sorted(before for before, _ in gaps), sorted(number for _, number in gaps)
    return list(zip([first, *starts], [*ends, last], strict=True))
