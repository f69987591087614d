"""What came out of a home, for a person: what was delivered, what it became, what was sold, how long it took."""

from typing import Any, Final

import duckdb
import msgspec
from rich.console import Console
from rich.table import Table

from warehouse.lake import open_lake
from warehouse.settings import Settings

DAYS: Final = 14
BAR_CELLS: Final = 40

DELIVERIES: Final = """
select
    count(*) as deliveries,
    count(*) filter (where problem is not null) as problems,
    count(distinct (tenant, name, idempotency_key, payload_hash)) filter (where problem is null) as events
from log.events
"""
STATUSES: Final = "select status, count(*) from marts.fct_orders group by status order by count(*) desc, status"
# Currencies are not added up: the one of most orders is shown. Historical orders are facts but no sales.
SALES: Final = """
with main_currency as (
    select currency
    from marts.fct_orders
    where currency is not null
    group by currency
    order by count(*) desc, currency
    limit 1
)

select
    orders.placed_at::date as day,
    orders.currency,
    count(distinct orders.order_id) as orders,
    sum(items.net_amount) as net_sales
from marts.fct_orders as orders
inner join marts.fct_order_items as items using (tenant, order_id)
semi join main_currency on orders.currency = main_currency.currency
where
    orders.placed_at is not null
    and not coalesce(orders.is_historical, false)
    and items.swapped_to_item_id is null
group by day, orders.currency
order by day desc
limit ?
"""


class Timing(msgspec.Struct, frozen=True):
    """Seconds that posting and refreshing took."""

    posting: float
    refreshing: float


def show_summary(console: Console, settings: Settings, timing: Timing) -> None:
    """Print the summary of the lake of this home. Raises LakeError."""
    with open_lake(settings, read_only=True) as con:
        deliveries, problems, events = _row(con, DELIVERIES)
        console.print(_facts(deliveries, problems, events, timing))
        console.print("\n[bold]Orders by status[/]", _statuses(con), sep="\n")
        days = con.execute(SALES, [DAYS]).fetchall()[::-1]
    if days:
        console.print(f"\n[bold]Net sales by day[/], in {days[0][1]}", _sales(days), sep="\n")


def _facts(deliveries: int, problems: int, events: int, timing: Timing) -> Table:
    table = Table("", "", show_header=False, box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for title, value, remark in (
        ("deliveries", f"{deliveries:,}", "kept byte for byte"),
        ("distinct events", f"{events:,}", "in any order, they give the same facts"),
        ("duplicates", f"{deliveries - problems - events:,}", "without effect on any fact"),
        ("problems", f"{problems:,}", "kept aside, answered with 200 all the same"),
        ("posting", f"{timing.posting:.1f} s", "over HTTP, each on the disk before its answer"),
        ("refresh", f"{timing.refreshing:.1f} s", "while the receiver went on receiving"),
    ):
        table.add_row(f"[bold]{title}[/]", value, f"[dim]{remark}[/]")
    return table


def _statuses(con: duckdb.DuckDBPyConnection) -> Table:
    table = Table("", "", show_header=False, box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for status, orders in con.execute(STATUSES).fetchall():
        table.add_row(status, f"{orders:,}")
    return table


def _sales(days: list[tuple[Any, ...]]) -> Table:
    table = Table("day", "orders", "net sales", "", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    most = max(net_sales for *_, net_sales in days)
    for day, _, orders, net_sales in days:
        cells = int(BAR_CELLS * net_sales / most) if net_sales > 0 else 0
        table.add_row(f"{day:%Y-%m-%d}", f"{orders:,}", f"{net_sales:,.2f}", f"[green]{'█' * cells}[/]")
    return table


def _row(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row
