"""The page itself, run by streamlit: filters at the side, a tab for each subject, every figure from one snapshot.

Questions are asked of the lake as it was at that snapshot, which the page names, and answers are cached by it: a reload
after a refresh shows the new facts, and nothing is asked twice.
"""

from datetime import UTC, date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import streamlit as st

from warehouse.errors import WarehouseError
from warehouse.lake.connection import open_lake
from warehouse.lake.time_travel import open_snapshot
from warehouse.serving.dashboard import charts
from warehouse.serving.dashboard import questions as q
from warehouse.serving.dashboard.questions import Choice
from warehouse.settings import Settings

# Whoever still looks at the page of an earlier refresh keeps its snapshot; who comes back later sees the newest.
SNAPSHOTS: Final = 3
METRIC_WIDTH: Final = "stretch"


@st.cache_resource
def lake() -> duckdb.DuckDBPyConnection:
    """A connection that sees what is newest; it says which snapshot that is."""
    return open_lake(Settings.load(), read_only=True)


@st.cache_resource(max_entries=SNAPSHOTS)
def lake_at(version: int) -> duckdb.DuckDBPyConnection:
    """A connection that stays at that snapshot, whatever is published meanwhile."""
    return open_snapshot(Settings.load(), version)


def snapshot() -> int:
    """The lake's newest snapshot."""
    with lake().cursor() as con:
        ((newest,),) = con.execute("from ducklake_current_snapshot('lake')").fetchall()
    return int(newest)


@st.cache_data(max_entries=500, show_spinner=False)
def answer(version: int, query: str, choice: Choice | None = None) -> pa.Table:
    """The rows of a query over the lake as of snapshot `version`."""
    with lake_at(version).cursor() as con:
        con.execute("use lake")
        # Names that a query does not use are no parameters of it.
        wanted = {} if choice is None else choice.parameters()
        used = {name: value for name, value in wanted.items() if f"${name}" in query}
        result = con.execute(query, used) if used else con.execute(query)
        return result.to_arrow_table()


def one(version: int, query: str, choice: Choice | None = None) -> dict[str, Any]:
    """The only row of a query."""
    (row,) = answer(version, query, choice).to_pylist()
    return row


def column(version: int, query: str) -> list[str]:
    """The only column of a query."""
    return [str(value) for value in answer(version, query).column(0).to_pylist()]


def ask(version: int) -> Choice:
    """The filters, at the side."""
    days = one(version, q.DAYS)
    first, last = days["first"] or date.today(), days["last"] or date.today()  # noqa: DTZ011  # any day will do
    with st.sidebar:
        st.header("Look at")
        chosen = st.date_input(
            "Days (UTC)", (first, last), min_value=first, max_value=last, format="YYYY-MM-DD", key="days"
        )
        currency = st.selectbox("Currency", column(version, q.CURRENCIES) or ["XXX"], key="currency")
        channels = st.multiselect("Channels", column(version, q.CHANNELS), placeholder="all channels", key="channels")
        locations = st.multiselect(
            "Locations", column(version, q.LOCATIONS), placeholder="all locations", key="locations"
        )
        st.caption(
            "Sales are booked by channel; locations narrow fulfilment, returns and stock. Money is shown in one "
            "currency and never converted."
        )
    # While only the first of two days is chosen, there is no second one yet.
    start, end = chosen if len(chosen) == 2 else (first, last)
    return Choice(start, end, str(currency), tuple(channels), tuple(locations))


def metrics(figures: dict[str, str]) -> None:
    """Figures side by side, each under its name; where there is no room for all, in several rows."""
    with st.container(horizontal=True):
        for name, value in figures.items():
            st.metric(name, value, border=True, width=METRIC_WIDTH)


def table(rows: pa.Table, currency: str = "") -> None:
    """Rows under the names of their columns; numbers with a fraction are money of that currency, or hours."""
    titles: dict[str, Any] = {}
    for field in rows.schema:
        title = field.name.replace("_", " ")
        if pa.types.is_floating(field.type) and currency:
            titles[field.name] = st.column_config.NumberColumn(f"{title} ({currency})", format="accounting")
        elif pa.types.is_floating(field.type):
            titles[field.name] = st.column_config.NumberColumn(title, format="%.1f")
        elif pa.types.is_integer(field.type):
            titles[field.name] = st.column_config.NumberColumn(title, format="localized")
        else:
            titles[field.name] = st.column_config.Column(title)
    st.dataframe(rows, hide_index=True, width="stretch", column_config=titles)


