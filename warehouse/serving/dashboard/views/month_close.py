"""The close of a month: the column of sums that finance books, and what to look at before it does."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from warehouse.serving.dashboard.choice import Choice
from warehouse.serving.dashboard.definitions import define
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import month_close as q
from warehouse.serving.dashboard.show import Figure, figures, heading, money, table
from warehouse.serving.month_close import LINES, NET_AFTER


def show(version: int) -> None:
    """The last month when nothing else is chosen."""
    choice = ask(version, "currency", span="Last month", days_key="days-close")
    st.markdown(f"#### {choice.span}")
    sums, taxes = one(version, q.SALES.sql, choice), answer(version, q.TAXES.sql, choice)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _column_of_sums(choice, sums)
    with right:
        table("Tenders", q.TENDERS, answer(version, q.TENDERS.sql, choice), choice.currency, "No money moved.")
        table("Taxes", q.TAXES, taxes, choice.currency, "No tax was collected or given back.")
    _gift_cards(choice, one(version, q.GIFT_CARDS.sql, choice))
    _reconciliation(version, choice)


def _column_of_sums(choice: Choice, sums: Mapping[str, Any]) -> None:
    """Each line on its own, what they come to so far, and whether they come to the total."""
    lines = [(name, sign * sums[name] + 0) for name, sign in LINES]
    net, total = sums["net_sales"], sums["total_sales"]
    shown = [*lines[:NET_AFTER], ("net_sales", net), *lines[NET_AFTER:], ("total_sales", total)]
    rows = pa.table(
        {
            "line": [name for name, _ in shown],
            "amount": pa.array([amount for _, amount in shown], pa.decimal128(38, 4)),
            "currency": [choice.currency] * len(shown),
        }
    )
    heading(f"From gross to total ({choice.currency})", rows)
    with st.container(border=True, gap="small"):
        for name, amount in shown:
            _line(name, amount, is_sum=name in ("net_sales", "total_sales"))
    difference = total - sum((amount for _, amount in lines), Decimal(0))
    if sums["too_large"]:
        st.warning(f"On {sums['too_large']:,} days of a channel the sum is larger than its column can hold.")
    elif difference or net != sum((amount for _, amount in lines[:NET_AFTER]), Decimal(0)):
        st.error(f"The lines differ from the total by {money(difference)} {choice.currency}.")
    else:
        st.success("The lines add up to the total, to the cent.")


def _line(name: str, amount: Decimal, *, is_sum: bool) -> None:
    strong = "**" if is_sum else ""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        title = f"= {name.replace('_', ' ')}" if is_sum else name.replace("_", " ")
        st.markdown(f"{strong}{title}{strong}", width="content", help=define(q.SALES.meaning(name)))
        st.markdown(f"{strong}{money(amount)}{strong}", width="content")


def _gift_cards(choice: Choice, cards: Mapping[str, Any]) -> None:
    names = {
        "sold": "Sold",
        "cancelled": "Cancelled",
        "returned": "Returned",
        "redeemed": "Redeemed",
        "refunded_to": "Refunded to cards",
        "net_liability_change": "Owed more (less)",
    }
    rows = pa.Table.from_pylist([{**cards, "currency": choice.currency}])
    heading(f"Gift cards ({choice.currency})", rows)
    figures(*(Figure(name, money(cards[key]), q.GIFT_CARDS.meaning(key)) for key, name in names.items()))


def _reconciliation(version: int, choice: Choice) -> None:
    st.markdown("#### What does not reconcile")
    st.caption(
        "Of the orders of these days, up to the newest event. A difference is to be looked at and need not be wrong: "
        "money is captured as units leave, and an exchange is paid on the account of the original order."
    )
    if waiting := one(version, q.WAITING.sql, choice)["orders"]:
        orders = "1 order waits for its header" if waiting == 1 else f"{waiting:,} orders wait for their headers"
        st.warning(
            f"{orders}, of whatever day and currency: what has no header is in no sum. Trust says what has come."
        )
    left, right = st.columns([2, 3], gap="large")
    with left:
        table("Checks", q.CHECKS, answer(version, q.CHECKS.sql, choice), choice.currency)
    with right:
        found = answer(version, q.DIFFERENCES.sql, choice)
        table("The largest differences", q.DIFFERENCES, found, choice.currency, "All of it reconciles.")
