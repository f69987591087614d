"""A business day beside the same day of the year before, store by store."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.choice import Choice, in_words
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import today as q
from warehouse.serving.dashboard.show import Figure, change, chart, figures, money, table


def show(version: int) -> None:
    """The newest business day of the data when nothing else is chosen."""
    choice = ask(version, "day", "currency", "locations")
    before = one(version, q.DAY_BEFORE.sql, choice)["day"]
    total = one(version, q.TOTAL.sql, choice)
    sold_before = total["orders_last_year"] is not None
    st.markdown(f"#### {_day(choice.first)}" + (f", beside {_day(before)}" if before else ""))
    if not sold_before:
        st.caption("The data have nothing of the same day last year, so nothing is compared.")
    _totals(choice, total, one(version, q.SAME_STORES.sql, choice))
    currency = choice.currency
    table(
        "Stores",
        q.STORES,
        answer(version, q.STORES.sql, choice),
        currency,
        "No store sold, handed over or took back anything on this day in this currency.",
    )
    hours = answer(version, q.HOURS.sql, choice)
    chart("Net sales by hour", charts.bars_by_hour(hours, "net_sales", f"net sales ({currency})"), hours)
    table("All channels", q.CHANNELS, answer(version, q.CHANNELS.sql, choice), currency)


def _totals(choice: Choice, total: Mapping[str, Any], same: Mapping[str, Any]) -> None:
    currency = choice.currency

    def figure(name: str, column: str, shown: str) -> Figure:
        before = total[f"{column}_last_year"]
        return Figure(
            name, shown, q.TOTAL.meaning(column), change(total[column], before), "Of all channels and locations."
        )

    net, orders = total["net_sales"], total["orders"]
    figures(
        figure(f"Net sales ({currency})", "net_sales", money(net)),
        figure("Orders", "orders", f"{orders:,}"),
        figure("Units", "units", f"{total['units']:,}"),
        Figure(
            f"Net sales an order ({currency})",
            money(net / orders) if orders else "none",
            "metric.average_order_value",
            change(net / orders, _each(total)) if orders and _each(total) else None,
        ),
        Figure(
            f"Same stores ({currency})",
            money(same["net_sales"]) if same["stores"] else "none",
            q.SAME_STORES.meaning("stores"),
            change(same["net_sales"], same["net_sales_same_day_last_year"]) if same["stores"] else None,
            "Net sales of the stores that were open on both days.",
        ),
    )


def _day(day: date) -> str:
    return f"{day:%A}, {in_words(day)}"


def _each(total: Mapping[str, Any]) -> Decimal | None:
    orders = total["orders_last_year"]
    return Decimal(total["net_sales_last_year"]) / int(orders) if orders else None
