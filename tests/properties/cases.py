"""One world delivered to many tenants, to each in its own order, repetition and split over the same few refreshes.

Tenants do not touch each other, so each is a case of its own, and all must end with the same marts but for the tenant.
"""

import itertools
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tests.properties.worlds import Envelope
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Parts = list[list[Envelope]]

# What a retailer trusts; of `trust` those tables that say nothing of how and when something arrived.
TRUST: set[str] = {"event_conflicts", "missing_parents", "order_reconciliation"}
SHOWN_ROWS = 3


class Digest(NamedTuple):
    """All rows of one mart, all columns but the tenant, in whatever order."""

    rows: int
    sum: int
    xor: int


class Difference(NamedTuple):
    """Two tenants whose marts differ, and some rows that only one of them has."""

    mart: str
    tenant: str
    other: str
    only_tenant: list[tuple[Any, ...]]
    only_other: list[tuple[Any, ...]]


def arrange(chance: random.Random, world: Sequence[Envelope], parts: int) -> Parts:
    """The world's events, each at least once, cut into so many parts."""
    way = chance.choice([_scattered, _scattered, _scattered, _in_order, _backwards, _at_once, _late, _replayed])
    return way(chance, list(world), parts)


def deliver(settings: Settings, tenants: dict[str, Sequence[Envelope]]) -> int:
    """Put these events of each tenant into the journal of a home; how many deliveries that was."""
    settings.home.mkdir(parents=True, exist_ok=True)
    count = 0
    with JournalWriter(settings.journal_dir) as journal:
        for tenant, events in tenants.items():
            now = time.time_ns() // 1000
            bodies = [json.dumps({**event, "tenant": tenant}).encode() for event in events]
            group = [decode(body, now, with_reference=True) for body in bodies]
            if group:
                journal.append(group)
            count += len(group)
    return count


def run(settings: Settings, tenants: dict[str, Parts], full: Sequence[bool]) -> int:
    """Deliver part by part with a refresh after each, full where said; how many deliveries that was."""
    count = 0
    for part, whole in enumerate(full):
        count += deliver(settings, {tenant: parts[part] for tenant, parts in tenants.items()})
        refresh(settings, full=whole)
    return count


def digests(settings: Settings) -> dict[str, dict[str | None, Digest]]:
    """What every mart holds, by its name and by tenant; under None for a mart that has no tenants."""
    with open_lake(settings, read_only=True) as con:
        return {mart: _digests_of(con, mart) for mart in _marts(con)}


def find_difference(settings: Settings) -> Difference | None:
    """The first mart that is not the same for all tenants; None when all are."""
    for mart, by_tenant in digests(settings).items():
        seen: dict[Digest, list[str]] = {}
        for tenant, digest in by_tenant.items():
            seen.setdefault(digest, []).append(str(tenant))
        if len(seen) > 1:
            # One of the few against one of the many.
            few, *_, many = sorted(seen.values(), key=len)
            return _difference(settings, mart, few[0], many[0])
    return None


def _difference(settings: Settings, mart: str, tenant: str, other: str) -> Difference:
    with open_lake(settings, read_only=True) as con:
        rows = f"select * exclude (tenant) from lake.{mart} where tenant = "
        query = f"{rows} ? except {rows} ? order by all limit {SHOWN_ROWS}"
        mine = con.execute(query, [tenant, other]).fetchall()
        others = con.execute(query, [other, tenant]).fetchall()
    return Difference(mart, tenant, other, mine, others)


def write_parts(folder: Path, parts: Parts) -> None:
    """The deliveries of one tenant as files for `warehouse replay`, one for each refresh."""
    folder.mkdir(parents=True)
    for number, part in enumerate(parts, 1):
        lines = [json.dumps({**event, "tenant": folder.name}) for event in part]
        (folder / f"part-{number}.ndjson").write_text("".join(f"{line}\n" for line in lines))


def minimise(parts: Parts, other: Parts, differs: Callable[[Parts, Parts], bool], tries: int) -> tuple[Parts, Parts]:
    """The two arrangements with as many events left out as so many tries allow and they still differ."""
    keys = sorted({_identity(event) for part in parts for event in part})
    step = max(1, len(keys) // 2)
    while tries > 0 and step >= 1 and len(keys) > 1:
        for start in range(0, len(keys), step):
            if tries == 0:
                break
            left = set(keys[:start] + keys[start + step :])
            tries -= 1
            if left and differs(_only(parts, left), _only(other, left)):
                keys = sorted(left)
                break
        else:
            step = step // 2
    return _only(parts, set(keys)), _only(other, set(keys))


def _identity(event: Envelope) -> str:
    return json.dumps(event, sort_keys=True)


def _only(parts: Parts, identities: set[str]) -> Parts:
    return [[event for event in part if _identity(event) in identities] for part in parts]


def _marts(con: duckdb.DuckDBPyConnection) -> list[str]:
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'lake' and schema_name in ('marts', 'trust') order by all"
    ).fetchall()
    return [f"{schema}.{name}" for schema, name in tables if schema == "marts" or name in TRUST]


def _digests_of(con: duckdb.DuckDBPyConnection, mart: str) -> dict[str | None, Digest]:
    columns = [row[0] for row in con.execute(f"describe lake.{mart}").fetchall()]
    tenant = "tenant" if "tenant" in columns else "null"
    hashed = f"hash({', '.join(column for column in columns if column != 'tenant')})"
    rows = con.execute(
        f"select {tenant}, count(*), sum({hashed})::hugeint, bit_xor({hashed}) from lake.{mart} group by all"
    ).fetchall()
    return {row[0]: Digest(*row[1:]) for row in rows}


def _repeated(chance: random.Random, events: Sequence[Envelope]) -> list[Envelope]:
    """Each event once, a third of them up to three times more."""
    return [event for event in events for _ in range(1 + (chance.randint(1, 3) if chance.random() < 0.3 else 0))]


def _cut(chance: random.Random, events: Sequence[Envelope], parts: int) -> Parts:
    cuts = [0, *sorted(chance.randint(0, len(events)) for _ in range(parts - 1)), len(events)]
    return [list(events[start:end]) for start, end in itertools.pairwise(cuts)]


def _scattered(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    deliveries = _repeated(chance, events)
    chance.shuffle(deliveries)
    return _cut(chance, deliveries, parts)


def _in_order(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    return _cut(chance, events, parts)


def _backwards(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    return _cut(chance, _repeated(chance, events)[::-1], parts)


def _at_once(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    """All in one part, none in the others."""
    deliveries = _repeated(chance, events)
    chance.shuffle(deliveries)
    return [deliveries if part == chosen else [] for chosen in [chance.randrange(parts)] for part in range(parts)]


def _late(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    """Nearly all in the first part; in each of the others a few."""
    chance.shuffle(events)
    few = [events[part * 3 : part * 3 + 3] for part in range(parts - 1)]
    return [events[(parts - 1) * 3 :], *few]


def _replayed(chance: random.Random, events: list[Envelope], parts: int) -> Parts:
    """The whole world in every part, each time in another order."""
    return [chance.sample(events, len(events)) for _ in range(parts)]
