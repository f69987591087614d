"""Parquet files of `log.events`: each is wholly on the disk under its final name, or is not there at all.

A file holds the rows of one batch, a compacted one those of several, sorted by event name, then journal, then position,
so that one event name is a few neighbouring row groups. What is read back is what was sealed, byte for byte; the file's
name carries the digest of its content, so that any change of it is seen from the file alone.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.delivery.delivery import Problem
from warehouse.delivery.payload_hash import payload_hash
from warehouse.journal.record import Meta
from warehouse.log.merge_rows import merge
from warehouse.system.disk import make_folder, sync_file_at, sync_folder

SUFFIX: Final = ".parquet"
UNFINISHED: Final = ".unfinished"
DIGEST_DIGITS: Final = 32
# What the names of files begin with that hold several batches; a journal's name begins with its date.
RECOVERED: Final = "recovered"
COMPACTED: Final = "compacted"
# A row group for each of many rare names would cost more than reading the few rows of its neighbours.
GROUP_ROWS: Final = 10_000
GROUP_BYTES: Final = 64 * 2**20
# Of a file that is merged with others so many are in memory at least.
FEWEST_ROWS: Final = 64
# Of a name with many rows: each takes the memory that the one before it has given back, and new memory is slow.
MAX_GROUP_ROWS: Final = 20_000

_TIME: Final = pa.timestamp("us", tz="UTC")
_FIELDS: Final["list[pa.Field[Any]]"] = [
    pa.field("batch", pa.int64()),
    pa.field("journal", pa.string()),
    pa.field("position", pa.int64()),
    pa.field("received_at", _TIME),
    pa.field("tenant", pa.string()),
    pa.field("name", pa.string()),
    pa.field("idempotency_key", pa.string()),
    pa.field("published_at", _TIME),
    pa.field("payload_hash", pa.string()),
    pa.field("problem", pa.string()),
    pa.field("body", pa.string()),
    pa.field("raw_body", pa.binary()),
]
SCHEMA: Final = pa.schema(_FIELDS)
COLUMNS: Final = [field.name for field in _FIELDS]
_OPTIONS: Final[dict[str, Any]] = {
    "compression": "zstd",
    "use_dictionary": ["batch", "journal", "tenant", "name", "problem"],
    # A digest tells that a file has changed, the checksums of its pages tell where.
    "write_page_checksum": True,
    # By the least and greatest values of these the catalog passes over files; those of the others would tell nothing.
    "write_statistics": ["batch", "journal", "position", "received_at", "tenant", "name", "published_at", "problem"],
}

# journal, position, received_at, tenant, name, idempotency_key, published_at, problem, payload_hash, body
_Row = tuple[str, int, int, str | None, str | None, str | None, int | None, Problem | None, str | None, bytes]


class LogRows:
    """Deliveries on their way into one file; added journal by journal, each in the order of its positions."""

    def __init__(self) -> None:
        self._by_name: dict[str | None, list[_Row]] = {}
        self.count = 0
        self.body_bytes = 0
        self.first: tuple[str, int] | None = None

    def add(self, journal: str, position: int, meta: Meta, body: bytes) -> None:
        """Take one delivery, whose payload is hashed here."""
        row = (journal, position, *meta, payload_hash(body), body)
        rows = self._by_name.get(meta[2])
        if rows is None:
            rows = self._by_name[meta[2]] = []
        rows.append(row)
        self.count += 1
        self.body_bytes += len(body)
        if self.first is None:
            self.first = (journal, position)

    def groups(self) -> Iterator[list[_Row]]:
        """The rows sorted by name, in portions that each make one row group."""
        pending: list[_Row] = []
        for name in sorted(self._by_name, key=lambda name: (name is not None, name or "")):
            pending += self._by_name[name]
            while len(pending) >= GROUP_ROWS:
                yield pending[:MAX_GROUP_ROWS]
                pending = pending[MAX_GROUP_ROWS:]
        if pending:
            yield pending


def write_log_file(folder: Path, rows: LogRows, batch: int) -> Path:
    """Write the rows as one file; its name begins with the journal of the first and ends with the content's digest.

    Returns when it is on the disk. Raises OSError.
    """
    assert rows.first is not None, "a file holds at least one row"
    journal, position = rows.first
    return _write_whole(folder, f"{journal}-{position}", SCHEMA, (_table(group, batch) for group in rows.groups()))


def write_compacted_file(folder: Path, con: duckdb.DuckDBPyConnection, spans: Sequence[tuple[int, int]]) -> Path:
    """Write the log's rows of these spans of batches, first and last, as one file that is named by its digest like
    every other; it is sorted where each span is, as a file of the log is.

    All are read at once, a few thousand rows of each in memory at a time. Returns when the file is on the disk. Raises
    OSError, or duckdb.Error when the rows cannot be read.
    """
    columns = ", ".join(COLUMNS)
    rows = max(GROUP_ROWS // len(spans), FEWEST_ROWS)
    with ExitStack() as cursors:
        readers: list[pa.RecordBatchReader] = []
        for first, last in spans:
            cursor = cursors.enter_context(con.cursor())
            # Ten thousand bodies may be more than the 2 GiB that the small kind of column holds.
            cursor.execute("set arrow_large_buffer_size = true")
            query = f"select {columns} from lake.log.events where batch between ? and ?"
            readers.append(cursor.execute(query, [first, last]).to_arrow_reader(rows))
        tables = merge(readers, GROUP_ROWS, GROUP_BYTES)
        return _write_whole(folder, f"{COMPACTED}-{spans[0][0]}-{spans[-1][1]}", readers[0].schema, tables)


def write_remainder_file(folder: Path, rows: pa.Table, source: Path) -> Path:
    """Write some of the rows of the log's file `source` as a file of their own; returns when it is on the disk.

    Raises OSError.
    """
    beginning = f"{RECOVERED}-{source.name.removesuffix(SUFFIX).rpartition('-')[0]}"
    return _write_whole(folder, beginning, rows.schema, [rows])


def _write_whole(folder: Path, beginning: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> Path:
    """Write at least one row group for each table; the file has its name only when all of it is on the disk."""
    unfinished = folder / f"{beginning}-{secrets.token_hex(6)}{SUFFIX}{UNFINISHED}"
    make_folder(folder)
    with pq.ParquetWriter(unfinished, schema, **_OPTIONS) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=MAX_GROUP_ROWS)
    sync_file_at(unfinished)
    path = folder / f"{beginning}-{digest_of(unfinished)}{SUFFIX}"
    unfinished.rename(path)
    sync_folder(folder)
    return path


def digest_of(path: Path) -> str:
    """What a file's name says of its content: the first 32 hex digits of its SHA-256. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGEST_DIGITS]


