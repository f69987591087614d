"""What a field may hold, and what is said of what it may not."""

from collections.abc import Callable
from decimal import Decimal
from zoneinfo import available_timezones

import duckdb
import pytest

from warehouse.reference import values
from warehouse.reference.values import Allowed, Value


@pytest.mark.parametrize(
    ("check", "text", "value"),
    [
        (values.text, "Straße, «1»", "Straße, «1»"),
        (values.one_of(("store", "other")), "Store", "store"),
        (values.zone, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        (values.currency, "CHF", "CHF"),
        (values.country, "GB", "GB"),
        (values.day, "2024-02-29", "2024-02-29"),
        (values.month_and_day, "12-31", "12-31"),
        (values.boolean, "Yes", True),
        (values.boolean, "FALSE", False),
        (values.amount, "1250.5000", Decimal("1250.5")),
        (values.amount, "0", Decimal(0)),
        (values.rate, "0.0065000", "0.0065"),
        (values.rate, "100", "100"),
    ],
)
def test_what_is_allowed(check: Callable[[str], Value | Allowed], text: str, value: Value) -> None:
    assert check(text) == value
    assert type(check(text)) is type(value)


@pytest.mark.parametrize(
    ("check", "text", "allowed"),
    [
        (values.text, "x" * 501, "one line of at most 500 characters that can be seen"),
        (values.text, "a\nb", "one line of at most 500 characters that can be seen"),
        (values.text, "a\u200bb", "one line of at most 500 characters that can be seen"),
        (values.one_of(("store", "other")), "shop", "one of store, other"),
        (values.zone, "Berlin", "the name of a time zone, such as Europe/Berlin or America/New_York"),
        (values.zone, "utc", "the name of a time zone, such as Europe/Berlin or America/New_York; is it UTC?"),
        (values.zone, "localtime", "the name of a time zone, such as Europe/Berlin or America/New_York"),
        (values.zone, "+02:00", "the name of a time zone, such as Europe/Berlin or America/New_York"),
        (values.currency, "eur", "a code of ISO 4217 in capitals, such as EUR or USD"),
        (values.currency, "DEM", "a code of ISO 4217 in capitals, such as EUR or USD"),
        (values.country, "Germany", "two capitals of ISO 3166, such as DE or US"),
        (values.day, "31.01.2025", "a day as YYYY-MM-DD, such as 2025-01-31"),
        (values.day, "2025-02-29", "a day as YYYY-MM-DD, such as 2025-01-31"),
        (values.day, "2025-1-1", "a day as YYYY-MM-DD, such as 2025-01-31"),
        (values.day, "२०२५-01-01", "a day as YYYY-MM-DD, such as 2025-01-31"),
        (values.month_and_day, "02-29", "a day that every year has, as MM-DD, such as 02-01"),
        (values.month_and_day, "13-01", "a day that every year has, as MM-DD, such as 02-01"),
        (values.boolean, "maybe", "true or false"),
        (values.amount, "-1", "a number of at most four decimals with a point and no other sign, such as 1250.50"),
        (values.amount, "1,250", "a number of at most four decimals with a point and no other sign, such as 1250.50"),
        (values.amount, "0.00001", "a number of at most four decimals with a point and no other sign, such as 1250.50"),
        (values.amount, "1e3", "a number of at most four decimals with a point and no other sign, such as 1250.50"),
        (values.rate, "0.0", "a number above 0 with a point and at most twelve decimals, such as 1.0873"),
        (values.rate, "1,1", "a number above 0 with a point and at most twelve decimals, such as 1.0873"),
    ],
)
def test_what_is_not(check: Callable[[str], Value | Allowed], text: str, allowed: str) -> None:
    assert check(text) == Allowed(allowed)


def test_every_zone_that_is_taken_is_one_that_duckdb_knows() -> None:
    known = {name for (name,) in duckdb.sql("select name from pg_timezone_names()").fetchall()}
    taken = {name for name in available_timezones() if values.zone(name) == name}
    assert len(taken) > 400
    assert taken <= known
