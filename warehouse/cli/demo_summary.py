"""What came out of the demo, for a person: what arrived, what it became, and whether the retailer's own books agree."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import duckdb
import msgspec
from rich.console import Console
from rich.table import Table

from warehouse.lake.connection import open_lake
from warehouse.settings import Settings
from warehouse.simulator import Truth
from warehouse.simulator.money import decimal

DAYS: Final = 10
BAR_CELLS: Final = 30

DELIVERIES: Final = """
select
    count(*) as deliveries,
    count(*) filter (where problem is not null) as problems,
    count(distinct (tenant, name, idempotency_key, payload_hash)) filter (where problem is null) as events
from log.events
"""
STATUSES: Final = "select status, count(*) from marts.fct_orders group by status order by count(*) desc, status"
# Currencies are never added up; everything here is in the one of most orders.
CURRENCY: Final = """
select currency
from marts.fct_orders
where currency is not null
group by currency
order by count(*) desc, currency
limit 1
"""
SALES: Final = """
select date, sum(orders), sum(net_sales)
from marts.daily_sales
where currency = ?
group by date
having sum(orders) > 0
order by date desc
limit ?
"""
NET_SALES: Final = "select coalesce(sum(net_sales), 0) from marts.daily_sales where currency = ?"
PAYMENTS: Final = """
select
    coalesce(sum(authorized), 0),
    coalesce(sum(captured), 0),
    coalesce(sum(refunded), 0),
    coalesce(sum(voided), 0),
    coalesce(sum(authorized_not_captured) filter (where authorized_not_captured > 0), 0),
    count(*) filter (where authorized_not_captured > 0)
from marts.fct_payment_accounts
where currency = ?
"""
REASONS: Final = """
select coalesce(return_reason, 'no reason given'), count(*)
from marts.fct_return_items
where item_type is distinct from 'shipping'
group by all
order by count(*) desc, 1
"""
STOCK: Final = """
select location_id, sum(on_hand)
from marts.fct_inventory_on_hand
group by location_id
order by sum(on_hand) desc, location_id
"""
COUNTS: Final = """
select
    (select count(*) from marts.fct_orders),
    (select count(*) from marts.fct_returns),
    (select coalesce(sum(on_hand), 0) from marts.fct_inventory_on_hand)
"""


class Timing(msgspec.Struct, frozen=True):
    """Seconds that posting and refreshing took."""

    posting: float
    refreshing: float


class Checked(NamedTuple):
    """A figure of the marts beside the same in the simulated retailer's ledger."""

    name: str
    marts: Decimal | int
    ledger: Decimal | int


def show_summary(console: Console, settings: Settings, timing: Timing, truth: Truth) -> None:
    """Print the summary of the lake of this home beside the ledger of what was told. Raises LakeError."""
    with open_lake(settings, read_only=True) as con:
        _section(console, "What arrived", _arrived(con, timing))
        found = con.execute(CURRENCY).fetchone()
        if found is None:
            console.print("\nNo order was among so few events.")
            return
        currency = str(found[0])
        _section(console, "What it became, beside the simulated retailer's own ledger", _checked(con, currency, truth))
        _section(console, "Orders by status", _bars(con.execute(STATUSES).fetchall()))
        days = con.execute(SALES, [currency, DAYS]).fetchall()[::-1]
        sales = [(f"{day:%Y-%m-%d}", f"{orders:,} orders", net_sales) for day, orders, net_sales in days]
        _section(console, f"Net sales by day, in {currency}", _bars(sales))
        _section(console, f"Payments, in {currency}", _payments(con, currency))
        if reasons := con.execute(REASONS).fetchall():
            _section(console, "Units returned, by reason", _bars(reasons))
        _section(console, "Units on hand", _bars(con.execute(STOCK).fetchall()))