def named_digest(path: Path) -> str | None:
    """The digest in the name of a file that was written here; None for another's."""
    digest = path.name.removesuffix(SUFFIX).rpartition("-")[2]
    ours = written_from(path) is not None and len(digest) == DIGEST_DIGITS and not path.name.endswith(UNFINISHED)
    return digest if ours else None


def written_from(path: Path) -> str | None:
    """The journal whose sealing began this file, or None when `write_log_file` did not name it."""
    stem = path.name.removesuffix(UNFINISHED)
    parts = stem.removesuffix(SUFFIX).rsplit("-", 2)
    return parts[0] if stem.endswith(SUFFIX) and len(parts) == 3 else None


def _table(rows: list[_Row], batch: int) -> pa.Table:
    journal, position, received_at, tenant, name, key, published_at, problem, payload, body = zip(*rows, strict=True)
    text, raw = _bodies(body)
    columns: list[Any] = [
        pa.repeat(pa.scalar(batch, pa.int64()), len(rows)),
        pa.array(journal, pa.string()),
        pa.array(position, pa.int64()),
        pa.array(received_at, _TIME),
        pa.array(tenant, pa.string()),
        pa.array(name, pa.string()),
        pa.array(key, pa.string()),
        pa.array(published_at, _TIME),
        pa.array(payload, pa.string()),
        pa.array(problem, pa.string()),
        text,
        raw,
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _bodies(bodies: tuple[bytes, ...]) -> tuple[Any, Any]:
    if not any(b"\0" in body for body in bodies):
        with suppress(pa.ArrowInvalid):
            return pa.array(bodies, pa.string()), pa.nulls(len(bodies), pa.binary())
    pairs = [(body, _is_text(body)) for body in bodies]
    text = pa.array([body if fits else None for body, fits in pairs], pa.string())
    return text, pa.array([None if fits else body for body, fits in pairs], pa.binary())


def _is_text(body: bytes) -> bool:
    """Whether a body may stand in a column of texts: a zero byte would cut DuckLake's statements to its catalog."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body
