"""Takes persons out of the files of the log: the same rows, of which those that name them have another body.

Batch, journal, position, times, problem and the payload's hash as first received stay. All files that hold such a row
are written anew and put in the place of the old ones in one transaction, in which the lake also forgets what was
published: what was built from the log before is of no use any more. Whatever dies before leaves the log as it was.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa

from warehouse.care.log_compaction import check_digests
from warehouse.delivery.delivery import Delivery, Problem
from warehouse.errors import LakeError
from warehouse.lake.connection import log_folder
from warehouse.lake.duckdb_setting import INLINING, setting
from warehouse.lake.transaction import transaction
from warehouse.log.commit import sync_catalog
from warehouse.log.live_files import LogFile, list_log_files
from warehouse.log.parquet_file import write_compacted_file
from warehouse.personal.ledger import Ledger
from warehouse.progress import Progress
from warehouse.settings import Settings

ROWS_A_STEP: Final = 2_000
READ: Final = """
    journal, position, epoch_us(received_at), tenant, name, idempotency_key, epoch_us(published_at), problem,
    coalesce(encode(body), raw_body)
"""
# What no erasure changes.
KEPT: Final = "(batch, journal, position, received_at, published_at, payload_hash, problem)"
FINGERPRINT: Final = f"select count(*), coalesce(sum(hash({KEPT})), 0)::varchar from"

Position = tuple[str, int]


class Found(msgspec.Struct):
    """The deliveries that name somebody who is to be erased: where they are, how many of each name (of those without
    one by their problem), and in how many each field has something of a person."""

    positions: set[Position]
    names: Counter[str]
    fields: Counter[str]


def find_erased(
    con: duckdb.DuckDBPyConnection, ledger: Ledger, progress: Progress = lambda _done, _total: None
) -> Found:
    """Look through the whole log for what the ledger says is to be erased, and is not yet. Raises duckdb.Error."""
    found = Found(set(), Counter(), Counter())
    ((total,),) = con.execute("select count(*) from lake.log.events").fetchall()
    done = 0
    for rows in _portions(con):
        for position, delivery in rows:
            _, fields = ledger.erase(delivery)
            if fields:
                found.positions.add(position)
                found.names[f"quarantined: {delivery.problem}" if delivery.problem else str(delivery.name)] += 1
                found.fields.update(fields)
        done += len(rows)
        progress(done, int(total))
    return found


def erase_from_log(
    con: duckdb.DuckDBPyConnection, settings: Settings, ledger: Ledger, positions: set[Position]
) -> list[str]:
    """Write the files that hold these deliveries anew; their names, none where there was nothing to do.

    Only under the home's write lock. Raises LakeError when a file is not as it was written, duckdb.Error or OSError.
    """
    if not positions:
        return []
    replaced: list[str] = []
    with setting(con, INLINING, "0"), setting(con, "preserve_insertion_order", "true"), transaction(con):
        held = _batches_of(con, positions)
        for group in _neighbours(list_log_files(con)):
            if any(group[0].first <= batch <= max(file.last for file in group) for batch in held):
                _rewrite(con, settings, ledger, positions, group)
                replaced += [file.path.rpartition("/")[2] for file in group]
        con.execute("delete from lake.log.batches")
        con.execute("update lake.log.counter set id = uuid()::varchar")
        con.execute("insert into lake.log.batches from lake.log.counter")
        con.execute("delete from lake.trust.publications")
        con.execute("call lake.set_commit_message('warehouse', 'erase')")
    sync_catalog(settings)
    return replaced


def _rewrite(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    ledger: Ledger,
    positions: set[Position],
    group: Sequence[LogFile],
) -> None:
    first, last = group[0].first, max(file.last for file in group)
    check_digests(settings, group)
    rows = f"(from lake.log.events where batch between {first} and {last})"
    before = con.execute(f"{FINGERPRINT} {rows}").fetchone()
    assert before is not None
    starts = sorted({file.first for file in group})
    spans = list(zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True))
    path = write_compacted_file(log_folder(settings), con, spans, lambda table: _erased(table, ledger, positions))
    after = con.execute(f"{FINGERPRINT} read_parquet(?)", [str(path)]).fetchone()
    deleted = con.execute(f"delete from lake.log.events where batch between {first} and {last}").fetchone()
    if before != after or deleted != (before[0],):
        raise LakeError(
            "this file of the log does not hold the rows it was made from.",
            "the log is as it was; check the disk with `warehouse log verify` and keep that file for a report",
            where=path,
        )
    con.execute("call ducklake_add_data_files('lake', 'events', ?, schema => 'log')", [str(path)])


def _erased(table: pa.Table, ledger: Ledger, positions: set[Position]) -> pa.Table:
    places = list(zip(table.column("journal").to_pylist(), table.column("position").to_pylist(), strict=True))
    chosen = [number for number, place in enumerate(places) if place in positions]
    if not chosen:
        return table
    changed = {name: table.column(name).to_pylist() for name in ("tenant", "name", "idempotency_key")}
    changed |= {name: table.column(name).to_pylist() for name in ("body", "raw_body")}
    times: dict[str, list[Any]] = {
        name: table.column(name).cast(pa.int64()).to_pylist() for name in ("received_at", "published_at")
    }
    problems = table.column("problem").to_pylist()
    for at in chosen:
        text, raw = changed["body"][at], changed["raw_body"][at]
        one = _delivery(
            times["received_at"][at],
            changed["tenant"][at],
            changed["name"][at],
            changed["idempotency_key"][at],
            times["published_at"][at],
            problems[at],
            raw if text is None else text.encode(),
        )
        left = ledger.applied(one)
        for name in ("tenant", "name", "idempotency_key"):
            changed[name][at] = getattr(left, name)
        # What is left of a body is JSON, whatever it was.
        changed["body"][at], changed["raw_body"][at] = left.body.decode(), None
    for name, values in changed.items():
        number = table.schema.get_field_index(name)
        table = table.set_column(number, table.schema.field(number), pa.array(values, table.schema.field(number).type))
    return table


def _portions(con: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Position, Delivery]]]:
    result = con.cursor().execute(f"select {READ} from lake.log.events")
    while rows := result.fetchmany(ROWS_A_STEP):
        yield [((journal, position), _delivery(*rest)) for journal, position, *rest in rows]


def _delivery(
    received_at: int,
    tenant: str | None,
    name: str | None,
    key: str | None,
    published_at: int | None,
    problem: str | None,
    body: Any,
) -> Delivery:
    known = None if problem is None else Problem(problem)
    return Delivery(received_at, tenant, name, key, published_at, known, bytes(body or b""))


def _batches_of(con: duckdb.DuckDBPyConnection, positions: set[Position]) -> set[int]:
    journals, numbers = zip(*sorted(positions), strict=True)
    found = con.execute(
        "select distinct batch from lake.log.events where (journal, position) in "
        "(select unnest(?::varchar[]), unnest(?::bigint[]))",
        [list(journals), list(numbers)],
    ).fetchall()
    return {int(batch) for (batch,) in found}


def _neighbours(files: Sequence[LogFile]) -> Iterator[list[LogFile]]:
    """The files by themselves, but those that share batches together, as a recovery may leave them."""
    group: list[LogFile] = []
    for file in files:
        if group and file.first > max(one.last for one in group):
            yield group
            group = []
        group.append(file)
    if group:
        yield group
