"""Builds models in the order of what they read, two at a time; what stands below one that failed is not built."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

import duckdb

from warehouse.errors import RefreshError
from warehouse.model import Model, Run, build_model
from warehouse.plan import Step, project_dir

THREADS: Final = 2

# Errors of files, memory, transactions, names and types; all others, such as of a conversion, may quote personal data.
OF_NO_VALUE: Final = (duckdb.OperationalError, duckdb.CatalogException, duckdb.BinderException)

Progress = Callable[[int, int | None], None]


def build(
    con: duckdb.DuckDBPyConnection,
    steps: Mapping[str, Step],
    run: Run,
    *,
    full: bool = False,
    progress: Progress | None = None,
) -> None:
    """Bring the tables of these models to the run's position; `progress` is told how many are done and of how many.

    Raises RefreshError, which names each model that failed, when all others that can be built are.
    """
    left, running = dict(steps), dict[Future[None], str]()
    failed, skipped = dict[str, duckdb.Error](), set[str]()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="build") as threads:
        while left or running:
            waited_for = left.keys() | set(running.values())
            for name in [name for name, step in left.items() if waited_for.isdisjoint(step.parents)]:
                step = left.pop(name)
                if (failed.keys() | skipped).isdisjoint(step.parents):
                    running[threads.submit(_build_one, con, step.model, run, full)] = name
                else:
                    skipped.add(name)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                try:
                    future.result()
                except duckdb.Error as error:
                    failed[name] = error
            if progress is not None:
                progress(len(steps) - len(left) - len(running), len(steps))
    if failed:
        raise _failure(failed)


def _build_one(con: duckdb.DuckDBPyConnection, model: Model, run: Run, full: bool) -> None:
    with con.cursor() as cursor:
        cursor.execute("set TimeZone = 'UTC'")
        build_model(cursor, model, run, full=full)


def reason_of(error: duckdb.Error) -> str:
    """What may be said of an error: its kind, and its words where those cannot quote a value of an event."""
    kind = type(error).__name__
    return f"{kind}: {' '.join(str(error).splitlines()[:1])}" if isinstance(error, OF_NO_VALUE) else kind


def _failure(failed: Mapping[str, duckdb.Error]) -> RefreshError:
    reasons = "; ".join(f"{name}: {reason_of(error)}" for name, error in failed.items())
    command = f"dbt run --project-dir {project_dir()} --profiles-dir {project_dir()} --select {' '.join(failed)}"
    return RefreshError(
        f"the refresh stopped, readers keep the last complete one: {reasons}",
        "mend what it names, then `warehouse refresh`, or with `--full` to rebuild everything from the log; "
        f"the whole error, which may quote an event, is shown by `{command}`",
    )
