"""What is where, what moved, and which positions are least sure."""

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import stock as q
from warehouse.serving.dashboard.show import Figure, chart, figures, table


def show(version: int) -> None:
    """Stock is that of the newest event; movements are those of the days chosen."""
    choice = ask(version, "locations")
    total, meaning = one(version, q.STOCK.sql, choice), q.STOCK.meaning
    positions = total["positions"]
    figures(
        Figure("Units on hand", f"{total['on_hand']:,}", meaning("on_hand")),
        Figure("Products at locations", f"{positions:,}", meaning("positions")),
        Figure(
            "Of these ever counted", f"{total['counted'] / positions:.0%}" if positions else "none", meaning("counted")
        ),
        Figure("Of these below zero", f"{total['below_zero']:,}", meaning("below_zero")),
    )
    left, right = st.columns(2, gap="large")
    with left:
        places = answer(version, q.STOCK_BY_LOCATION.sql, choice)
        chart("On hand", charts.bars_by_name(places, "location", "on_hand", "units on hand"), places)
    with right:
        days = answer(version, q.MOVEMENTS_BY_DAY.sql, choice)
        drawn = charts.bars_by_day(days, "units", "units (out below zero)", choice.unit, "movement", charts.MOVEMENTS)
        chart(f"Moved by {choice.unit}", drawn, days)
        if opening := one(version, q.OPENING.sql, choice)["units"]:
            st.caption(
                f"Without {opening:,} units received on the first day of a location, when all its stock came in."
            )
    least = answer(version, q.LEAST_SURE.sql, choice)
    table("Least sure: below zero, never counted, or counted long ago", q.LEAST_SURE, least)
