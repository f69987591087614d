"""What somebody chose to look at, and the spans of days that can be chosen with one click."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import msgspec

# Over more days than these, charts show weeks.
DAYS_APART: Final = 45
ONE_DAY: Final = timedelta(days=1)
Span = tuple[date, date]


class Choice(msgspec.Struct, frozen=True):
    """One tenant, days from `first` to `last`, one currency; of the others all of them when none is named."""

    tenant: str
    first: date
    last: date
    currency: str = "XXX"
    channels: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What charts by day show of so many days."""
        return "week" if (self.last - self.first).days > DAYS_APART else "day"

    @property
    def span(self) -> str:
        """The days in words."""
        first, last = in_words(self.first), in_words(self.last)
        return first if self.first == self.last else f"{first} to {last}"

    def parameters(self) -> dict[str, object]:
        """The values of the names that the questions use."""
        return {
            "tenant": self.tenant,
            "first": self.first,
            "last": self.last,
            "currency": self.currency,
            "channels": list(self.channels),
            "locations": list(self.locations),
            "categories": list(self.categories),
        }


def in_words(day: date) -> str:
    """Such as 1 February 2025."""
    return f"{day.day} {day:%B %Y}"


def spans(days: Mapping[str, Any]) -> dict[str, Span]:
    """Spans by their names, from the row of `common.DAYS`: counted from the newest business day, never the clock.

    Those without a day of the data, and those of fiscal periods where the retailer has no calendar, are left out.
    """
    first, newest = days["first"], days["newest"]
    yesterday = newest - ONE_DAY
    month = newest.replace(day=1)
    month_before = (month - ONE_DAY).replace(day=1)
    found = {
        "All days": (first, days["last"]),
        "Newest day": (newest, newest),
        "Yesterday": (yesterday, yesterday),
        "Last week": (days["week_before_start"], days["week_start"] - ONE_DAY),
        "Month to date": (month, newest),
        "Last month": (month_before, month - ONE_DAY),
    }
    if days["period_start"]:
        found["Fiscal period to date"] = (days["period_start"], newest)
    if days["period_before_start"]:
        found["Last fiscal period"] = (days["period_before_start"], days["period_start"] - ONE_DAY)
    return {name: span for name, span in found.items() if span[1] >= first}
