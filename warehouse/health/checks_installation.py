"""What a diagnosis says of the installation: whether everything that its parts need is there and works together."""

import platform
import re
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from warehouse.health.finding import Finding, State
from warehouse.remedies import INSTALL
from warehouse.settings import Settings
from warehouse.system.sources import Sources

TRIAL: Final = "select conforms_to_contract(name, '{}') from (values ('order.created')) as events (name)"
DISTRIBUTION: Final = "newstore-warehouse"
# Where each part begins: to import these imports all that it needs.
PARTS: Final[dict[str, tuple[str, ...]]] = {
    "the receiver": ("receiver.server", "receiver.app"),
    "refreshes": (
        "warehouse.pipeline.refresh",
        "warehouse.pipeline.watch",
        "warehouse.build.compiled_project",
        "warehouse.care.log_watch",
    ),
    "dbt": ("dbt.cli.main", "dbt.adapters.duckdb", "warehouse.pipeline.dbt_plugin"),
    "care of the log": (
        "warehouse.care.verify",
        "warehouse.care.recover",
        "warehouse.care.lake_compaction",
        "warehouse.care.export_log",
    ),
    "the command line": (
        "warehouse.cli.row_formats",
        "warehouse.cli.shell_prompt",
        "warehouse.care.quarantine",
        "warehouse.journal.replay",
        "warehouse.serving.duckdb_export",
        "warehouse.trial.client",
    ),
}


def installation(settings: Settings) -> Iterator[Finding]:
    """What is missing, what cannot be imported, and whether the extensions are those of this DuckDB."""
    del settings
    product, python = _version(DISTRIBUTION) or "(not installed as a package)", platform.python_version()
    missing = [name for name in _required() if _version(name) is None]
    if missing:
        yield Finding("installation", State.WRONG, f"these packages are missing: {', '.join(missing)}", INSTALL)
    sources = Sources()
    for part, modules in PARTS.items():
        for module in modules:
            sources.read(f"{part} ({module})", lambda module=module: import_module(module), INSTALL)  # type: ignore[misc]
    sources.read("DuckDB", _try_duckdb, INSTALL)
    for reason in dict.fromkeys(unread.reason for unread in sources.unread):
        parts = ", ".join(unread.source for unread in sources.unread if unread.reason == reason)
        yield Finding("installation", State.WRONG, f"{reason}; without it cannot be used: {parts}", INSTALL)
    if not missing and not sources.unread:
        duckdb = f"DuckDB {_version('duckdb')} with its extensions"
        text = f"newstore-warehouse {product}, {duckdb}, dbt {_version('dbt-core')}, Python {python}: all parts import"
        yield Finding("installation", State.OK, text)


def _required() -> list[str]:
    """The packages that this product says it needs, without those of its extras."""
    try:
        listed = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return []
    plain = [requirement.partition(";") for requirement in listed]
    return [re.split(r"[^\w.-]", name.strip())[0] for name, _, marker in plain if not marker.strip()]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _try_duckdb() -> None:
    """Load the extensions with their signatures checked, and call a function of ours as a refresh does."""
    import duckdb

    from warehouse.build.sql_functions import add_functions
    from warehouse.errors import LakeError
    from warehouse.lake.connection import load_extensions

    try:
        with closing(duckdb.connect()) as con:
            load_extensions(con)
            add_functions(con)
            con.execute(TRIAL).fetchall()
    except duckdb.Error as error:
        raise LakeError(str(error).splitlines()[0], INSTALL) from error
