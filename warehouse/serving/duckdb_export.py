"""Writes the marts as one plain DuckDB file, for tools that cannot attach a DuckLake.

All tables are of one moment of the lake. The file has its name only once it is whole and on the disk, so whoever opens
it finds a complete export, and a failed one leaves what was there before.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec

from warehouse.errors import ExportError
from warehouse.lake.connection import BOOKKEEPING, open_lake
from warehouse.lake.error_meanings import meaning_of
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.whole_file import is_replaceable, whole_file_at

SCHEMAS: Final = ("marts", "trust")
# A sentence that many columns have in common: as a block of dbt's, and as a yml names it.
_BLOCK: Final = re.compile(r"{% docs (\w+) %}(.*?){% enddocs %}", re.DOTALL)
_NAMED: Final = re.compile(r"{{ doc\('(\w+)'\) }}")


class Exported(msgspec.Struct, frozen=True):
    """What was written: the file, its size in bytes, rows by table, and the moment of the lake it shows."""

    file: str
    bytes: int
    tables: dict[str, int]
    snapshot: int
    exported_at: str


class Described(msgspec.Struct, frozen=True):
    """What a model and its columns are, in the words of the dbt project."""

    text: str
    columns: dict[str, str]


def export(
    settings: Settings,
    path: Path,
    schemas: Sequence[str] = SCHEMAS,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write every table of these schemas to a new DuckDB file at `path`, each and its columns with what they are.

    An earlier export is replaced, any other file only with `force`. `progress` is told the tables written and of how
    many. Raises ExportError and LakeError.
    """
    if not is_replaceable(path):
        raise ExportError("a DuckDB file cannot be written here: this is no regular file.", "name a file", where=path)
    if path.exists() and not force and not _is_export(path):
        raise ExportError("a file that is no export is here.", "--force to replace it, or another name", where=path)
    if path.stem in schemas:
        # DuckDB calls a database by its file's stem, and would not know which of the two `marts.fct_orders` means.
        hint = f"another name, such as newstore{path.suffix}"
        raise ExportError(f"a file of this name would hide its own schema {path.stem}.", hint, where=path)
    with open_lake(settings, read_only=True) as con:
        try:
            with whole_file_at(path) as draft:
                tables, snapshot, moment = _write(con, draft, schemas, progress)
        except duckdb.OperationalError as error:
            meaning = meaning_of(error)
            reason = f"{meaning.happened}." if meaning else str(error).splitlines()[0]
            hint = meaning.hint if meaning else "check that folder and its disk"
            raise ExportError(f"cannot be written: {reason}", hint, where=path) from error
    return Exported(str(path), path.stat().st_size, tables, snapshot, moment)


def _write(
    con: duckdb.DuckDBPyConnection, draft: Path, schemas: Sequence[str], progress: Progress | None
) -> tuple[dict[str, int], int, str]:
    try:
        con.execute(f"attach {_text(str(draft))} as export")
        written = _copy(con, schemas, progress)
        con.execute("detach export")
        return written
    finally:
        draft.with_name(f"{draft.name}.wal").unlink(missing_ok=True)


def _is_export(path: Path) -> bool:
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            columns = con.execute("select column_name from duckdb_columns() where table_name = 'about' order by 1")
            return columns.fetchall() == [("exported_at",), ("snapshot",)]
    except duckdb.IOException:
        # No DuckDB file, or one that somebody is writing: not ours to replace.
        return False


def _copy(
    con: duckdb.DuckDBPyConnection, schemas: Sequence[str], progress: Progress | None
) -> tuple[dict[str, int], int, str]:
    # One transaction, so that a refresh meanwhile changes nothing of what is read.
    con.execute("begin")
    names = con.execute(
        """
        select schema_name, table_name
        from duckdb_tables()
        where database_name = 'lake' and schema_name in (select unnest(?))
        order by all
        """,
        [list(schemas)],
    ).fetchall()
    chosen = [(schema, table) for schema, table in names if table not in BOOKKEEPING]
    if not chosen:
        raise ExportError("there are no tables to export yet.", "`warehouse refresh`", where=", ".join(schemas))
    rows = {}
    for number, (schema, table) in enumerate(chosen):
        if progress is not None:
            progress(number, len(chosen))
        con.execute(f"create schema if not exists export.{_name(schema)}")
        target = f"export.{_name(schema)}.{_name(table)}"
        con.execute(f"create table {target} as from lake.{_name(schema)}.{_name(table)}")
        rows[f"{schema}.{table}"] = _only(con, f"select count(*) from {target}")
        for statement in _comments(con, schema, table, target):
            con.execute(statement)
    snapshot = _only(con, "from ducklake_current_snapshot('lake')")
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    con.execute("create table export.main.about (snapshot bigint, exported_at timestamptz)")
    con.execute(
        "comment on table export.main.about is 'The snapshot of the lake in this file, and when it was written'"
    )
    con.execute("insert into export.main.about values (?, ?)", [snapshot, moment])
    con.execute("commit")
    return rows, snapshot, moment


def _comments(con: duckdb.DuckDBPyConnection, schema: str, table: str, target: str) -> Iterator[str]:
    described = descriptions().get(table)
    if described is None:
        return
    yield f"comment on table {target} is {_text(described.text)}"
    columns = con.execute(
        "select column_name from duckdb_columns() where database_name = 'lake' and schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    for (column,) in columns:
        if column in described.columns:
            yield f"comment on column {target}.{_name(column)} is {_text(described.columns[column])}"


@cache
def descriptions() -> dict[str, Described]:
    """Every model of the dbt project by its name, with the text of `models/docs.md` where a yml names a block of it."""
    # Not at the top, nor a dependency of its own: it comes with dbt, whose files these are.
    import yaml  # type: ignore[import-untyped]

    from warehouse.build.compiled_project import project_dir

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    models, found = project_dir() / "models", {}
    blocks = dict(_BLOCK.findall((models / "docs.md").read_text(encoding="utf-8")))

    def described(text: str | None) -> str:
        return " ".join(_NAMED.sub(lambda name: blocks[name[1]], text or "").split())

    for path in sorted(models.rglob("*.yml")):
        document: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), loader) or {}  # noqa: S506  # it is safe
        for model in document.get("models", ()):
            columns = {column["name"]: described(column.get("description")) for column in model.get("columns", ())}
            found[model["name"]] = Described(described(model.get("description")), columns)
    return found


def _only(con: duckdb.DuckDBPyConnection, query: str) -> int:
    ((value,),) = con.execute(query).fetchall()
    return int(value)


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
