"""The filters at the side: each page asks for those that mean something on it. A choice stays from page to page."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import streamlit as st

from warehouse.serving.dashboard.choice import Choice, Span, spans
from warehouse.serving.dashboard.lake import answer, column, one
from warehouse.serving.dashboard.questions import common

OTHER_DAYS: Final = "Other days"
KEYS: Final = ("tenant", "currency", "channels", "regions", "locations", "categories")


class NoSales(Exception):  # it is no error that there is nothing to choose from
    """There is no day of sales yet, so there are no days to choose."""


def days_of(version: int, tenant: str) -> dict[str, Any]:
    """The days of a tenant's data, and the weeks and periods about the newest of them."""
    # Any days will do: this question asks for none.
    return one(version, common.DAYS, Choice(tenant, date.min, date.min))


def ask(version: int, *filters: str, span: str = "All days", days_key: str = "days") -> Choice:
    """What to look at: a tenant where there are several, days, and what else the page names of KEYS.

    `span` is chosen to begin with; pages with the same `days_key` have their days in common. With `day` among the
    filters it is one day.
    """
    _keep()
    with st.sidebar:
        tenants = column(version, common.TENANTS)
        if not tenants:
            raise NoSales
        tenant = tenants[0]
        if len(tenants) > 1:
            tenant = st.selectbox("Tenant", tenants, key="tenant")
        days = days_of(version, tenant)
        first, last = _one_day(days) if "day" in filters else _span(days, span, days_key)
        choice = Choice(tenant, first, last)
        currency = _currency(version, choice) if "currency" in filters else "XXX"
        channels = _several("Channels", column(version, common.CHANNELS, choice)) if "channels" in filters else ()
        locations = _locations(version, choice) if "locations" in filters else ()
        categories: tuple[str, ...] = ()
        if "categories" in filters and (known := column(version, common.CATEGORIES, choice)):
            categories = _several("Categories", known)
    return Choice(tenant, first, last, currency, channels, locations, categories)


def _keep() -> None:
    """Streamlit forgets what was chosen in a list that the page before had and this one has not."""
    for key in st.session_state:
        if key in KEYS or str(key).startswith("days"):
            st.session_state[key] = st.session_state[key]


def _one_day(days: dict[str, Any]) -> Span:
    day = st.date_input(
        "Business day", days["newest"], min_value=days["first"], max_value=days["last"], format="YYYY-MM-DD", key="day"
    )
    return day, day


def _span(days: dict[str, Any], span: str, key: str) -> Span:
    known = spans(days)
    names = [*known, OTHER_DAYS]
    chosen = st.selectbox("Business days", names, names.index(span) if span in known else 0, key=key)
    if chosen != OTHER_DAYS:
        first, last = known[chosen]
        st.caption(f"{first} to {last}, counted from the newest day of the data.")
        return first, last
    first, last = days["first"], days["last"]
    picked = st.date_input(
        "From and to", (first, last), min_value=first, max_value=last, format="YYYY-MM-DD", key=f"{key}-from-to"
    )
    # While only the first of two days is chosen, there is no second one yet.
    start, end = picked if len(picked) == 2 else (first, last)
    return start, end


def _currency(version: int, choice: Choice) -> str:
    currency = st.selectbox("Currency", column(version, common.CURRENCIES, choice) or ["XXX"], key="currency")
    return str(currency)


def _several(label: str, options: Iterable[str], **more: Any) -> tuple[str, ...]:
    return tuple(st.multiselect(label, options, placeholder=f"all {label.lower()}", key=label.lower(), **more))


def _locations(version: int, choice: Choice) -> tuple[str, ...]:
    """The locations chosen, or all of the regions chosen; none where neither is."""
    known = answer(version, common.LOCATIONS, choice).to_pylist()
    regions = sorted({each["region"] for each in known if each["region"]})
    within = _several("Regions", regions) if regions else ()
    names = {
        each["location_id"]: f"{each['name']} ({each['location_id']})" if each["name"] else each["location_id"]
        for each in known
        if not within or each["region"] in within
    }
    # What is chosen of another region is not chosen any more.
    st.session_state["locations"] = [each for each in st.session_state.get("locations", ()) if each in names]
    chosen = _several("Locations", names, format_func=lambda each: names[each])
    return chosen or (tuple(names) if within else ())
