"""The close of a month, as the demo shows it: from gross to total, line by line, and the money that moved."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import duckdb

from warehouse.serving.month_close import LINES, NET_AFTER

# The month of most orders: the last one may have a day or two.
MONTH: Final = """
select date_trunc('month', date)::date as month
from marts.daily_sales
where currency = ?
group by month
order by sum(orders) desc, month desc
limit 1
"""
SALES: Final = f"""
select {", ".join(f"sum({name})" for name, _ in LINES)}, sum(net_sales), sum(total_sales)
from marts.daily_sales
where currency = ? and date_trunc('month', date) = ?
"""
TENDERS: Final = """
select coalesce(sum(captured), 0), coalesce(sum(refunded), 0), coalesce(sum(net), 0)
from marts.daily_tenders
where currency = ? and date_trunc('month', date) = ?
"""


class MonthClose(NamedTuple):
    """A month in one currency: the lines of its sales, signed, and what was captured and given back in it."""

    month: date
    lines: Sequence[tuple[str, Decimal]]
    net_sales: Decimal
    total_sales: Decimal
    captured: Decimal
    refunded: Decimal
    net_tendered: Decimal

    @property
    def difference(self) -> Decimal:
        """What the lines do not explain of the total: nothing."""
        return self.total_sales - sum((amount for _, amount in self.lines), Decimal(0))


def close_month(con: duckdb.DuckDBPyConnection, currency: str) -> MonthClose | None:
    """The month of most orders in that currency, or None where nothing was sold in it."""
    found = con.execute(MONTH, [currency]).fetchone()
    if found is None:
        return None
    *amounts, net_sales, total_sales = _row(con, SALES, currency, found[0])
    captured, refunded, net = _row(con, TENDERS, currency, found[0])
    # Zero has no sign.
    lines = [(name, sign * amount + 0) for (name, sign), amount in zip(LINES, amounts, strict=True)]
    return MonthClose(found[0], lines, net_sales, total_sales, captured, refunded, net)


def as_rows(close: MonthClose) -> list[tuple[str, str, str]]:
    """The close as a person reads it, with what net and total come to."""
    lines = [(name.replace("_", " "), f"{amount:,.2f}", "") for name, amount in close.lines]
    verdict = "adds up to the cent" if not close.difference else f"differs by {close.difference}"
    return [
        *lines[:NET_AFTER],
        ("= net sales", f"{close.net_sales:,.2f}", ""),
        *lines[NET_AFTER:],
        ("= total sales", f"{close.total_sales:,.2f}", f"[dim]{verdict}[/]"),
        ("", "", ""),
        ("captured", f"{close.captured:,.2f}", "[dim]as units leave, which may be in another month[/]"),
        ("refunded", f"{-close.refunded:,.2f}", ""),
        ("= net tendered", f"{close.net_tendered:,.2f}", ""),
    ]


def _row(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> tuple[Decimal, ...]:
    row = con.execute(query, values).fetchone()
    assert row is not None
    return row
