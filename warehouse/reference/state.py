"""What the log of a home says of a retailer's own data: the newest delivery of each thing, and which tenants there are.

The newest is the one with the greatest published_at, then payload hash, as in the models. What is in no batch yet is
not seen: whoever must not miss it seals first.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import duckdb
import msgspec

from warehouse.errors import ReferenceDataError
from warehouse.reference.kinds import KINDS, Kind
from warehouse.reference.values import Value

Said = Mapping[str, Value | None]
# So many tenants are named in an error.
SHOWN: Final = 10


class _Body(msgspec.Struct):
    payload: dict[str, Any]


_decode: Final = msgspec.json.Decoder(_Body, float_hook=Decimal).decode


class State(msgspec.Struct, frozen=True):
    """What is known of the things of one kind, by key, and the newest published_at among all that was said, in
    microseconds since 1970; 0 where nothing was."""

    things: Mapping[tuple[str, ...], Said]
    published_at: int


class Loaded(msgspec.Struct, frozen=True):
    """How many rows of a kind count for a tenant, and when one was loaded last, in UTC."""

    kind: str
    tenant: str
    rows: int
    loaded_at: str


def read_state(con: duckdb.DuckDBPyConnection, kind: Kind, tenant: str) -> State:
    """What a tenant has said of the things of a kind, on a connection that has the lake attached."""
    rows = con.execute(
        """
        select
            arg_max(body, (published_at, payload_hash)),
            epoch_us(max(published_at))
        from lake.log.events
        where name = ? and tenant = ? and problem is null and body is not null
        group by idempotency_key
        """,
        [kind.event, tenant],
    ).fetchall()
    things = {}
    for body, _ in rows:
        payload = _decode(body.encode()).payload
        said = {name: _value(payload.get(name)) for name in kind.columns}
        things[kind.key_of(said)] = said
    return State(things, max((int(at) for _, at in rows), default=0))


def count_loaded(con: duckdb.DuckDBPyConnection, tenant: str | None) -> list[Loaded]:
    """What there is of each kind for a tenant, or for all of them, in the order of the kinds."""
    kinds = {kind.event: kind.name for kind in KINDS.values()}
    rows = con.execute(
        """
        select name, tenant, count(distinct idempotency_key), epoch_us(max(published_at))
        from lake.log.events
        where name in (select unnest(?::varchar[])) and problem is null and tenant = coalesce(?, tenant)
        group by name, tenant
        order by tenant
        """,
        [list(kinds), tenant],
    ).fetchall()
    found = [Loaded(kinds[name], whose, count, _written(at)) for name, whose, count, at in rows]
    return sorted(found, key=lambda one: list(KINDS).index(one.kind))


def tenants(con: duckdb.DuckDBPyConnection) -> list[str]:
    """All tenants of which the log has an event or reference data, sorted."""
    rows = con.execute(
        "select distinct tenant from lake.log.events where problem is null and tenant is not null order by tenant"
    ).fetchall()
    return [tenant for (tenant,) in rows]


def choose_tenant(known: Sequence[str], tenant: str | None) -> str:
    """The tenant that is named, else the only one that is known. Raises ReferenceDataError where there is not one."""
    if tenant is not None:
        if not tenant.strip():
            raise ReferenceDataError("--tenant is empty.", "name the retailer, as `tenant` stands in NewStore's events")
        return tenant.strip()
    if len(known) == 1:
        return known[0]
    if not known:
        raise ReferenceDataError(
            "no event has come here yet, so nothing says whose data these are.",
            "give --tenant, as `tenant` stands in NewStore's events",
        )
    shown = ", ".join(known[:SHOWN]) + (", …" if len(known) > SHOWN else "")
    raise ReferenceDataError(f"there are {len(known)} tenants here.", f"give --tenant, one of {shown}")


def _value(value: Any) -> Value | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value if isinstance(value, str | bool | Decimal) and value != "" else None


def _written(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).isoformat(timespec="milliseconds")
