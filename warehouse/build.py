"""Builds models in the order of what they read, two at a time; what stands below one that failed is not built."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

import duckdb

from warehouse.errors import RefreshError
from warehouse.model import Model, Run, build_model
from warehouse.plan import Step

THREADS: Final = 2

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


def _failure(failed: Mapping[str, duckdb.Error]) -> RefreshError:
    reasons = "; ".join(f"{name}: {' '.join(str(error).split())}" for name, error in failed.items())
    return RefreshError(
        f"the refresh stopped, readers keep the last complete one: {reasons}",
        "mend what it names, then `warehouse refresh`, or with `--full` to rebuild everything from the log",
    )
