"""A model of the dbt project as a refresh runs it: the whole table anew, or the rows of what was touched.

One transaction holds the rows of a model and its place in the log, `build.main.generations`; whatever dies when, the
place is true of the rows.
"""

from collections.abc import Mapping
from typing import Final, Literal

import duckdb
import msgspec

from warehouse.build.names import LOG, LOG_VIEW, OF_VIEWS, STAGING, ZONES
from warehouse.build.new_deliveries import COPY
from warehouse.build.touched_entities import (
    MOST_ENTITIES,
    EntityColumns,
    changed_entities,
    find_rows,
    find_touched,
    find_views,
    is_likely_touched,
    is_touched,
    moved_entities,
)
from warehouse.lake.transaction import transaction

# The batch after which everything in a table came.
EVERYTHING: Final = -1
# A build that ran out of memory is tried again in so many times as many slices, up to this number.
MORE_SLICES: Final = 8
MOST_SLICES: Final = 64

# Models that read the log take up so many deliveries at once: however long the log is, what they keep in memory is not.
PORTION_DELIVERIES: Final = 1_000_000
# A table of no more rows than DuckDB keeps in one group is read faster than looked through before.
LARGE_TABLE_ROWS: Final = 122_880

# The schemas of what readers see.
PUBLISHED: Final = frozenset({"marts", "trust"})

Strategy = Literal["whole", "by_entity", "by_key", "append"]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model: the SQL of its table and, unless its strategy is `whole`, of the rows that a run touches.

    That SQL reads the rows of touched entities through `views`. `columns` are the names and types of its contract,
    where it has one, `reads_log` says whether it is made from the log rather than from other models alone. `entity` are
    the columns whose rows are recomputed together and `sources` the relations, by model, whose `changed_batch` says
    which; `key` names a row for the strategy `by_key`.
    """

    name: str
    schema: str
    strategy: Strategy
    whole: str
    touched: str = ""
    reads_log: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    entity: tuple[str, ...] = ()
    sources: dict[str, str] = {}
    views: dict[str, EntityColumns] = {}
    key: tuple[str, ...] = ()

    @property
    def relation(self) -> str:
        """The model's table in the build database."""
        return f"build.{self.schema}.{self.name}"

    @property
    def touched_table(self) -> str:
        """Where the entities that a run recomputes are, for as long as it does."""
        return f"{self.name}{OF_VIEWS}touched"

    def with_names(self, parents: Mapping[str, str], zones: Mapping[str, str]) -> "Model":
        """This model with the views that its SQL names and, where its rows have a business day, with the time zones
        among its sources: `zones` has the columns of their location and channel, and the model whose `rows` have them.

        `parents` are the relations, by name, of the models it reads.
        """
        sources = dict(self.sources)
        if zones:
            rows = parents[zones["rows"]] if "rows" in zones else self.relation
            sources[ZONES] = moved_entities(
                self.entity, rows, f"build.{STAGING}.{ZONES}", zones["location"], zones.get("channel")
            )
        return msgspec.structs.replace(self, views=find_views(self.touched, self.entity, parents), sources=sources)

    def touched_entities(self, batch: int | dict[str, int]) -> str:
        """A query of the entities with a row that changed in a source after that batch, or the source's own."""
        return changed_entities(self.entity, self.sources, batch)


class WrittenRows(msgspec.Struct, frozen=True):
    """What a run has put into a mart: the rows of the entities that have changed since a batch, which stand in a table
    `written_table` of their own as well, in the place of so many `deleted` ones."""

    since: int
    deleted: int


class Run(msgspec.Struct, frozen=True):
    """What all models of one run share: its id, the batch of the log up to which it reads, and which tables hold the
    rows of touched entities of others.

    All deliveries after the batch `arrived_after`, where there is one, stand in a copy as well. `written` is filled
    with the marts of which the touched rows need not be looked for when they are published.
    """

    run_id: str
    position: int
    shared: Mapping[EntityColumns, str] = {}
    arrived_after: int | None = None
    written: dict[str, WrittenRows] | None = None