def _arrived(con: duckdb.DuckDBPyConnection, timing: Timing) -> Table:
    deliveries, problems, events = _row(con, DELIVERIES)
    return _table(
        [
            ("deliveries", f"{deliveries:,}", "[dim]kept byte for byte[/]"),
            ("distinct events", f"{events:,}", "[dim]in any order, they give the same facts[/]"),
            ("duplicates", f"{deliveries - problems - events:,}", "[dim]without effect on any fact[/]"),
            ("problems", f"{problems:,}", "[dim]kept aside, answered with 200 all the same[/]"),
            ("posting", f"{timing.posting:.1f} s", "[dim]over HTTP, each on the disk before its answer[/]"),
            ("refresh", f"{timing.refreshing:.1f} s", "[dim]while the receiver went on receiving[/]"),
        ]
    )


def _checked(con: duckdb.DuckDBPyConnection, currency: str, truth: Truth) -> Table:
    rows = [("", "[dim]marts[/]", "[dim]ledger[/]", "")]
    for each in _figures(con, currency, truth):
        verdict = "[green]equal[/]" if each.marts == each.ledger else "[bold red]differ[/]"
        rows.append((each.name, _number(each.marts), _number(each.ledger), verdict))
    return _table(rows, right=(1, 2))


def _figures(con: duckdb.DuckDBPyConnection, currency: str, truth: Truth) -> list[Checked]:
    orders, returns, on_hand = _row(con, COUNTS)
    _, captured, refunded, *_ = _row(con, PAYMENTS, currency)
    accounts = [page for (_, of), page in truth.accounts.items() if of == currency]
    sold = sum(page.net_sales for (*_, of), page in truth.sales.items() if of == currency)
    return [
        Checked("orders", orders, len(truth.orders)),
        Checked(f"net sales, {currency}", _row(con, NET_SALES, currency)[0], decimal(sold)),
        Checked(f"captured, {currency}", captured, decimal(sum(page.captured for page in accounts))),
        Checked(f"refunded, {currency}", refunded, decimal(sum(page.refunded for page in accounts))),
        Checked("returns", returns, len(truth.returns)),
        Checked("units on hand", on_hand, sum(page.on_hand for page in truth.stock.values())),
    ]


def _payments(con: duckdb.DuckDBPyConnection, currency: str) -> Table:
    authorized, captured, refunded, voided, still_open, orders = _row(con, PAYMENTS, currency)
    return _table(
        [
            ("authorized", f"{authorized:,.2f}", ""),
            ("captured", f"{captured:,.2f}", "[dim]as units leave; some authorized before the stream[/]"),
            ("refunded", f"{refunded:,.2f}", "[dim]after returns, and to appease[/]"),
            ("voided", f"{voided:,.2f}", "[dim]of what was cancelled[/]"),
            ("still open", f"{still_open:,.2f}", f"[dim]authorized and not captured, orders: {orders:,}[/]"),
        ]
    )


def _bars(rows: Sequence[tuple[Any, ...]]) -> Table:
    """A row each, with a bar for its last column."""
    most = max((row[-1] for row in rows), default=0)
    drawn = []
    for *names, value in rows:
        cells = round(BAR_CELLS * value / most) if value > 0 else 0
        drawn.append((*map(str, names), _number(value), f"[green]{'█' * cells}[/]"))
    columns = len(rows[0]) if rows else 1
    return _table(drawn, right=range(1, columns))


def _table(rows: Sequence[Sequence[str]], right: Iterable[int] = (1,)) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for number in range(len(rows[0]) if rows else 0):
        table.add_column(justify="right" if number in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _number(value: Decimal | int) -> str:
    return f"{value:,.2f}" if isinstance(value, Decimal) else f"{value:,}"


def _section(console: Console, title: str, content: Table) -> None:
    console.print(f"\n[bold]{title}[/]", content, sep="\n")


def _row(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> tuple[Any, ...]:
    row = con.execute(query, values).fetchone()
    assert row is not None
    return row
