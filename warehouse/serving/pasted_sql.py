"""All that the compiled SQL of a model names, so that what `dbt compile` prints can be pasted where the lake is read.

A refresh gives these names their meaning for each model. Here a view of rows of touched entities has those that any of
the models which read it would recompute in a refresh of the last batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import duckdb

from warehouse.build.names import FUNCTIONS, LOG, LOG_VIEW, OF_VIEWS
from warehouse.serving.reader_statements import words_of
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

if TYPE_CHECKING:
    from warehouse.build.compiled_project import Plan

# A refresh that is at work is waited for: it has the build database to itself.
LOCK_SECONDS: Final = 600.0
DATABASES: Final = ("build", "run")


@contextmanager
def able_to_run(con: duckdb.DuckDBPyConnection, settings: Settings, query: str) -> Iterator[None]:
    """Where the query has a name that refreshes give, attach the build database to be read for the length of the block;
    no refresh runs meanwhile.

    Raises RefreshError when another process, such as `dbt run`, has it open, LockHeld when a refresh takes too long.
    """
    if not _names_build(query):
        yield
        return
    # Not at the top: whoever asks the lake alone does not wait for what reads deliveries.
    from warehouse.build.compiled_project import load_plan
    from warehouse.build.session import attach_build, detach_build

    plan = load_plan(settings)
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS):
        attach_build(con, settings, read_only=True)
        try:
            _give_names(con, plan)
            yield
        finally:
            con.execute("use lake")
            detach_build(con)


def _names_build(query: str) -> bool:
    words = [word.strip('"').lower() for word in words_of(query)]
    return any(
        word == LOG_VIEW
        or word in FUNCTIONS
        or (word in DATABASES and following.startswith("."))
        or (OF_VIEWS in word and _is_model(word.partition(OF_VIEWS)[0]))
        for word, following in pairwise([*words, ""])
    )


def _is_model(name: str) -> bool:
    from warehouse.build.compiled_project import project_dir

    return any(path.stem == name for path in (project_dir() / "models").rglob("*.sql"))


def _give_names(con: duckdb.DuckDBPyConnection, plan: "Plan") -> None:
    from warehouse.build.model import set_range
    from warehouse.build.session import attach_run
    from warehouse.build.touched_entities import EntityColumns

    if not con.execute("select 1 from duckdb_databases() where database_name = 'run'").fetchall():
        attach_run(con)
    ((last,),) = con.execute("select coalesce(max(batch), 0) from build.main.generations").fetchall()
    set_range(con, last - 1, last)
    con.execute(f"create or replace temp view {LOG_VIEW} as from {LOG}")
    # Several models read a view, each for the entities of its own sources.
    touched = dict[tuple[str, EntityColumns], dict[str, None]]()
    for model in (step.model for step in plan.steps.values()):
        for view, place in model.views.items():
            touched.setdefault((view, place), {})[model.touched_entities(last - 1)] = None
    for (view, place), entities in touched.items():
        # In a table, or DuckDB (1.5.5) mixes up the unions of two such views where a query joins them.
        found = f"{view}{OF_VIEWS}touched"
        con.execute(f"create or replace temp table {found} as {' union '.join(entities)}")
        is_touched = f"({', '.join(place.entity)}) in (from {found})"
        con.execute(f"create or replace temp view {view} as from {place.relation} where {is_touched}")
