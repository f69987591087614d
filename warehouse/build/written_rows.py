"""What a run has put into the tables of models, kept until the run is published.

A model recomputes whole entities, so its rows of those are the rows that whoever reads the table after it in this run
wants of the same entities. They are taken from here, without a look through the table, however large that is.
"""

from collections.abc import Mapping
from typing import Final

import duckdb
import msgspec

from warehouse.build.touched_entities import EntityColumns, find_rows

# More rows than these are kept of marts alone, which publish them.
MOST_KEPT_ROWS: Final = 50_000


class WrittenRows(msgspec.Struct, frozen=True):
    """What a run has put into the table at `place`: the rows of the entities that have changed since a batch, in the
    place of so many `deleted` ones."""

    place: EntityColumns
    since: int
    deleted: int

    @property
    def rows(self) -> str:
        """The table of these rows."""
        return f"run.main.written_{self._name}"

    @property
    def entities(self) -> str:
        """The table of these entities, those of which nothing is left with them."""
        return f"run.main.touched_{self._name}"

    @property
    def _name(self) -> str:
        return self.place.relation.rpartition(".")[2]

    def keep(self, con: duckdb.DuckDBPyConnection, rows: str, touched: str) -> None:
        """Copy these rows, with the types of their table, and these entities."""
        con.execute(f"create or replace table {self.rows} as from {self.place.relation} limit 0")
        con.execute(f"insert into {self.rows} by name from {rows}")
        con.execute(f"create or replace table {self.entities} as from {touched}")


def rows_after(
    con: duckdb.DuckDBPyConnection, written: WrittenRows, entity: tuple[str, ...], touched: str, rest: str
) -> str:
    """A query of all rows of the written table that are of an entity in the table `touched`, and maybe others.

    `entity` are its columns there. Entities that the run has not written are looked for in the written table itself, by
    way of the temporary table `rest`.
    """
    place = written.place
    con.execute(
        f"create or replace temp table {rest} as select {', '.join(entity)} from {touched} "
        f"except select {', '.join(place.entity)} from {written.entities}"
    )
    ((count,),) = con.execute(f"select count(*) from {rest}").fetchall()
    if not count:
        return f"from {written.rows}"
    others = find_rows(con, place, f"select {entity[-1]} from {rest}", f"{rest}_rows") or f"from {place.relation}"
    is_rest = f"({', '.join(place.entity)}) in (from {rest})"
    return f"from {written.rows} union all by name select * from ({others}) where {is_rest}"


def forget_written(con: duckdb.DuckDBPyConnection, written: Mapping[str, WrittenRows]) -> None:
    """Drop all that a run has kept."""
    for each in written.values():
        con.execute(f"drop table if exists {each.rows}")
        con.execute(f"drop table if exists {each.entities}")
