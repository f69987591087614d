"""A refresh: seal, dbt, publish. When it returns, the marts hold every event acknowledged before it started."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from warehouse.errors import RefreshError, WarehouseError
from warehouse.lock import hold_lock
from warehouse.publication import Publication, read_publication
from warehouse.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

# A refresh that was started beside another waits for it: both were asked to show what is acknowledged now.
LOCK_SECONDS: Final = 3600.0

Progress = Callable[[int, int | None], None]

_parsed: "dict[frozenset[tuple[Path, int]], dbtRunnerResult]" = {}


def refresh(settings: Settings, full: bool = False, progress: Progress | None = None) -> Publication:
    """Bring the marts up to date with every event acknowledged so far; `full` rebuilds them from the log.

    `progress` is called with the number of models done and of all models. Raises RefreshError when a model or
    publishing fails: readers then still see the last complete refresh.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS), _environment(settings):
        before = read_publication(settings)
        _run_dbt(settings, full, progress)
        publication = read_publication(settings)
    if publication is None or publication == before:
        raise RefreshError("dbt ended without publishing.", "`dbt run --project-dir dbt_project` shows each step")
    return publication


def project_dir() -> Path:
    """The dbt project: beside the package in a checkout, inside it when installed from a wheel."""
    candidates = [Path(__file__).parent / "dbt_project", Path(__file__).parent.parent / "dbt_project"]
    for candidate in candidates:
        if (candidate / "dbt_project.yml").is_file():
            return candidate
    raise RefreshError(f"{candidates[0]}: the dbt project is missing.", "install newstore-warehouse again")


def _run_dbt(settings: Settings, full: bool, progress: Progress | None) -> None:
    # dbt takes seconds to import; only a refresh pays for it.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    project, scratch = project_dir(), settings.home / "dbt"
    # dbt never closes its log file; what it would say there comes back as the error.
    common = ["--log-level", "none", "--log-level-file", "none", "--log-path", str(scratch / "logs")]
    places = ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(scratch / "target")]
    done = 0

    def report(event: object) -> None:
        nonlocal done
        info = getattr(event, "info", None)
        if progress is not None and getattr(info, "name", "") == "LogModelResult":
            done += 1
            progress(done, getattr(getattr(event, "data", None), "total", None))

    try:
        result = _parse(project, [*common, "parse", *places])
        if result.success:
            full_refresh = ["--full-refresh"] if full else []
            manifest = cast("Manifest", result.result)
            result = dbtRunner(manifest, callbacks=[report]).invoke([*common, "run", *places, *full_refresh])
    finally:
        # The next refresh of this process may be of another home, and other processes want the build database.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb has no types there
    if not result.success:
        raise _failure(result)


def _parse(project: Path, arguments: list[str]) -> "dbtRunnerResult":
    """dbt's reading of the project: it takes seconds, so a process keeps it for as long as no file changes."""
    from dbt.cli.main import dbtRunner

    files = frozenset(
        (path, path.stat().st_mtime_ns) for path in project.rglob("*.*") if path.suffix in {".sql", ".yml"}
    )
    if files not in _parsed:
        result = dbtRunner().invoke(arguments)
        if not result.success:
            return result
        _parsed.clear()
        _parsed[files] = result
    return _parsed[files]


def _failure(result: "dbtRunnerResult") -> WarehouseError:
    cause: BaseException | None = result.exception
    while cause is not None:
        if isinstance(cause, WarehouseError):
            return cause
        cause = cause.__cause__ or cause.__context__
    failed = [
        f"{node.node.name}: {' '.join((node.message or '').split('> in macro')[0].split())}"
        for node in getattr(result.result, "results", None) or []
        if node.status in ("error", "fail")
    ]
    reason = "; ".join(failed) or str(result.exception or "dbt did not say why").strip()
    return RefreshError(
        f"the refresh stopped, readers keep the last complete one: {reason}",
        "`dbt run --project-dir dbt_project` shows each step; once it is mended `warehouse refresh`, or with `--full` "
        "to rebuild everything from the log",
    )


@contextmanager
def _environment(settings: Settings) -> Iterator[None]:
    """The settings as the environment, where the dbt plugin reads them, for the length of the block."""
    before = dict(os.environ)
    os.environ.update(settings.to_environ())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
