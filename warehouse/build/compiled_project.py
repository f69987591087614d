"""The dbt project compiled: every model's SQL, and what stands below what. Made once for each state of its files.

dbt takes seconds to be imported, to read the project and to compile it. A plan is kept in a file, so that a refresh
runs the same SQL without dbt. `python -m warehouse.build.compiled_project` makes it.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from warehouse.build.model import PUBLISHED, Model, Strategy
from warehouse.errors import RefreshError, WarehouseError
from warehouse.settings import Settings

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import ModelNode

PACKAGE: Final = Path(__file__).parents[1]
SUFFIXES: Final = {".sql", ".yml", ".toml", ".py"}
# What decides, beside the project, what models give: how they are run, and how they read deliveries.
DECIDING: Final = ("contract", "delivery", "build")

_digests: dict[frozenset[tuple[Path, int]], str] = {}
_plans: "dict[str, Plan]" = {}


class Step(msgspec.Struct, frozen=True):
    """A model's place among the others: the models it reads, and the one family of whose events it reads the log."""

    model: Model
    parents: tuple[str, ...]
    family: str | None


class Plan(msgspec.Struct, frozen=True):
    """All models of a project, by name; `digest` is another one when any file that decides what they give is."""

    digest: str
    steps: dict[str, Step]

    @property
    def marts(self) -> list[Model]:
        """The models that readers see."""
        return [step.model for step in self.steps.values() if step.model.schema in PUBLISHED]


def project_dir() -> Path:
    """The dbt project: beside the package in a checkout, inside it when installed from a wheel."""
    candidates = [PACKAGE / "dbt_project", PACKAGE.parent / "dbt_project"]
    for candidate in candidates:
        if (candidate / "dbt_project.yml").is_file():
            return candidate
    raise RefreshError("the dbt project is missing.", "install newstore-warehouse again", where=candidates[0])


def project_digest() -> str:
    """A hash of all files that decide what the models give; they are read again only when one has changed.

    It is the same in a checkout and where a wheel is installed.
    """
    folder = project_dir()
    places = {
        **{folder / name: folder for name in ("models", "macros")},
        **{PACKAGE / room: PACKAGE for room in DECIDING},
    }
    paths = {
        path: f"{base.name}/{path.relative_to(base)}"
        for place, base in places.items()
        for path in place.rglob("*")
        if path.suffix in SUFFIXES
    }
    paths |= {folder / name: f"{folder.name}/{name}" for name in ("dbt_project.yml", "profiles.yml")}
    state = frozenset((path, path.stat().st_mtime_ns) for path in paths)
    if state not in _digests:
        files = sorted((name, path.read_bytes()) for path, name in paths.items())
        _digests.clear()
        _digests[state] = hashlib.sha256(repr(files).encode()).hexdigest()
    return _digests[state]


def load_plan(settings: Settings) -> Plan:
    """The plan of the project as its files are now, compiled by dbt where nobody has done so. Raises RefreshError."""
    digest = project_digest()
    if digest not in _plans:
        plan = _read_plan(settings, digest)
        if plan is None:
            plan = _compile(settings, digest)
            _write_plan(settings, plan)
        _plans.clear()
        _plans[digest] = plan
    return _plans[digest]


def _places(settings: Settings) -> list[Path]:
    """Where a plan may be: beside the project, where all homes have it in common, else in the home."""
    return [project_dir() / "target" / "plan.json", settings.home / "dbt" / "plan.json"]


def _read_plan(settings: Settings, digest: str) -> Plan | None:
    for path in _places(settings):
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=Plan)
        except (FileNotFoundError, msgspec.DecodeError):
            # Written by another version of this product, or by nobody yet.
            continue
        if plan.digest == digest:
            return plan
    return None


def _write_plan(settings: Settings, plan: Plan) -> None:
    beside, home = _places(settings)
    # A wheel brings its plan, and into an installed product nothing is written.
    for path in [beside, home] if project_dir().parent != PACKAGE else [home]:
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(exist_ok=True)
            draft.write_bytes(msgspec.json.encode(plan))
            draft.replace(path)
        except OSError:
            # A plan that is kept nowhere is compiled again, which costs time and nothing else.
            continue
        return


def _compile(settings: Settings, digest: str) -> Plan:
    """Let dbt compile every model twice: as the whole of its table, and as the rows that a run touches."""
    # dbt takes seconds to import; only a project that has changed pays for it.
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    with _environment(settings):
        try:
            manifest = cast("Manifest", _invoke(settings, None, "parse"))
            whole = _compiled(_invoke(settings, manifest, "compile", "--full-refresh"))
            touched = _compiled(_invoke(settings, manifest, "compile"))
        finally:
            # The next refresh of this process may be of another home, and others want the build database.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]  # dbt-duckdb has no types there
    models = [cast("ModelNode", node) for node in manifest.nodes.values() if str(node.resource_type) == "model"]
    return Plan(digest, {node.name: _step(manifest, node, whole[node.name], touched[node.name]) for node in models})


def _compiled(result: Any) -> dict[str, str]:
    return {run.node.name: run.node.compiled_code for run in result.results if str(run.node.resource_type) == "model"}


def _step(manifest: "Manifest", node: "ModelNode", whole: str, touched: str) -> Step:
    meta = node.config.meta
    by_name = {other.name: f"build.{other.schema}.{other.name}" for other in manifest.nodes.values()}
    parents = [manifest.nodes[key].name for key in node.depends_on.nodes if key in manifest.nodes]
    key = node.config.unique_key or []
    strategy = msgspec.convert(node.config.materialized, Strategy)
    contract = node.contract.enforced
    model = Model(
        name=node.name,
        schema=node.schema,
        strategy=strategy,
        whole=whole,
        touched="" if strategy == "whole" else touched,
        reads_log=any(parent.startswith("source.") for parent in node.depends_on.nodes),
        columns=tuple((name, str(column.data_type)) for name, column in node.columns.items()) if contract else (),
        entity=tuple(meta.get("entity", ())),
        sources={name: by_name[name] for name in meta.get("sources", ())},
        key=(key,) if isinstance(key, str) else tuple(key),
    )
    model = model.with_names({name: by_name[name] for name in parents}, meta.get("zones", {}))
    return Step(model, tuple(parents), meta.get("family"))


def _invoke(settings: Settings, manifest: "Manifest | None", *arguments: str) -> Any:
    from dbt.cli.main import dbtRunner

    folder, scratch = str(project_dir()), settings.home / "dbt"
    # dbt never closes its log file; what it would say there comes back as the error.
    quiet = ["--log-level", "none", "--log-level-file", "none", "--log-path", str(scratch / "logs")]
    places = ["--project-dir", folder, "--profiles-dir", folder, "--target-path", str(scratch / "target")]
    # dbt changes the working directory and leaves it changed.
    with contextlib.chdir(Path.cwd()):
        result = dbtRunner(manifest).invoke([*quiet, *arguments, *places])
    if not result.success:
        raise _failure(result)
    return result.result


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
        f"the dbt project cannot be compiled, readers keep the last complete refresh: {reason}",
        "mend the file it names; `dbt compile --project-dir dbt_project` says the same",
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


if __name__ == "__main__":
    load_plan(Settings.load())