def chart(title: str, drawn: charts.Drawn, rows: pa.Table) -> None:
    """A chart under its title, or a word that there is nothing to draw."""
    st.markdown(f"##### {title}")
    if rows.num_rows:
        st.altair_chart(drawn, width="stretch")
    else:
        st.info("Nothing in these days with these filters.")


def show_sales(version: int, choice: Choice) -> None:
    """What was sold, by day and channel."""
    total, currency = one(version, q.SALES, choice), choice.currency
    orders = total["orders"]
    metrics(
        {
            f"Net sales ({currency})": f"{total['net_sales']:,.2f}",
            "Orders": f"{orders:,}",
            f"Net sales an order ({currency})": f"{total['net_sales'] / orders:,.2f}" if orders else "none",
            "Units ordered": f"{total['units']:,}",
            "Units cancelled": f"{total['cancelled_units']:,}",
        }
    )
    days = answer(version, q.SALES_BY_DAY, choice)
    colours = charts.in_order(days, "channel", "place")
    drawn = charts.bars_by_day(days, "net_sales", f"net sales ({currency})", _unit(choice), "channel", colours)
    chart(f"Net sales by {_unit(choice)} and channel", drawn, days)
    st.markdown("##### By channel")
    table(answer(version, q.SALES_BY_CHANNEL, choice), currency)


def show_fulfilment(version: int, choice: Choice) -> None:
    """How long orders took, and from where they went."""
    total = one(version, q.FULFILMENT, choice)
    metrics(
        {
            "Orders routed": f"{total['orders']:,}",
            "Taken away": f"{total['taken_away']:,}",
            "Shipped, half within": _hours(total["median_hours"]),
            "Shipped, 90% within": _hours(total["p90_hours"]),
            "Turned down": f"{total['rerouted']:,}",
            "Several requests": f"{total['split']:,}",
        }
    )
    st.caption(
        "Turned down: orders of which a location turned units down. Several requests: orders that took more than one, "
        "those that failed included."
    )
    days = answer(version, q.FULFILMENT_BY_DAY, choice)
    title = f"Shipped orders, from placed to the last unit gone: the median by {_unit(choice)}, and up to nine in ten"
    chart(title, charts.hours_by_day(days, _unit(choice)), days)
    st.markdown("##### By service level")
    table(answer(version, q.FULFILMENT_BY_LEVEL, choice))
    places = answer(version, q.REQUESTS_BY_LOCATION, choice)
    drawn = charts.bars_by_name(places, "location", "requests", "fulfilment requests", "status", charts.STATUSES)
    chart("Requests by location", drawn, places)


def show_returns(version: int, choice: Choice) -> None:
    """What came back, why, and what it cost: promised, asked for and paid are three figures."""
    total, money, currency = one(version, q.RETURNS, choice), one(version, q.REFUNDED, choice), choice.currency
    metrics(
        {
            "Returns": f"{total['returns']:,}",
            "Units back": f"{total['units']:,}",
            "Without an order": f"{total['blind']:,}",
            f"Refunds promised ({currency})": f"{total['refunds']:,.2f}",
            f"Requested ({currency})": _anywhere(choice, money["refunds_requested"]),
            f"Money moved ({currency})": _anywhere(choice, money["refunded"]),
        }
    )
    st.caption(
        "A return promises a refund; somebody asks for it, also to appease without a return; the money moves later, or "
        "pays for an exchange. The three are never added. Money moves at no location: with one chosen, only what "
        "returns promise is shown."
    )
    left, right = st.columns(2)
    with left:
        days = answer(version, q.REFUNDS_BY_DAY, choice)
        chart(f"Refunds by {_unit(choice)}", charts.refunds_by_day(days, currency, _unit(choice)), days)
    with right:
        reasons = answer(version, q.RETURN_REASONS, choice)
        chart("Why units came back", charts.bars_by_name(reasons, "reason", "units", "units returned"), reasons)


