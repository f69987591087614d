"""All that the compiled SQL of a model names, so that what `dbt compile` prints can be pasted where the lake is read.

A refresh gives these names their meaning for each model; here they mean what they would in a refresh of the last batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

from warehouse.build.compiled_project import Plan, load_plan
from warehouse.build.model import Model, set_range
from warehouse.build.new_deliveries import LOG, LOG_VIEW
from warehouse.build.session import attach_build, attach_run, detach_build
from warehouse.build.sql_functions import FUNCTIONS
from warehouse.build.touched_entities import is_touched
from warehouse.serving.reader_statements import words_of
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

# A refresh that is at work is waited for: it has the build database to itself.
LOCK_SECONDS: Final = 600.0
# Every view of rows of touched entities has this in its name, which no table of the lake has.
OF_VIEWS: Final = "__"


@contextmanager
def able_to_run(con: duckdb.DuckDBPyConnection, settings: Settings, query: str) -> Iterator[None]:
    """Where the query has a name that refreshes give, attach the build database to be read for the length of the block;
    no refresh runs meanwhile.

    Raises RefreshError when another process, such as `dbt run`, has it open, LockHeld when a refresh takes too long.
    """
    if not any(word in ("build", "run", LOG_VIEW, *FUNCTIONS) or OF_VIEWS in word for word in words_of(query)):
        yield
        return
    plan = load_plan(settings)
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS):
        attach_build(con, settings, read_only=True)
        try:
            _give_names(con, plan)
            yield
        finally:
            con.execute("use lake")
            detach_build(con)


def _give_names(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    if not con.execute("select 1 from duckdb_databases() where database_name = 'run'").fetchall():
        attach_run(con)
    ((last,),) = con.execute("select coalesce(max(batch), 0) from build.main.generations").fetchall()
    set_range(con, last - 1, last)
    con.execute(f"create or replace temp view {LOG_VIEW} as from {LOG}")
    for step in plan.steps.values():
        _give_views(con, step.model, last - 1)


def _give_views(con: duckdb.DuckDBPyConnection, model: Model, built: int) -> None:
    for view, place in model.views.items():
        touched = is_touched(place.entity, model.entity, f"({model.touched_entities(built)})")
        con.execute(f"create or replace temp view {view} as from {place.relation} where {touched}")
