"""The page itself, run by streamlit: filters at the side, a tab for each subject, every figure from one snapshot.

Answers are cached by the lake's snapshot: a reload after a refresh shows the new facts, and nothing is asked twice.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import pyarrow as pa
import streamlit as st

from warehouse.dashboard import charts
from warehouse.dashboard import questions as q
from warehouse.dashboard.questions import Choice
from warehouse.errors import WarehouseError
from warehouse.lake import open_lake
from warehouse.moment import open_snapshot
from warehouse.publication import read_publication
from warehouse.settings import Settings


@st.cache_resource
def newest() -> duckdb.DuckDBPyConnection:
    """A connection to the lake as it is now; it can only read."""
    return open_lake(Settings.load(), read_only=True)


@st.cache_resource(max_entries=2, show_spinner=False)
def lake(version: int) -> duckdb.DuckDBPyConnection:
    """A connection to the lake as of one snapshot; it can only read."""
    return open_snapshot(Settings.load(), version)


def snapshot() -> int:
    """The lake's newest snapshot."""
    with newest().cursor() as con:
        ((version,),) = con.execute("from ducklake_current_snapshot('lake')").fetchall()
    return int(version)


@st.cache_data(max_entries=500, show_spinner=False)
def answer(version: int, query: str, choice: Choice | None = None) -> pa.Table:
    """The rows of a query over the lake as of snapshot `version`."""
    with lake(version).cursor() as con:
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
        chosen = st.date_input("Days (UTC)", (first, last), min_value=first, max_value=last, key="days")
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
    """Figures side by side, each under its name."""
    for place, (name, value) in zip(st.columns(len(figures)), figures.items(), strict=True):
        place.metric(name, value, border=True)


def table(rows: pa.Table) -> None:
    """Rows under the names of their columns."""
    titles = {
        field.name: st.column_config.NumberColumn(field.name.replace("_", " "), format="localized")
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
        else st.column_config.Column(field.name.replace("_", " "))
        for field in rows.schema
    }
    st.dataframe(rows, hide_index=True, width="stretch", column_config=titles)


def chart(title: str, drawn: alt.Chart | alt.LayerChart | alt.FacetChart, rows: pa.Table) -> None:
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
            "Units": f"{total['units']:,}",
            f"Refunds ({currency})": f"{total['refunds']:,.2f}",
        }
    )
    days = answer(version, q.SALES_BY_DAY, choice)
    chart(
        "Net sales by day", charts.bars_by_day(days, "net_sales", f"net sales ({currency})", "channel", "channel"), days
    )
    st.markdown("##### By channel")
    table(answer(version, q.SALES_BY_CHANNEL, choice))


def show_fulfilment(version: int, choice: Choice) -> None:
    """How long orders took, and from where they went."""
    total = one(version, q.FULFILMENT, choice)
    metrics(
        {
            "Orders routed": f"{total['orders']:,}",
            "Completed": f"{total['completed']:,}",
            "Half within": _hours(total["median_hours"]),
            "Nine in ten within": _hours(total["p90_hours"]),
            "Routed again": f"{total['rerouted']:,}",
            "From several places": f"{total['split']:,}",
        }
    )
    days = answer(version, q.FULFILMENT_BY_DAY, choice)
    chart("From placed to completed: the median, and up to nine in ten", charts.hours_by_day(days), days)
    places = answer(version, q.REQUESTS_BY_LOCATION, choice)
    drawn = charts.bars_by_name(places, "location", "requests", "fulfilment requests", "status", "status")
    chart("Requests by location", drawn, places)


def show_returns(version: int, choice: Choice) -> None:
    """What came back, why, and what it cost."""
    total, currency = one(version, q.RETURNS, choice), choice.currency
    metrics(
        {
            "Returns": f"{total['returns']:,}",
            "Units back": f"{total['units']:,}",
            f"Refunded ({currency})": f"{total['refunds']:,.2f}",
            "Without a known order": f"{total['blind']:,}",
        }
    )
    left, right = st.columns(2)
    with left:
        days = answer(version, q.RETURNS_BY_DAY, choice)
        chart("Refunds by day", charts.one_bar_a_day(days, "refunds", f"refunds ({currency})"), days)
    with right:
        reasons = answer(version, q.RETURN_REASONS, choice)
        chart("Why", charts.bars_by_name(reasons, "reason", "units", "units returned"), reasons)


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
        chart("Moved by day", charts.bars_by_day(days, "units", "units (out below zero)", "movement", "movement"), days)
    st.markdown("##### Least sure: below zero, never counted, or counted long ago")
    table(answer(version, q.LEAST_SURE, choice))


def show_trust(version: int) -> None:
    """Whether to believe the other tabs."""
    total = one(version, q.DELIVERIES)
    count = total["deliveries"] or 1
    metrics(
        {
            "Deliveries": f"{total['deliveries']:,}",
            "Events": f"{total['events']:,}",
            "Duplicates": f"{total['duplicates'] / count:.1%}",
            "Not understood": f"{total['quarantined']:,}",
            "Over 15 minutes late": f"{total['late_share']:.1%}",
        }
    )
    hours = answer(version, q.DELIVERIES_BY_HOUR)
    chart("What was received, and what became of it", charts.bars_by_hour(hours), hours)
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
        publication = read_publication(Settings.load())
        if publication is None:
            st.info("Nothing is published yet: `warehouse refresh` builds the marts.")
            return
        finished = datetime.fromisoformat(publication.finished_at).astimezone(UTC)
        st.caption(f"Every event up to batch {publication.batch} of the log; refreshed {finished:%d %B %Y, %H:%M} UTC.")
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


def _hours(hours: float | None) -> str:
    return "none" if hours is None else f"{hours:,.1f} h"


page()