def build_model(con: duckdb.DuckDBPyConnection, model: Model, run: Run, *, full: bool = False, slices: int = 1) -> None:
    """Bring a model's table to the run's position in a transaction of its own. Raises duckdb.Error.

    What does not fit into memory, nor can be left to the disk, is made of so many slices of the entities; of more, when
    those do not fit either. A model that reads the log takes up one batch at a time instead.
    """
    try:
        _build(con, model, run, full, slices)
    except duckdb.OutOfMemoryException:
        most = MOST_SLICES if model.strategy == "by_entity" else MORE_SLICES if model.reads_log else 1
        # dbt hands over one of the two queries only.
        if model.strategy == "whole" or model.whole == model.touched or slices >= most:
            raise
        build_model(con, model, run, full=full, slices=slices * MORE_SLICES)


def _build(con: duckdb.DuckDBPyConnection, model: Model, run: Run, full: bool, slices: int) -> None:
    deleted = list[int]()
    with transaction(con):
        rows = con.execute("select batch from build.main.generations where model = ?", [model.name]).fetchall()
        if not rows or full:
            _build_whole(con, model, run, slices)
            con.execute("delete from build.main.generations where model = ?", [model.name])
            con.execute(
                f"insert into build.main.generations select ?, ?, {_reached(model, run)}, ?",
                [model.name, run.run_id, _columns(con, model.relation)],
            )
        else:
            if model.strategy == "whole":
                _build_whole(con, model, run)
            else:
                deleted = _build_touched(con, model, run, int(rows[0][0]), slices)
            con.execute(
                f"update build.main.generations set batch = {_reached(model, run)} where model = ?", [model.name]
            )
    if len(deleted) == 1 and run.written is not None and model.strategy == "by_entity" and model.schema in PUBLISHED:
        con.execute(f"create or replace table {written_table(model.name)} as from new_rows")
        run.written[model.name] = WrittenRows(int(rows[0][0]), deleted[0])


def written_table(mart: str) -> str:
    """Where a run keeps the rows of touched entities that it has put into a mart, until they are published."""
    return f"run.main.written_{mart}"


def forget_written(con: duckdb.DuckDBPyConnection, run: Run) -> None:
    """Drop all that a run has kept for publishing."""
    for mart in run.written or {}:
        con.execute(f"drop table if exists {written_table(mart)}")


def is_built(con: duckdb.DuckDBPyConnection, model: Model) -> bool:
    """Whether a model has a table."""
    return bool(con.execute("select 1 from build.main.generations where model = ?", [model.name]).fetchall())


def set_range(con: duckdb.DuckDBPyConnection, built: int, position: int) -> None:
    """Tell the compiled SQL that this connection runs which batches are new: those after `built`, up to `position`.

    DuckDB puts a variable in before it plans, so the lake leaves out the files of the log that hold nothing new.
    """
    con.execute(f"set variable built = {built}::bigint")
    con.execute(f"set variable position = {position}::bigint")


def _build_whole(con: duckdb.DuckDBPyConnection, model: Model, run: Run, slices: int = 1) -> None:
    set_range(con, 0, run.position)
    sql = model.whole
    con.execute(f"drop table if exists {model.relation}")
    if model.columns:
        columns = ", ".join(f"{name} {kind}" for name, kind in model.columns)
        con.execute(f"create table {model.relation} ({columns})")
    else:
        con.execute(f"create table {model.relation} as from ({sql}) limit 0")
    if slices > 1 or len(_portions(con, model, run, EVERYTHING, slices)) > 1:
        _build_touched(con, model, msgspec.structs.replace(run, shared={}), EVERYTHING, slices)
    else:
        con.execute(f"insert into {model.relation} by name {sql}")


def _build_touched(con: duckdb.DuckDBPyConnection, model: Model, run: Run, built: int, slices: int = 1) -> list[int]:
    """Recompute what has changed since that batch; how many rows each step has replaced, no step when nothing has."""
    deleted = list[int]()
    if model.strategy != "by_entity":
        for position in _portions(con, model, run, built, slices):
            deleted.append(_replace(con, model, msgspec.structs.replace(run, position=position), built))
            built = position
        return deleted
    for number in range(slices):
        entities = f"from ({model.touched_entities(built)}) where hash({model.entity[-1]}) % {slices} = {number}"
        count = find_touched(con, model.entity, entities, model.touched_table)
        if count:
            _show_touched(con, model, run, is_many=count > MOST_ENTITIES)
            deleted.append(_replace(con, model, run, built))
    return deleted


