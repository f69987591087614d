"""What the build database was built from: the models of which project, and which log, up to which batch.

The number of a batch alone does not tell: a lake that was put back to an earlier state gives numbers a second time, and
a build database may have come from another home. What cannot be proven to be a beginning of this log is built again.
"""

import duckdb
import msgspec

from warehouse.build.session import LogPosition
from warehouse.lake.transaction import transaction
from warehouse.publish.publisher import Published


class Origin(msgspec.Struct, frozen=True):
    """No table of the build database holds anything beyond this batch, with this id, as the run saw it in its log."""

    batch: int
    id: str
    project: str
    run_id: str


def reason_to_rebuild(con: duckdb.DuckDBPyConnection, shown: Published | None, project: str | None) -> str | None:
    """Why nothing that is built can be gone on from; None when it can, or nothing is built.

    `shown` is the last publication of the lake attached to `con`, `project` the one that is to be built, where it has
    to be the same.
    """
    try:
        is_built = con.execute("select columns from build.main.generations limit 1").fetchall()
        origin = read_origin(con)
    except (duckdb.BinderException, duckdb.CatalogException):
        return "the build database was made by another version"
    if not is_built:
        return None
    if origin is None:
        return "the build database does not say what it was built from"
    if not _is_of_this_log(con, origin, shown):
        return "the build database comes from another lake, or from a later state of this one"
    if project is not None and origin.project != project:
        return "the models have changed"
    return None


def read_origin(con: duckdb.DuckDBPyConnection) -> Origin | None:
    """What the attached build database says of itself; None before the first run."""
    row = con.execute("select batch, id, project, run_id from build.main.origin").fetchone()
    return None if row is None else Origin(*row)


def note_origin(con: duckdb.DuckDBPyConnection, position: LogPosition, project: str, run_id: str) -> None:
    """Say what the build database will hold, before it does."""
    with transaction(con):
        con.execute("delete from build.main.origin")
        con.execute("insert into build.main.origin values (?, ?, ?, ?)", [position.batch, position.id, project, run_id])


def reshaped_tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The models whose tables have other columns than they were made with, or are gone."""
    columns: dict[str, list[str]] = {}
    for table, name, kind in con.execute(
        "select table_name, column_name, data_type from duckdb_columns() where database_name = 'build' "
        "order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append(f"{name} {kind}")
    made = con.execute("select model, columns from build.main.generations order by model").fetchall()
    return [model for model, then in made if ", ".join(columns.get(model, [])) != then]


def _is_of_this_log(con: duckdb.DuckDBPyConnection, origin: Origin, shown: Published | None) -> bool:
    # A run publishes after it has read the log: a lake that shows it has all that it read. The table need not be asked.
    if shown is not None and (shown.run_id, shown.batch) == (origin.run_id, origin.batch):
        return True
    known = con.execute("select 1 from lake.log.batches where batch = ? and id = ?", [origin.batch, origin.id])
    return bool(known.fetchall())
