"""What was sold, by day and channel."""

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import sales as q
from warehouse.serving.dashboard.show import Figure, chart, figures, money, table


def show(version: int) -> None:
    """Sales are booked by channel, and on the web at no location."""
    choice = ask(version, "currency", "channels")
    total, currency = one(version, q.SALES.sql, choice), choice.currency
    orders, meaning = total["orders"], q.SALES.meaning
    each = money(total["net_sales"] / orders) if orders else "none"
    figures(
        Figure(f"Net sales ({currency})", money(total["net_sales"]), meaning("net_sales")),
        Figure("Orders", f"{orders:,}", meaning("orders")),
        Figure(f"Net sales an order ({currency})", each, "metric.average_order_value"),
        Figure("Units ordered", f"{total['units']:,}", meaning("units")),
        Figure("Units cancelled", f"{total['cancelled_units']:,}", meaning("cancelled_units")),
    )
    days = answer(version, q.SALES_BY_DAY.sql, choice)
    colours = charts.in_order(days, "channel", "place")
    drawn = charts.bars_by_day(days, "net_sales", f"net sales ({currency})", choice.unit, "channel", colours)
    chart(f"Net sales by {choice.unit} and channel", drawn, days)
    table("By channel", q.SALES_BY_CHANNEL, answer(version, q.SALES_BY_CHANNEL.sql, choice), currency)
