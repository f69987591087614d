"""Builds models in the order of what they read, two at a time; what stands below one that failed is not built."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Final

import duckdb
import msgspec

from warehouse.build.compiled_project import Step, project_dir
from warehouse.build.model import Run, build_model
from warehouse.build.shared_events import SharedEvents, find_shared, put_away, take_out
from warehouse.build.touched_entities import EntityColumns
from warehouse.errors import RefreshError
from warehouse.lake.error_meanings import meaning_of
from warehouse.progress import Progress

THREADS: Final = 2

# Errors of files, memory, transactions, names and types; all others, such as of a conversion, may quote personal data.
OF_NO_VALUE: Final = (duckdb.OperationalError, duckdb.CatalogException, duckdb.BinderException)


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
    shared = [] if full else find_shared({name: step.model for name, step in steps.items()}, _places(con))
    made = dict[EntityColumns, str]()
    try:
        failed = _run_all(con, _tasks(steps, shared, msgspec.structs.replace(run, shared=made), full, made), progress)
    finally:
        for copy in shared:
            put_away(con, copy)
    if failed:
        raise _failure(failed)


class _Task(msgspec.Struct, frozen=True):
    """Work that waits for other tasks; `is_model` when it counts as one."""

    parents: frozenset[str]
    work: Callable[[duckdb.DuckDBPyConnection], object]
    is_model: bool = True


def _tasks(
    steps: Mapping[str, Step], shared: Iterable[SharedEvents], run: Run, full: bool, made: dict[EntityColumns, str]
) -> dict[str, _Task]:
    """The models, and before those that read the same events what takes these out, which adds them to `made`."""
    tasks = {copy.name: _Task(frozenset(copy.sources), partial(_take, copy, made), is_model=False) for copy in shared}
    for name, step in steps.items():
        waits_for = {copy.name for copy in shared if name in copy.readers}
        work = partial(build_model, model=step.model, run=run, full=full)
        tasks[name] = _Task(frozenset(step.parents) | waits_for, work)
    return tasks


def _take(shared: SharedEvents, made: dict[EntityColumns, str], con: duckdb.DuckDBPyConnection) -> None:
    if take_out(con, shared):
        made[shared.place] = shared.table


def _run_all(
    con: duckdb.DuckDBPyConnection, tasks: dict[str, _Task], progress: Progress | None
) -> dict[str, duckdb.Error]:
    """Do all that can be done; what failed, by name."""
    left, running, models = dict(tasks), dict[Future[None], str](), sum(task.is_model for task in tasks.values())
    failed, skipped = dict[str, duckdb.Error](), set[str]()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="build") as threads:
        while left or running:
            waited_for = left.keys() | set(running.values())
            for name in [name for name, task in left.items() if waited_for.isdisjoint(task.parents)]:
                task = left.pop(name)
                if (failed.keys() | skipped).isdisjoint(task.parents):
                    running[threads.submit(_do, con, task)] = name
                else:
                    skipped.add(name)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                try:
                    future.result()
                except duckdb.Error as error:
                    failed[name] = error
            if progress is not None:
                undone = left.keys() | set(running.values())
                progress(models - sum(tasks[name].is_model for name in undone), models)
    return failed


def _do(con: duckdb.DuckDBPyConnection, task: _Task) -> None:
    with con.cursor() as cursor:
        cursor.execute("set TimeZone = 'UTC'")
        task.work(cursor)


def _places(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The batch that each model has come to."""
    return dict(con.execute("select model, batch from build.main.generations").fetchall())


def reason_of(error: duckdb.Error) -> str:
    """What may be said of an error: what it means, else its kind, and its words where those cannot quote a value of an
    event."""
    kind, meaning = type(error).__name__, meaning_of(error)
    if meaning is not None:
        return f"{meaning.happened} ({kind})"
    return f"{kind}: {' '.join(str(error).splitlines()[:1])}" if isinstance(error, OF_NO_VALUE) else kind


def _failure(failed: Mapping[str, duckdb.Error]) -> RefreshError:
    reasons = "; ".join(f"{name}: {reason_of(error)}" for name, error in failed.items())
    command = f"dbt run --project-dir {project_dir()} --profiles-dir {project_dir()} --select {' '.join(failed)}"
    return RefreshError(
        f"the refresh stopped, readers keep the last complete one: {reasons}",
        "mend what it names, then `warehouse refresh`, or with `--full` to rebuild everything from the log; "
        f"the whole error, which may quote an event, is shown by `{command}`",
    )
