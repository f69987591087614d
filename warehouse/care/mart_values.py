"""Compares what readers see of each mart with what was built, by value.

The digests of files prove nothing of the rows of small changes, which are in the catalog itself, where SQLite checks
the structure and not the values. So each mart's rows are counted and hashed in the lake and in the build database. They
have to be equal when the last run that built anything is the one that was published last.
"""

from collections.abc import Container, Iterator
from typing import Final

import duckdb
import msgspec

from warehouse.build.model import PUBLISHED
from warehouse.build.scheduler import reason_of
from warehouse.care.defect import Defect
from warehouse.errors import LakeError, WarehouseError
from warehouse.lake.connection import data_path, open_lake
from warehouse.publish.origin import read_origin
from warehouse.publish.publisher import read_published
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

# A refresh that is at work gets so long to end.
LOCK_SECONDS: Final = 60.0
# Tables that are in both databases, of the same full build; others the next refresh writes anew.
COMPARABLE: Final = """
select shown.schema_name, shown.table_name
from duckdb_tables() as shown
inner join duckdb_tables() as built
    on built.database_name = 'build' and (built.schema_name, built.table_name) = (shown.schema_name, shown.table_name)
inner join build.main.generations as made on made.model = shown.table_name
inner join lake.trust.published_generations as known
    on (known.model, known.generation) = (made.model, made.generation)
where shown.database_name = 'lake' and shown.schema_name in (select unnest(?::varchar[]))
order by all
"""
# In no order, and equal rows count each.
ROWS: Final = "select count(*), coalesce(sum(hash(mart)::hugeint), 0) from {} as mart"


class Compared(msgspec.Struct, frozen=True):
    """How many marts were compared, and what differs; `unread` says why none could be."""

    marts: int
    findings: tuple[Defect, ...]
    unread: str | None = None


def compare_marts(settings: Settings, damaged: Container[str | None] = ()) -> Compared:
    """Compare all marts but those that are known as `damaged`, such as `marts.fct_orders`.

    Takes about as long as reading all marts twice; a refresh that begins meanwhile waits for the end of it.
    """
    if not settings.build_path.is_file():
        return Compared(0, (), "nothing is built")
    try:
        with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS), open_lake(settings, read_only=True) as con:
            _attach_build(con, settings)
            if not _is_what_was_built(con):
                return Compared(0, (), "what is built is not what was published last; the next refresh with news is")
            marts = [f"{schema}.{table}" for schema, table in con.execute(COMPARABLE, [sorted(PUBLISHED)]).fetchall()]
            marts = [mart for mart in marts if mart not in damaged]
            return Compared(len(marts), tuple(_differences(con, settings, marts)))
    except WarehouseError as error:
        return Compared(0, (), error.message)
    except duckdb.Error as error:
        return Compared(0, (), reason_of(error))
    except OSError as error:
        return Compared(0, (), f"{error.filename}: {error.strerror}")


def _attach_build(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    path = str(settings.build_path).replace("'", "''")
    try:
        con.execute(f"attach '{path}' as build (read_only)")
    except duckdb.Error as error:
        raise LakeError(f"it cannot be opened: {reason_of(error)}", "`warehouse doctor`", where=path) from error


def _is_what_was_built(con: duckdb.DuckDBPyConnection) -> bool:
    published, origin = read_published(con), read_origin(con)
    if published is None or origin is None:
        return False
    return (published.run_id, published.batch) == (origin.run_id, origin.batch)


def _differences(con: duckdb.DuckDBPyConnection, settings: Settings, marts: list[str]) -> Iterator[Defect]:
    for mart in marts:
        place = str(data_path(settings).joinpath(*mart.split(".")))
        ((built_rows, built),) = con.execute(ROWS.format(f"build.{mart}")).fetchall()
        try:
            ((rows, shown),) = con.execute(ROWS.format(f"lake.{mart}")).fetchall()
        except duckdb.Error as error:
            yield Defect(place, "its rows", f"cannot be read: {reason_of(error)}")
            continue
        if rows != built_rows:
            yield Defect(place, "its rows", f"are {rows:,} and {built_rows:,} were built")
        elif shown != built:
            yield Defect(place, "its rows", f"have other values than the {built_rows:,} that were built")
