"""What may be said to a connection that only reads: nothing in it can change the lake, or a file on the disk.

The lake is attached for reading, but SQL reaches further than that: it can attach the lake once more, write a file over
one of its own, and DuckLake's functions delete files of a lake that is only read. So statements are looked at first, by
the kind that DuckDB gives them, and by the functions they name.
"""

import re
from itertools import pairwise
from typing import Final

import duckdb
from duckdb import StatementType

from warehouse.errors import LakeError

# Those that change a table can only do so in memory: DuckDB refuses them on a lake that is attached for reading.
ALLOWED: Final = frozenset(
    {
        StatementType.SELECT,
        StatementType.EXPLAIN,
        StatementType.SET,
        StatementType.TRANSACTION,
        StatementType.CREATE,
        StatementType.INSERT,
        StatementType.UPDATE,
        StatementType.DELETE,
        StatementType.MERGE_INTO,
        StatementType.ALTER,
        StatementType.DROP,
    }
)
# Of DuckLake's and SQLite's functions these only look.
LOOKING: Final = frozenset(
    f"ducklake_{name}"
    for name in (
        *("current_snapshot", "last_committed_snapshot", "list_files", "options", "settings", "snapshots"),
        *("table_changes", "table_deletions", "table_info", "table_insertions"),
    )
)
EXPLAINED: Final = frozenset(
    {
        *("select", "with", "from", "values", "table", "pivot", "unpivot", "(", "describe", "show", "summarize"),
        *("insert", "update", "delete", "merge", "create"),
    }
)
# These run what is in a text, which nobody has looked at, or write files.
RUNNING: Final = frozenset(
    {"query", "json_execute_serialized_sql", "import_database", "copy_database", "enable_logging"}
)
# A comment after a word counts to it.
WORD: Final = re.compile(r"""(?s)"(?:[^"]|"")*"|'.*|\$.*|(?:(?!--|/\*)\S)*""")
HINT: Final = "`select …`; `warehouse sql --out FILE` keeps the rows"


def only_read(con: duckdb.DuckDBPyConnection) -> None:
    """Prepare a connection for statements of somebody else: none can change its settings, nor see this program."""
    con.execute("set python_enable_replacements = false")
    con.execute("set lock_configuration = true")


def statements(con: duckdb.DuckDBPyConnection, text: str) -> list[duckdb.Statement]:
    """The statements of a text, none of which can write. Raises LakeError when one could, duckdb.Error for no SQL."""
    found = con.extract_statements(text)
    for statement in found:
        if statement.type not in ALLOWED:
            raise _refused(statement.type.name)
        if statement.type == StatementType.EXPLAIN:
            _look_at_explained(words_of(statement.query))
    # A statement that DuckDB makes two of, such as a pivot, has no text of its own.
    for word, following in pairwise([*words_of(text), ""]):
        name = word.strip('"').lower()
        is_other = name.startswith(("ducklake_", "sqlite_")) and name not in LOOKING
        if is_other or (following.startswith("(") and name in RUNNING):
            raise LakeError(f"the function {name} is refused, the lake is only read here.", HINT)
    return found


def _look_at_explained(words: list[str]) -> None:
    """Refuse an `explain analyze` of what writes, which it runs."""
    rest = [word.lower() for word in words]
    while rest and rest[0] in ("explain", "analyze", "verbose"):
        rest = rest[1:]
    if len(rest) > 1 and rest[0] == "(" and rest[1] not in EXPLAINED:
        # What stands in brackets says how to explain.
        rest = rest[rest.index(")") + 1 :]
    if rest and rest[0] not in EXPLAINED:
        raise _refused(f"explain {rest[0]}")


def _refused(kind: str) -> LakeError:
    name = kind.lower().replace("_", " ")
    hint = "`from …` asks a function that looks" if name == "call" else HINT
    return LakeError(f"`{name}` is refused, the lake is only read here.", hint)


def words_of(text: str) -> list[str]:
    """The words and signs of a text, comments left out."""
    # DuckDB counts bytes.
    raw = text.encode()
    starts = [start for start, _ in duckdb.tokenize(text)]
    words = (raw[start:end].decode() for start, end in pairwise([*starts, len(raw)]))
    return [WORD.match(word)[0] for word in words]  # type: ignore[index]  # it matches anything
