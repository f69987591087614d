"""Writes a file of reference data to be filled in: the ids that the facts have met, and all that is loaded already.

What it writes, `load` reads as nothing new.
"""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import duckdb
import msgspec

from warehouse.errors import LakeMissing
from warehouse.lake.connection import open_lake
from warehouse.reference.kinds import Kind
from warehouse.reference.state import Loaded, Said, choose_tenant, count_loaded, read_state, tenants
from warehouse.reference.values import Value
from warehouse.settings import Settings

# Where the facts have met the things of a kind, and in which columns; of the others there are none to be met.
MET: Final = {
    "locations": ("dim_locations", ("location_id",)),
    "products": ("dim_products", ("product_id",)),
    "channels": ("dim_channels", ("channel",)),
    "tenders": ("dim_tenders", ("payment_method", "payment_provider")),
}


class Table(msgspec.Struct, frozen=True):
    """The rows of one kind, each field as a file has it; `tenant` is None where none is known."""

    tenant: str | None
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def template(settings: Settings, kind: Kind, tenant: str | None = None) -> Table:
    """All things of a kind that are met or loaded, sorted by id; where no tenant is known the head alone.

    Raises LakeError, or ReferenceDataError where there are several tenants and none is named.
    """
    try:
        with open_lake(settings, read_only=True) as con:
            known = tenants(con)
            if known or tenant is not None:
                whose = choose_tenant(known, tenant)
                return _table(kind, whose, {**_met(con, kind, whose), **read_state(con, kind, whose).things})
    except LakeMissing:
        pass
    return _table(kind, tenant, {})


def loaded(settings: Settings, kind: Kind, tenant: str | None = None) -> Table:
    """All things of a kind that are loaded, sorted by id. Raises as `template` does, and where no tenant is known."""
    with open_lake(settings, read_only=True) as con:
        whose = choose_tenant(tenants(con), tenant)
        return _table(kind, whose, read_state(con, kind, whose).things)


def list_loaded(settings: Settings, tenant: str | None = None) -> list[Loaded]:
    """How many rows of each kind count, of a tenant or of all. Raises LakeError."""
    with open_lake(settings, read_only=True) as con:
        return count_loaded(con, tenant)


def as_csv(table: Table) -> str:
    """The table as the text of a file."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _met(con: duckdb.DuckDBPyConnection, kind: Kind, tenant: str) -> dict[tuple[str, ...], Said]:
    mart, columns = MET.get(kind.name, ("", ()))
    exists = "select 1 from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' and table_name = ?"
    # Before the first refresh there are no marts.
    if not con.execute(exists, [mart]).fetchall():
        return {}
    rows = con.execute(f"select {', '.join(columns)} from lake.marts.{mart} where tenant = ?", [tenant]).fetchall()
    said = [dict(zip(columns, row, strict=True)) for row in rows]
    return {kind.key_of(one): one for one in said}


def _table(kind: Kind, tenant: str | None, things: Mapping[tuple[str, ...], Said]) -> Table:
    rows = (tuple(as_field(things[key].get(name)) for name in kind.columns) for key in sorted(things))
    return Table(tenant, tuple(kind.columns), tuple(rows))


def as_field(value: Value | None) -> str:
    """A value as a file has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else value