def _portions(con: duckdb.DuckDBPyConnection, model: Model, run: Run, built: int, slices: int = 1) -> list[int]:
    """The batches up to which a model reads the log, one after the other, from its place to the run's.

    One step for a model that does not read it, and in dbt's own runs, which hand over one of the two queries only; one
    for each batch where more at once did not fit into memory.
    """
    is_one_step = not model.reads_log or model.strategy in ("whole", "by_entity") or model.whole == model.touched
    if is_one_step or run.position <= built + 1 or (slices == 1 and _is_copied(run, built)):
        return [run.position]
    batches = con.execute(
        "select batch, count(*) from lake.log.events where batch > ? and batch <= ? group by batch order by batch",
        [built, run.position],
    ).fetchall()
    ends, deliveries = list[int](), 0
    for batch, count in batches:
        deliveries += count
        if deliveries >= PORTION_DELIVERIES or slices > 1:
            ends.append(int(batch))
            deliveries = 0
    return [*(end for end in ends if end != run.position), run.position]


def _replace(con: duckdb.DuckDBPyConnection, model: Model, run: Run, built: int) -> int:
    """Put the rows of what is touched in the place of those that are there, and say how many those were."""
    set_range(con, built, run.position)
    if model.reads_log:
        con.execute(f"create or replace temp view {LOG_VIEW} as from {COPY if _is_copied(run, built) else LOG}")
    con.execute(f"create or replace temp table new_rows as {model.touched}")
    _check_columns(con, model)
    # Whole entities are rewritten, also those of which nothing is left: deleting by the new rows would keep those.
    deleted = 0
    if model.strategy == "by_entity":
        deleted = _delete(con, model, model.entity, model.touched_table)
    elif model.strategy == "by_key":
        deleted = _delete(con, model, model.key, "new_rows")
    con.execute(f"insert into {model.relation} by name from new_rows")
    return deleted


def _is_copied(run: Run, built: int) -> bool:
    """Whether all that came into the log after that batch stands in the run's copy."""
    return run.arrived_after is not None and run.arrived_after <= built


def _show_touched(con: duckdb.DuckDBPyConnection, model: Model, run: Run, is_many: bool) -> None:
    """Give the model views of its sources' rows of touched entities: out of the copies that the run has of such rows,
    else, where the table is large and the entities are not many, by the numbers of these rows, else by a scan."""
    for number, (view, place) in enumerate(model.views.items()):
        rows = f"from {run.shared.get(place, place.relation)}"
        if place not in run.shared and not is_many:
            ((count,),) = con.execute(f"select count(*) from {place.relation}").fetchall()
            if count > LARGE_TABLE_ROWS:
                ids = f"select {model.entity[-1]} from {model.touched_table}"
                rows = find_rows(con, place, ids, f"rows_{number}") or rows
        touched = is_touched(place.entity, model.entity, model.touched_table)
        con.execute(
            f"create or replace temp view {view} as select * from ({rows}) "
            f"where {is_likely_touched(place.entity)} and {touched}"
        )


def _delete(con: duckdb.DuckDBPyConnection, model: Model, columns: tuple[str, ...], table: str) -> int:
    names = ", ".join(columns)
    query = f"delete from {model.relation} where ({names}) in (select {names} from {table})"
    ((deleted,),) = con.execute(query).fetchall()
    return int(deleted)


def _check_columns(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Stop when the model's columns are not those of its table any more: it has to be built anew, from the log."""
    of_table, of_model = (
        {row[0] for row in con.execute(f"select * from {table} limit 0").description or []}
        for table in (model.relation, "new_rows")
    )
    if of_table != of_model:
        raise duckdb.BinderException(
            f"its columns are not those of its table ({', '.join(sorted(of_table ^ of_model))})"
        )


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """Names and types of a table's columns."""
    return ", ".join(f"{column[0]} {column[1]}" for column in con.execute(f"describe {relation}").fetchall())


def _reached(model: Model, run: Run) -> str:
    """SQL of a model's place: as far as the sources it is made from, which a run of it alone does not bring along."""
    if not model.sources:
        return str(run.position)
    names = ", ".join(f"'{source}'" for source in model.sources)
    return f"(select min(batch) from build.main.generations where model in ({names}))"