def show_stock(version: int, choice: Choice) -> None:
    """What is where now, what moved, and which positions are least sure."""
    total = one(version, q.STOCK, choice)
    positions = total["positions"]
    metrics(
        {
            "Units on hand": f"{total['on_hand']:,}",
            "Products at locations": f"{positions:,}",
            "Of these ever counted": f"{total['counted'] / positions:.0%}" if positions else "none",
            "Of these below zero": f"{total['below_zero']:,}",
        }
    )
    left, right = st.columns(2)
    with left:
        places = answer(version, q.STOCK_BY_LOCATION, choice)
        chart("On hand now", charts.bars_by_name(places, "location", "on_hand", "units on hand"), places)
    with right:
        days = answer(version, q.MOVEMENTS_BY_DAY, choice)
        drawn = charts.bars_by_day(days, "units", "units (out below zero)", _unit(choice), "movement", charts.MOVEMENTS)
        chart(f"Moved by {_unit(choice)}", drawn, days)
        if opening := one(version, q.OPENING, choice)["units"]:
            st.caption(
                f"Without {opening:,} units received on the first day of a location, when all its stock came in."
            )
    st.markdown("##### Least sure: below zero, never counted, or counted long ago")
    table(answer(version, q.LEAST_SURE, choice))


def show_trust(version: int) -> None:
    """Whether to believe the other tabs."""
    total, late = one(version, q.DELIVERIES), one(version, q.LATE)
    count = total["deliveries"] or 1
    metrics(
        {
            "Deliveries": f"{total['deliveries']:,}",
            "Events": f"{total['events']:,}",
            "Duplicates": f"{total['duplicates'] / count:.1%}",
            "Not understood": f"{total['quarantined']:,}",
            "Over 15 minutes late": f"{late['late'] / late['judged']:.1%}" if late["judged"] else "none to judge",
        }
    )
    if late["older"]:
        st.caption(
            f"{late['older']:,} deliveries were published before the first one was received here: a replay or a file, "
            "as late as they are old. Only what was published since is judged."
        )
    hours = answer(version, q.DELIVERIES_BY_HOUR)
    chart("What was received, and what became of it", charts.bars_by_moment(hours), hours)
    for title, query in (
        ("Waiting for something that has not come", q.WAITING),
        ("Fields that are not as the contract says", q.DRIFT),
        ("Keys with more than one payload", q.CONFLICTS),
        ("Not understood", q.PROBLEMS),
    ):
        rows = answer(version, query)
        with st.expander(f"{title}: {rows.num_rows:,}"):
            table(rows)


def page() -> None:
    """The whole page; what keeps it from being shown is said in two lines."""
    st.set_page_config("NewStore warehouse", page_icon=str(Path(__file__).parent / "icon.svg"), layout="wide")
    st.title("NewStore warehouse")
    try:
        version = snapshot()
        moments = answer(version, q.MOMENT).to_pylist()
        if not moments:
            st.info("Nothing is published yet: `warehouse refresh` builds the marts.")
            return
        (moment,) = moments
        st.caption(
            f"All figures are of one moment, {moment['snapshot_time'].astimezone(UTC):%d %B %Y, %H:%M:%S} UTC "
            f"(snapshot {version}): every event up to batch {moment['batch']:,} of the log. A reload shows a newer one."
        )
        choice = ask(version)
        sales, fulfilment, returns, stock, trust = st.tabs(["Sales", "Fulfilment", "Returns", "Stock", "Trust"])
        with sales:
            show_sales(version, choice)
        with fulfilment:
            show_fulfilment(version, choice)
        with returns:
            show_returns(version, choice)
        with stock:
            show_stock(version, choice)
        with trust:
            show_trust(version)
    except WarehouseError as error:
        st.error(f"{error.message}\n\nTry: {error.hint}")


def _unit(choice: Choice) -> str:
    """What the charts by day show of so many days."""
    return "week" if (choice.last - choice.first).days > q.DAYS_APART else "day"


def _anywhere(choice: Choice, amount: Decimal) -> str:
    return "not by location" if choice.locations else f"{amount:,.2f}"


def _hours(hours: float | None) -> str:
    return "none" if hours is None else f"{hours:,.1f} h"


page()
