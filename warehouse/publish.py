"""Shows what a refresh built to the readers of the lake: all changed rows of all marts in one transaction.

A reader sees the marts of one moment, never half a refresh; a run that changed nothing leaves no trace.
`trust.publications` remembers, in the same transaction, what each mart was made from: the generation of the mart's own
table (a full refresh makes a new one) and of each source, and the last batch of the log in that source.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import duckdb
import msgspec

from warehouse.errors import RefreshError
from warehouse.figures import write_figures
from warehouse.lock import hold_lock
from warehouse.publication import Publication, write_publication
from warehouse.settings import Settings

ATTEMPTS: Final = 10
LOCK_SECONDS: Final = 600.0
# The marts that a home's figures are taken from.
FIGURED: Final = frozenset({"deliveries", "quarantined_events"})


class Mart(msgspec.Struct, frozen=True):
    """A table to publish: where dbt built it, whose rows change together (`entity`), and what it is made from."""

    name: str
    schema: str
    relation: str
    entity: tuple[str, ...]
    sources: tuple[str, ...]


def publish(con: duckdb.DuckDBPyConnection, settings: Settings, marts: Sequence[Mart], run_id: str) -> Publication:
    """Bring the lake's marts to what dbt built, on a connection that has both databases attached.

    Raises RefreshError when another writer of a shared lake kept getting in between.
    """
    con.execute("set TimeZone = 'UTC'")
    with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
        rows = _retry(lambda: _publish_once(con, marts, run_id))
    finished_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    publication = Publication(run_id, _only(con, "select batch from run.main.position"), rows, finished_at)
    if rows.keys() & FIGURED:
        write_figures(con, settings, publication.batch)
    write_publication(settings, publication)
    return publication


def _retry(attempt: Callable[[], dict[str, int]]) -> dict[str, int]:
    # Hosts that share a lake do not share a lock: the catalog refuses one of two commits that met.
    for tried in range(ATTEMPTS):
        try:
            return attempt()
        except duckdb.TransactionException:
            if tried == ATTEMPTS - 1:
                raise
            time.sleep(0.1 * 2**tried)
    raise AssertionError("unreachable")


def _publish_once(con: duckdb.DuckDBPyConnection, marts: Sequence[Mart], run_id: str) -> dict[str, int]:
    con.execute("begin")
    try:
        rows = {mart.name: written for mart in marts if (written := _publish_mart(con, mart)) is not None}
        if not rows:
            con.execute("rollback")
            return {}
        batch = _only(con, "select batch from run.main.position")
        details = json.dumps({"run_id": run_id, "batch": batch, "rows": rows}, sort_keys=True)
        con.execute("call lake.set_commit_message('warehouse', ?, extra_info => ?)", [f"refresh {run_id}", details])
        con.execute("commit")
        return rows
    except BaseException:
        _roll_back(con)
        raise


def _publish_mart(con: duckdb.DuckDBPyConnection, mart: Mart) -> int | None:
    """Publish what changed in one mart and remember up to where; None when nothing had."""
    built = con.execute("select generation from build.main.generations where model = ?", [mart.name]).fetchone()
    if built is None:
        raise RefreshError(f"{mart.name}: it is not built yet.", "`warehouse refresh`, which builds all marts")
    target = f"lake.{mart.schema}.{mart.name}"
    if not _same_columns(con, mart, target):
        con.execute(f"drop table if exists {target}")
        con.execute(f"create table {target} as from {mart.relation}")
        written = _only(con, f"select count(*) from {target}")
    elif not mart.entity:
        return _publish_difference(con, mart, target)
    elif _published(con, mart) != built[0]:
        con.execute(f"delete from {target}")
        written = _insert(con, target, f"from {mart.relation}")
    else:
        touched = _touched_entities(con, mart)
        if touched is None:
            return None
        entity = ", ".join(mart.entity)
        con.execute(f"delete from {target} where ({entity}) in ({touched})")
        written = _insert(con, target, f"from {mart.relation} where ({entity}) in ({touched})")
    _remember(con, mart, built[0])
    return written


def _publish_difference(con: duckdb.DuckDBPyConnection, mart: Mart, target: str) -> int | None:
    """A mart that is built whole each time: only the rows that differ are written."""
    con.execute(f"create or replace temp table gone as from {target} except from {mart.relation}")
    con.execute(f"create or replace temp table come as from {mart.relation} except from {target}")
    gone, come = _only(con, "select count(*) from gone"), _only(con, "select count(*) from come")
    if gone:
        same = " and ".join(f"{target}.{name} is not distinct from gone.{name}" for name, _ in _columns(con, target))
        con.execute(f"delete from {target} using gone where {same}")
    if come:
        _insert(con, target, "from come")
    return gone + come or None


def _touched_entities(con: duckdb.DuckDBPyConnection, mart: Mart) -> str | None:
    """A query of the entities that changed in a source since `mart` was last published; None when there is none."""
    parts = [
        f"select {', '.join(mart.entity)} from {relation} where changed_batch > {batch}"
        for relation, batch in _positions(con, mart)
    ]
    query = " union ".join(parts)
    return query if con.execute(f"select 1 from ({query}) limit 1").fetchone() else None


def _positions(con: duckdb.DuckDBPyConnection, mart: Mart) -> list[tuple[str, int]]:
    return con.execute(
        """
        select
            'build.' || tables.schema_name || '.' || source.model,
            coalesce(published.batch, -1)
        from build.main.generations as source
        left join lake.trust.publications as published
            on
                published.model = ?
                and published.source = source.model
                and published.source_generation = source.generation
        inner join duckdb_tables() as tables on tables.database_name = 'build' and tables.table_name = source.model
        where source.model in (select unnest(?))
        order by source.model
        """,
        [mart.name, list(mart.sources)],
    ).fetchall()


def _published(con: duckdb.DuckDBPyConnection, mart: Mart) -> str | None:
    row = con.execute(
        "select any_value(generation) from lake.trust.publications where model = ?", [mart.name]
    ).fetchone()
    return None if row is None else row[0]


def _same_columns(con: duckdb.DuckDBPyConnection, mart: Mart, target: str) -> bool:
    exists = con.execute(
        "select 1 from duckdb_tables() where database_name = 'lake' and schema_name = ? and table_name = ?",
        [mart.schema, mart.name],
    ).fetchone()
    return exists is not None and _columns(con, mart.relation) == _columns(con, target)


def _columns(con: duckdb.DuckDBPyConnection, relation: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.execute(f"describe {relation}").fetchall()]


def _insert(con: duckdb.DuckDBPyConnection, target: str, query: str) -> int:
    return _only(con, f"insert into {target} {query}")


def _remember(con: duckdb.DuckDBPyConnection, mart: Mart, generation: str) -> None:
    con.execute("delete from lake.trust.publications where model = ?", [mart.name])
    con.execute(
        """
        insert into lake.trust.publications
        select ?, ?, model, generation, batch from build.main.generations where model in (select unnest(?))
        """,
        [mart.name, generation, list(mart.sources)],
    )


def _only(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    try:
        con.execute("rollback")
    except duckdb.TransactionException:
        # The failed commit has already ended the transaction.
        return
