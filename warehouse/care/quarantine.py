"""What is in the log and in no fact: deliveries that could not be understood when they came, and their second chance.

A retry reads them again with today's contract and appends those that are events now as further deliveries, byte for
byte. A delivery whose bytes are in the log as an event is never appended again, however often one retries.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from time import time_ns
from typing import Any, Final

import duckdb
import msgspec

from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.errors import QuarantineError
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock
from warehouse.system.texts import shortened_sql

ROWS_A_STEP: Final = 5_000
LOCK_SECONDS: Final = 600.0
# Enough of a journal's name to know it by; its end is random.
SHORT_NAME: Final = 8
COLUMNS: Final = f"""
    right(journal, {SHORT_NAME}) || ':' || position as id,
    journal,
    position,
    strftime(received_at, '%Y-%m-%dT%H:%M:%S.%fZ') as received_at,
    problem,
    {shortened_sql("tenant")} as tenant,
    {shortened_sql("name")} as name,
    coalesce(strlen(body), octet_length(raw_body)) as size,
    body,
    raw_body
"""

Row = tuple[Any, ...]


class JudgedDelivery(msgspec.Struct, frozen=True):
    """A delivery with a problem; `id` names it. `problem_today` is None when today's contract takes it for an event,
    `resolved` says that the same bytes are in the log as an event already."""

    id: str
    journal: str
    position: int
    received_at: str
    problem: str
    tenant: str | None
    name: str | None
    size: int
    problem_today: str | None
    resolved: bool


class Listed(msgspec.Struct, frozen=True):
    """How many deliveries have which problem, and the newest of them."""

    problems: dict[str, int]
    deliveries: tuple[JudgedDelivery, ...]


class Shown(msgspec.Struct, frozen=True):
    """One delivery with its body; bytes of it that are no UTF-8 are written as \\xNN."""

    delivery: JudgedDelivery
    body: str


class Retried(msgspec.Struct, frozen=True):
    """What a retry found among the deliveries with a problem: `resolved` are in the log as events already, `events` are
    events now, by name, `still` have a problem, by problem. `appended` says whether the events were appended."""

    looked_at: int
    resolved: int
    events: dict[str, int]
    still: dict[str, int]
    appended: bool


def list_quarantine(
    settings: Settings, *, problem: str | None = None, name: str | None = None, limit: int = 50
) -> Listed:
    """The newest `limit` deliveries with a problem, and how many there are in all. Raises LakeError."""
    chosen = "problem is not null and problem = coalesce(?, problem) and name is not distinct from coalesce(?, name)"
    counts = f"select problem, count(*) from lake.log.events where {chosen} group by problem order by problem"
    query = f"""
        select {COLUMNS}
        from lake.log.events as events
        where {chosen}
        order by events.received_at desc, journal desc, position desc
        limit ?
    """
    with open_lake(settings, read_only=True) as con:
        problems = dict(con.execute(counts, [problem, name]).fetchall())
        return Listed(problems, tuple(_judged(con, con.execute(query, [problem, name, limit]).fetchall())))


def show_quarantined(settings: Settings, identity: str) -> Shown:
    """The delivery called `identity`: journal and position, of the journal at least its end.

    Raises QuarantineError when there is none or more than one of that name, and LakeError.
    """
    journal, _, position = identity.rpartition(":")
    hint = "`warehouse quarantine list` shows the ids"
    if not journal or not position.isdecimal():
        raise QuarantineError("is not the id of a delivery.", hint, where=identity)
    query = f"""
        select {COLUMNS}
        from lake.log.events
        where problem is not null and ends_with(journal, ?) and position = ?
        order by journal
        limit 2
    """
    with open_lake(settings, read_only=True) as con:
        rows = con.execute(query, [journal, int(position)]).fetchall()
        if not rows:
            raise QuarantineError("there is no such delivery in the quarantine.", hint, where=identity)
        if len(rows) > 1:
            raise QuarantineError(
                "more than one delivery is called so.", f"a longer id, such as {rows[0][1]}:{position}", where=identity
            )
        (delivery,) = _judged(con, rows)
    return Shown(delivery, _body(rows[0]).decode("utf-8", "backslashreplace"))


def retry_quarantined(settings: Settings, *, append: bool = False, progress: Progress | None = None) -> Retried:
    """Read every delivery with a problem again; with `append` those that are events now go to the journal and the log.

    `progress` is told how many were looked at and of how many. Without `append` nothing is changed. Raises LockHeld,
    JournalError or LakeError; what was appended before stays.
    """
    if not append:
        return _retry(settings, None, progress)
    with hold_lock(settings.home / "quarantine.lock", wait=LOCK_SECONDS):
        # A retry that died may have left its deliveries in a journal: only the log tells what is there already.
        seal(settings)
        with JournalWriter(settings.journal_dir) as journal:
            result = _retry(settings, journal, progress)
        seal(settings)
    return result


def _retry(settings: Settings, journal: JournalWriter | None, progress: Progress | None) -> Retried:
    events, still = Counter[str](), Counter[str]()
    looked_at = resolved = 0
    taken = set[bytes]()
    with open_lake(settings, read_only=True) as con:
        ((total,),) = con.execute("select count(*) from lake.log.events where problem is not null").fetchall()
        for rows in _steps(con.cursor()):
            read = [decode(_body(row), time_ns() // 1000) for row in rows]
            still.update(delivery.problem.value for delivery in read if delivery.problem is not None)
            good = [delivery for delivery in read if delivery.problem is None]
            known = _in_log(con, good)
            # The same bytes may be in the quarantine many times and become an event once.
            fresh = {body: one for one in good if (body := _digest(one.body)) not in known and body not in taken}
            taken |= fresh.keys()
            resolved += len(good) - len(fresh)
            events.update(str(delivery.name) for delivery in fresh.values())
            if journal is not None and fresh:
                journal.append(list(fresh.values()))
            looked_at += len(rows)
            if progress is not None:
                progress(looked_at, total)
    return Retried(looked_at, resolved, _sorted(events), _sorted(still), journal is not None)


def _steps(con: duckdb.DuckDBPyConnection) -> Iterator[list[Row]]:
    """All deliveries with a problem in the order of the log, some thousands at a time."""
    query = f"select {COLUMNS} from lake.log.events where problem is not null order by batch, journal, position"
    result = con.execute(query)
    while rows := result.fetchmany(ROWS_A_STEP):
        yield rows


def _judged(con: duckdb.DuckDBPyConnection, rows: Sequence[Row]) -> Iterator[JudgedDelivery]:
    read = [decode(_body(row), 0) for row in rows]
    known = _in_log(con, [delivery for delivery in read if delivery.problem is None])
    for row, delivery in zip(rows, read, strict=True):
        resolved = delivery.problem is None and _digest(delivery.body) in known
        columns: list[Any] = [*row[:-2], delivery.problem, resolved]
        yield JudgedDelivery(*columns)


def _in_log(con: duckdb.DuckDBPyConnection, deliveries: Sequence[Delivery]) -> set[bytes]:
    """The digests of bodies that are in the log as events of the same keys as these."""
    if not deliveries:
        return set()
    # First the narrow columns: only few bodies have to be read.
    found = con.execute(
        """
        select body
        from lake.log.events
        where problem is null and (name, idempotency_key) in (select unnest(?), unnest(?))
        """,
        [[one.name for one in deliveries], [one.idempotency_key for one in deliveries]],
    ).fetchall()
    return {_digest(body.encode()) for (body,) in found if body is not None}


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _body(row: Row) -> bytes:
    body, raw_body = row[-2:]
    return body.encode() if body is not None else raw_body or b""


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
