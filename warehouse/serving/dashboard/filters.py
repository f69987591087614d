"""The filters at the side: each page asks for those that mean something on it. A choice stays from page to page."""

from collections.abc import Collection
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


def _still_chosen(key: str, options: Collection[str]) -> None:
    """Forget what was chosen and is not to be had any more, of another tenant or another region."""
    chosen = st.session_state.get(key)
    if isinstance(chosen, list):
        st.session_state[key] = [each for each in chosen if each in options]
    elif chosen is not None and chosen not in options:
        del st.session_state[key]


def _days_still_chosen(key: str, days: dict[str, Any]) -> None:
    chosen = st.session_state.get(key)
    between = chosen if isinstance(chosen, tuple) else (chosen,)
    if chosen is not None and not all(days["first"] <= each <= days["last"] for each in between):
        del st.session_state[key]


def _one_day(days: dict[str, Any]) -> Span:
    _days_still_chosen("day", days)
    day = st.date_input(
        "Business day", days["newest"], min_value=days["first"], max_value=days["last"], format="YYYY-MM-DD", key="day"
    )
    return day, day


def _span(days: dict[str, Any], span: str, key: str) -> Span:
    known = spans(days)
    names = [*known, OTHER_DAYS]
    _still_chosen(key, names)
    chosen = st.selectbox("Business days", names, names.index(span) if span in known else 0, key=key)
    if chosen != OTHER_DAYS:
        first, last = known[chosen]
        st.caption(f"{first} to {last}, counted from the newest day of the data.")
        return first, last
    first, last = days["first"], days["last"]
    _days_still_chosen(f"{key}-from-to", days)
    picked = st.date_input(
        "From and to", (first, last), min_value=first, max_value=last, format="YYYY-MM-DD", key=f"{key}-from-to"
    )
    # While only the first of two days is chosen, there is no second one yet.
    start, end = picked if len(picked) == 2 else (first, last)
    return start, end


def _currency(version: int, choice: Choice) -> str:
    currencies = column(version, common.CURRENCIES, choice) or ["XXX"]
    _still_chosen("currency", currencies)
    return str(st.selectbox("Currency", currencies, key="currency"))


def _several(label: str, options: Collection[str], **more: Any) -> tuple[str, ...]:
    _still_chosen(label.lower(), options)
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
    chosen = _several("Locations", names, format_func=lambda each: names[each])
    return chosen or (tuple(names) if within else ())
