"""Shows what a refresh built to the readers of the lake: all changed rows of all marts in one transaction.

A reader sees the marts of one moment, never half a refresh. In the same transaction `trust.publications` remembers the
batch of the log that they show, and `trust.published_generations` which full build each table they were made from came
of: what has changed since that batch, or comes of another build, is what the next publication writes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import duckdb
import msgspec

from warehouse.build.model import PUBLISHED, Model, WrittenRows, written_table
from warehouse.build.touched_entities import find_touched, is_likely_touched, is_touched
from warehouse.errors import RefreshError
from warehouse.lake.duckdb_setting import setting
from warehouse.lake.transaction import roll_back
from warehouse.notes.log_counts import are_figures_sound, write_figures
from warehouse.notes.refresh_note import Publication, write_publication
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

ATTEMPTS: Final = 10
LOCK_SECONDS: Final = 600.0
OPTIMIZERS_OFF: Final = "disabled_optimizers"
# The marts that a home's figures are taken from.
FIGURED: Final = frozenset({"deliveries", "quarantined_events"})


class Published(msgspec.Struct, frozen=True):
    """What readers see: the last batch of the log in it, by which run of which project (a hash of its files)."""

    run_id: str
    batch: int
    project: str


def read_published(con: duckdb.DuckDBPyConnection) -> Published | None:
    """The last publication of the lake attached to a connection; None before the first."""
    row = con.execute("select run_id, batch, project from lake.trust.publications").fetchone()
    return None if row is None else Published(*row)


def publish(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    marts: Sequence[Model],
    published: Published,
    written: Mapping[str, WrittenRows] | None = None,
    rebuilt: str | None = None,
) -> Publication:
    """Bring the lake's marts to what dbt built, on a connection that has both databases attached.

    `written` are the marts whose rows of touched entities stand in tables of their own, as a run leaves them; `rebuilt`
    says why everything was built again, where it was.
    Raises RefreshError when a mart is not built yet, or another writer of a shared lake kept getting in between.
    """
    con.execute("set TimeZone = 'UTC'")
    # DuckLake would put the ids to be deleted into a statement to its catalog.
    with hold_lock(settings.write_lock, wait=LOCK_SECONDS), setting(con, OPTIMIZERS_OFF, "join_filter_pushdown"):
        rows = _retry(lambda: _Publishing(con, marts, published, written or {}).run())
    if rows.keys() & FIGURED or not are_figures_sound(settings):
        write_figures(con, settings, published.batch)
    return note_publication(settings, published, rows, rebuilt)


def note_publication(
    settings: Settings, published: Published, rows: dict[str, int], rebuilt: str | None = None
) -> Publication:
    """Leave a note in the home of what readers see as of now, and return it."""
    finished_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    publication = Publication(published.run_id, published.batch, rows, finished_at, rebuilt)
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


class _Publishing:
    """One attempt to publish, in one transaction."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        marts: Sequence[Model],
        published: Published,
        written: Mapping[str, WrittenRows],
    ) -> None:
        self._con = con
        self._marts = marts
        self._published = published
        self._written = written
        self._before: Published | None = None
        self._shown: dict[str, str] = {}
        self._built: dict[str, str] = {}
        self._columns: dict[tuple[str, str, str], list[tuple[str, str]]] = {}

    def run(self) -> dict[str, int]:
        """Write what changed; the rows written by mart."""
        self._con.execute("begin")
        try:
            self._look()
            rows = {mart.name: written for mart in self._marts if (written := self._publish(mart)) is not None}
            if not rows and self._is_known():
                self._con.execute("rollback")
                return {}
            self._remember()
            details = {"run_id": self._published.run_id, "batch": self._published.batch, "rows": rows}
            self._con.execute(
                "call lake.set_commit_message('warehouse', ?, extra_info => ?)",
                [f"refresh {self._published.run_id}", json.dumps(details, sort_keys=True)],
            )
            self._con.execute("commit")
            return rows
        except BaseException:
            roll_back(self._con)
            raise

    def _look(self) -> None:
        """Read, for all marts at once, what is built and what readers see."""
        self._before = read_published(self._con)
        self._shown = dict(self._con.execute("from lake.trust.published_generations").fetchall())
        self._built = dict(self._con.execute("select model, generation from build.main.generations").fetchall())
        columns: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
        for *table, name, kind in self._con.execute(
            """
            select database_name, schema_name, table_name, column_name, data_type
            from duckdb_columns()
            where database_name in ('build', 'lake') and schema_name in (select unnest(?::varchar[]))
            order by database_name, schema_name, table_name, column_index
            """,
            [sorted(PUBLISHED)],
        ).fetchall():
            columns.setdefault((table[0], table[1], table[2]), []).append((name, kind))
        self._columns = columns

    def _publish(self, mart: Model) -> int | None:
        """Publish what changed in one mart; None when nothing had."""
        if mart.name not in self._built:
            raise RefreshError("it is not built yet.", "`warehouse refresh`, which builds all marts", where=mart.name)
        target = f"lake.{mart.schema}.{mart.name}"
        columns = self._columns.get(("lake", mart.schema, mart.name))
        is_whole = self._shown.get(mart.name) != self._built[mart.name]
        if columns != self._columns[("build", mart.schema, mart.name)] or is_whole:
            # Without a look at the old one, whose files may be damaged.
            self._con.execute(f"drop table if exists {target}")
            self._con.execute(f"create table {target} as from {mart.relation}")
            return _only(self._con, f"select count(*) from {target}")
        if not mart.entity:
            return self._publish_difference(mart, target)
        return self._publish_touched(mart, target)

    def _publish_difference(self, mart: Model, target: str) -> int | None:
        """A mart that is built whole each time: only the rows that differ are written."""
        names = [name for name, _ in self._columns[("lake", mart.schema, mart.name)]]
        self._con.execute(f"""
            create or replace temp table difference as
            select {", ".join(names)}, sum(copies) as copies
            from (select *, 1 as copies from {mart.relation} union all select *, -1 as copies from {target})
            group by all
            having sum(copies) != 0
        """)
        counts = "select count(*) filter (copies < 0), count(*) filter (copies > 0) from difference"
        ((deleted, inserted),) = self._con.execute(counts).fetchall()
        if deleted:
            same = " and ".join(f"{target}.{name} is not distinct from difference.{name}" for name in names)
            self._con.execute(f"delete from {target} using difference where copies < 0 and {same}")
        if inserted:
            self._con.execute(f"insert into {target} select * exclude (copies) from difference where copies > 0")
        return int(deleted + inserted) or None

    def _publish_touched(self, mart: Model, target: str) -> int | None:
        """Replace the rows of the entities that changed in a source since the last publication."""
        seen = {source: self._seen(source) for source in mart.sources}
        written = self._written.get(mart.name)
        if written is not None and written.since <= min(seen.values()):
            return self._publish_written(mart, target, written)
        if not find_touched(self._con, mart.entity, mart.touched_entities(seen)):
            return None
        deleted = _only(self._con, f"delete from {target} where {is_touched(mart.entity, mart.entity)}")
        touched = f"{is_likely_touched(mart.entity)} and {is_touched(mart.entity, mart.entity)}"
        inserted = _only(self._con, f"insert into {target} from {mart.relation} where {touched}")
        return inserted if deleted or inserted else None

    def _publish_written(self, mart: Model, target: str, written: WrittenRows) -> int | None:
        """Show what this run has put into a mart; of entities that had no rows before it, there are none to delete."""
        if written.deleted:
            entity = ", ".join(mart.entity)
            self._con.execute(f"delete from {target} where ({entity}) in ({mart.touched_entities(written.since)})")
        inserted = _only(self._con, f"insert into {target} by name from {written_table(mart.name)}")
        return inserted if written.deleted or inserted else None

    def _seen(self, source: str) -> int:
        """The batch of a source that readers see; none of a source that was built anew since."""
        if self._before is None or self._shown.get(source) != self._built.get(source):
            return -1
        return self._before.batch

    def _is_known(self) -> bool:
        """Whether the lake already says everything that this publication would say of itself."""
        before, now = self._before, self._published
        same = before is not None and (before.batch, before.project) == (now.batch, now.project)
        return same and self._shown == self._built

    def _remember(self) -> None:
        if self._before != self._published:
            self._con.execute("delete from lake.trust.publications")
            self._con.execute(
                "insert into lake.trust.publications values (?, ?, ?)", list(msgspec.structs.astuple(self._published))
            )
        if self._shown != self._built:
            self._con.execute("delete from lake.trust.published_generations")
            self._con.execute(
                "insert into lake.trust.published_generations select model, generation from build.main.generations"
            )


def _only(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])
