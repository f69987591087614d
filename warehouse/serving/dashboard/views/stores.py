"""What stores and distribution centres have to do and did, and who sells in them."""

import streamlit as st

from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard.choice import Choice
from warehouse.serving.dashboard.filters import ask
from warehouse.serving.dashboard.lake import answer, one
from warehouse.serving.dashboard.questions import stores as q
from warehouse.serving.dashboard.show import Figure, chart, figures, table


def show(version: int) -> None:
    """The backlog is that of the newest event, whatever days are chosen."""
    choice = ask(version, "currency", "locations")
    _backlog(version, choice)
    st.markdown(f"#### {choice.span}")
    _fulfilment(version, choice)
    table("By location", q.BY_LOCATION, answer(version, q.BY_LOCATION.sql, choice), choice.currency)
    left, right = st.columns(2, gap="large")
    with left:
        table("By service level", q.FULFILMENT_BY_LEVEL, answer(version, q.FULFILMENT_BY_LEVEL.sql, choice))
    with right:
        reasons = answer(version, q.REJECTED.sql, choice)
        drawn = charts.bars_by_name(reasons, "reason", "units", "units turned down")
        chart("Why units were turned down", drawn, reasons, "No location turned units down.")
    people = answer(version, q.ASSOCIATES.sql, choice)
    table("Associates", q.ASSOCIATES, people, choice.currency, "No order of these days names an associate.")


def _backlog(version: int, choice: Choice) -> None:
    st.markdown("#### Open requests")
    total = one(version, q.BACKLOG.sql, choice)
    figures(
        Figure("Open requests", f"{total['requests']:,}", q.BACKLOG.meaning("requests")),
        Figure("Open units", f"{total['units']:,}", q.BACKLOG.meaning("units")),
        Figure(
            "Over two days old",
            f"{total['over_two_days']:,}",
            q.BACKLOG.meaning("over_two_days"),
            note="Open requests whose age is two days or more.",
        ),
        Figure("Oldest", _age(total["oldest_hours"]), q.BACKLOG.meaning("oldest_hours")),
    )
    if not total["requests"]:
        st.info("Every request is fulfilled or turned down.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        places = answer(version, q.BACKLOG_BY_LOCATION.sql, choice)
        drawn = charts.bars_by_name(places, "location", "requests", "open requests", "age", charts.OPEN)
        chart("Open requests by location and age", drawn, places)
    with right:
        table("The oldest of them", q.OLDEST, answer(version, q.OLDEST.sql, choice))


def _fulfilment(version: int, choice: Choice) -> None:
    total = one(version, q.FULFILMENT.sql, choice)
    meaning = q.FULFILMENT.meaning
    shipped = "Orders that are shipped; what is taken away in the store leaves as it is bought."
    figures(
        Figure("Orders routed", f"{total['orders']:,}", meaning("orders")),
        Figure("Taken away", f"{total['taken_away']:,}", meaning("taken_away")),
        Figure("Shipped, half within", _age(total["median_hours"]), meaning("median_hours"), note=shipped),
        Figure("Shipped, 90% within", _age(total["p90_hours"]), meaning("p90_hours"), note=f"Nine in ten. {shipped}"),
        Figure("Turned down", f"{total['rerouted']:,}", meaning("rerouted")),
        Figure("Split", f"{total['split']:,}", meaning("split")),
    )
    days = answer(version, q.FULFILMENT_BY_DAY.sql, choice)
    title = f"Shipped orders, from placed to the last unit gone: the median by {choice.unit}, and up to nine in ten"
    chart(title, charts.hours_by_day(days, choice.unit), days)


def _age(hours: float | None) -> str:
    return "none" if hours is None else f"{hours:,.1f} h"
