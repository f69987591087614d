"""Reference data: the newest of what a retailer says fills the dims, in whatever order and split it comes."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import deliver
from warehouse.build.session import attach_build, detach_build, open_session
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

TENANT = "acme"


def event(name: str, at: str, payload: dict[str, Any], tenant: str = TENANT) -> dict[str, Any]:
    return {"tenant": tenant, "name": name, "published_at": at, "payload": payload}


def said(kind: str, day: int, tenant: str = TENANT, /, **payload: Any) -> dict[str, Any]:
    at = f"2026-03-{day:02}T12:00:00Z"
    return event(f"reference.{kind}", at, {**payload, "loaded_at": at}, tenant)


def retailer(day: int, tenant: str = TENANT, /, **payload: Any) -> dict[str, Any]:
    return said("retailer", day, tenant, **{"tenant": tenant, **payload})


def order(order_id: str, at: str, tenant: str = TENANT) -> dict[str, Any]:
    item = {"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": 10}
    payload = {"id": order_id, "placed_at": at, "currency": "EUR", "items": [item]}
    return event("order.created", at, {**payload, "channel": "web", "demand_location_id": "BER"}, tenant)


def captured(provider: str | None) -> dict[str, Any]:
    instrument = {"id": "i", "payment_method": "credit_card", "payment_provider": provider}
    transfer = {"id": f"t-{provider}", "instrument_id": "i", "amount": 10, "currency": "EUR"}
    payload = {"id": "o1", "order_id": "o1", "transactions": [transfer], "instruments": [instrument]}
    return event("payment_account.amount_captured", "2026-03-01T10:00:00Z", payload)


EVENTS = [
    order("o1", "2026-03-01T09:00:00Z"),
    captured("adyen"),
    captured(None),
    # Berlin moves to Warsaw's zone by mistake, and back: the third says the same as the first, and holds.
    said("location", 2, location_id="BER", name="Berlin", kind="store", time_zone="Europe/Berlin"),
    said("location", 3, location_id="BER", name="Berlin", kind="store", time_zone="Europe/Warsaw"),
    said(
        "location",
        4,
        location_id="BER",
        name="Berlin",
        kind="store",
        time_zone="Europe/Berlin",
        opened_on="2020-02-29",
        selling_area=120.5,
        country="DE",
        currency="EUR",
    ),
    # New in the reference data alone; what it said of its region it says no more.
    said("location", 2, location_id="NYC", region="east", time_zone="America/New_York"),
    said("location", 5, location_id="NYC", time_zone="America/New_York"),
    # A channel that names a location does not describe it.
    said("channel", 2, channel="web", name="Shop", location_id="HAM", time_zone="Europe/Berlin"),
    said("channel", 3, channel="app", name="App"),
    said("product", 2, product_id="shoe", name="Shoe", brand="Acme", unit_cost=3.1, cost_currency="EUR"),
    said("product", 2, product_id="card", name="Gift card", is_gift_card=True),
    said("tender", 2, payment_method="credit_card", payment_provider="adyen", name="Card", kind="card"),
    said("tender", 2, payment_method="cash", name="Cash", kind="cash"),
    said("rate", 2, currency="USD", to_currency="EUR", valid_from="2026-01-01", rate="0.92"),
    retailer(1, time_zone="Europe/Paris", fiscal_calendar="gregorian"),
    retailer(2, time_zone="Europe/Berlin", fiscal_calendar="nrf-4-5-4"),
]


def shuffled(seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    events = [*EVENTS, *chance.choices(EVENTS, k=8)]
    chance.shuffle(events)
    return events


ARRANGEMENTS: dict[str, tuple[Callable[[], list[dict[str, Any]]], int]] = {
    "at once": (lambda: EVENTS, 1),
    "backwards": (lambda: EVENTS[::-1], 1),
    "one by one backwards": (lambda: EVENTS[::-1], 4),
    "shuffled, some twice": (lambda: shuffled(1), 3),
    "all twice": (lambda: [*EVENTS, *EVENTS], 2),
}


@pytest.fixture(scope="module", params=ARRANGEMENTS)
def con(warehouse_of: Any, request: pytest.FixtureRequest) -> duckdb.DuckDBPyConnection:
    events, splits = ARRANGEMENTS[request.param]
    connection: duckdb.DuckDBPyConnection = warehouse_of(events(), splits=splits)
    return connection


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_locations(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("from marts.dim_locations order by location_id").fetchall()
    assert rows == [
        (
            TENANT,
            "BER",
            ["demand_location_id"],
            at(1, 9),
            "Berlin",
            "store",
            "Europe/Berlin",
            None,
            "DE",
            "EUR",
            date(2020, 2, 29),
            None,
            Decimal("120.5"),
        ),
        (TENANT, "NYC", [], at(2), None, None, "America/New_York", None, None, None, None, None, None),
    ]


def test_products(con: duckdb.DuckDBPyConnection) -> None:
    columns = "product_id, first_seen_at, last_sold_at, name, brand, unit_cost, cost_currency, is_gift_card"
    assert con.execute(f"select {columns} from marts.dim_products order by all").fetchall() == [
        ("card", at(2), None, "Gift card", None, None, None, True),
        ("shoe", at(1, 9), at(1, 9), "Shoe", "Acme", Decimal("3.1"), "EUR", False),
    ]


def test_channels(con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute("from marts.dim_channels order by channel").fetchall() == [
        (TENANT, "app", "App", None, None, at(3)),
        (TENANT, "web", "Shop", "Europe/Berlin", "HAM", at(1, 9)),
    ]


def test_tenders(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("from marts.dim_tenders order by payment_method, payment_provider nulls first").fetchall()
    assert rows == [
        (TENANT, "cash", None, "Cash", "cash", at(2)),
        (TENANT, "credit_card", None, None, None, at(1, 10)),
        (TENANT, "credit_card", "adyen", "Card", "card", at(1, 10)),
    ]


def test_the_year_is_that_of_the_newest_calendar(con: duckdb.DuckDBPyConnection) -> None:
    columns = "fiscal_year, fiscal_quarter, fiscal_period, fiscal_week, fiscal_day_last_year"
    for mart in ("dim_dates", "dim_fiscal_dates"):
        days = f"select {columns} from marts.{mart} where date in ('2026-01-31', '2026-02-01') order by date"
        assert con.execute(days).fetchall() == [
            (2025, 4, 12, 52, date(2025, 2, 1)),
            (2026, 1, 1, 1, date(2025, 2, 2)),
        ]


CALENDARS = {
    "nrf": {"fiscal_calendar": "nrf-4-5-4"},
    "445": {"fiscal_calendar": "4-4-5"},
    "544": {"fiscal_calendar": "5-4-4", "fiscal_year_start": "02-01", "week_start": "sunday"},
    "tax": {"fiscal_calendar": "gregorian", "fiscal_year_start": "04-06"},
}
# tenant, day: year, quarter, period, week, the day a year before
DAYS = {
    # 2023 has 53 weeks for the National Retail Federation: 29 January 2023 to 3 February 2024.
    ("nrf", "2023-01-28"): (2022, 4, 12, 52, "2022-01-29"),
    ("nrf", "2023-01-29"): (2023, 1, 1, 1, "2022-01-30"),
    ("nrf", "2024-01-27"): (2023, 4, 12, 52, "2023-01-28"),
    ("nrf", "2024-01-28"): (2023, 4, 12, 53, None),
    ("nrf", "2024-02-03"): (2023, 4, 12, 53, None),
    ("nrf", "2024-02-04"): (2024, 1, 1, 1, "2023-01-29"),
    ("nrf", "2025-03-01"): (2025, 1, 1, 4, "2024-03-02"),
    ("nrf", "2025-03-02"): (2025, 1, 2, 5, "2024-03-03"),
    ("nrf", "2025-04-05"): (2025, 1, 2, 9, "2024-04-06"),
    ("nrf", "2025-04-06"): (2025, 1, 3, 10, "2024-04-07"),
    ("nrf", "2025-05-04"): (2025, 2, 4, 14, "2024-05-05"),
    # 1 January 2026 is a Thursday, 1 January 2027 a Friday: 2026 has the days between their nearest Mondays.
    ("445", "2024-12-29"): (2024, 4, 12, 52, "2023-12-31"),
    ("445", "2024-12-30"): (2025, 1, 1, 1, "2024-01-01"),
    ("445", "2025-01-26"): (2025, 1, 1, 4, "2024-01-28"),
    ("445", "2025-01-27"): (2025, 1, 2, 5, "2024-01-29"),
    ("445", "2025-02-24"): (2025, 1, 3, 9, "2024-02-26"),
    ("445", "2025-03-30"): (2025, 1, 3, 13, "2024-03-31"),
    ("445", "2025-03-31"): (2025, 2, 4, 14, "2024-04-01"),
    ("445", "2025-12-29"): (2026, 1, 1, 1, "2024-12-30"),
    ("445", "2027-01-03"): (2026, 4, 12, 53, None),
    ("445", "2027-01-04"): (2027, 1, 1, 1, "2025-12-29"),
    ("544", "2025-02-02"): (2025, 1, 1, 1, "2024-02-04"),
    ("544", "2025-03-08"): (2025, 1, 1, 5, "2024-03-09"),
    ("544", "2025-03-09"): (2025, 1, 2, 6, "2024-03-10"),
    ("544", "2025-04-06"): (2025, 1, 3, 10, "2024-04-07"),
    ("544", "2025-05-04"): (2025, 2, 4, 14, "2024-05-05"),
    # A year of months from the sixth on; 6 April 2025 is a Sunday.
    ("tax", "2025-04-05"): (2024, 4, 12, 53, "2024-04-05"),
    ("tax", "2025-04-06"): (2025, 1, 1, 1, "2024-04-06"),
    ("tax", "2025-04-07"): (2025, 1, 1, 2, "2024-04-07"),
    ("tax", "2025-05-05"): (2025, 1, 1, 6, "2024-05-05"),
    ("tax", "2025-05-06"): (2025, 1, 2, 6, "2024-05-06"),
    ("tax", "2025-07-06"): (2025, 2, 4, 14, "2024-07-06"),
    ("tax", "2024-02-29"): (2023, 4, 11, 48, None),
}


@pytest.fixture(scope="module")
def calendars(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    events = [retailer(1, tenant, **calendar) for tenant, calendar in CALENDARS.items()]
    both_ends = [order("first", "2022-06-01T00:00:00Z", "plain"), order("last", "2027-06-01T00:00:00Z", "plain")]
    connection: duckdb.DuckDBPyConnection = warehouse_of([*events, *both_ends], splits=2)
    return connection


@pytest.mark.parametrize(("tenant", "day"), DAYS)
def test_a_day_of_a_fiscal_year(calendars: duckdb.DuckDBPyConnection, tenant: str, day: str) -> None:
    row = calendars.execute(
        "select fiscal_year, fiscal_quarter, fiscal_period, fiscal_week, fiscal_day_last_year::varchar "
        "from marts.dim_fiscal_dates where tenant = ? and date = ?",
        [tenant, day],
    ).fetchone()
    assert row == DAYS[tenant, day]


def test_every_day_is_once_in_each_calendar(calendars: duckdb.DuckDBPyConnection) -> None:
    rows = calendars.execute(
        """
        select tenant, count(*) = (select count(*) from marts.dim_dates), count(distinct date) = count(*)
        from marts.dim_fiscal_dates group by tenant order by tenant
        """
    ).fetchall()
    assert rows == [(tenant, True, True) for tenant in sorted(CALENDARS)]
    # Several calendars have no year in common.
    assert calendars.execute("select count(*) from marts.dim_dates where fiscal_year is not null").fetchone() == (0,)


def test_without_reference_data_the_fiscal_year_is_the_calendars(warehouse_of: Any) -> None:
    con = warehouse_of([order("o", "2024-03-01T00:00:00Z")])
    assert con.execute("select count(*) from marts.dim_fiscal_dates").fetchone() == (0,)
    wrong = """
        select date from marts.dim_dates
        where fiscal_year != year or fiscal_quarter != quarter or fiscal_period != month
            or fiscal_day_last_year is distinct from
                case when strftime(date, '%m-%d') != '02-29' then (date - interval 1 year)::date end
    """
    assert con.execute(wrong).fetchall() == []
    assert con.execute("select count(*) from marts.dim_dates").fetchone() == (366,)
    assert con.execute(
        "select name, time_zone, is_gift_card from marts.dim_locations, (from marts.dim_products select is_gift_card)"
    ).fetchall() == [(None, None, False)]


def zones(settings: Settings) -> dict[tuple[str, str], tuple[str | None, int]]:
    """The zone of each place, and the batch in which it changed."""
    with open_session(settings) as con:
        attach_build(con, settings)
        rows = con.execute("select place, place_id, time_zone, changed_batch from build.staging.stg_zones").fetchall()
        detach_build(con)
    return {(place, place_id): (zone, batch) for place, place_id, zone, batch in rows}


def test_a_zone_changes_what_it_concerns_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings.load({}, home=str(tmp_path / "home"))
    deliver(settings, EVENTS)
    refresh(settings)
    assert zones(settings) == {
        ("location", "BER"): ("Europe/Berlin", 1),
        ("location", "NYC"): ("America/New_York", 1),
        ("channel", "web"): ("Europe/Berlin", 1),
        ("retailer", ""): ("Europe/Berlin", 1),
    }
    deliver(
        settings,
        [
            # Another name, the same zone.
            said("location", 9, location_id="NYC", name="SoHo", time_zone="America/New_York"),
            # Not known to DuckDB, so as good as none.
            said("location", 9, location_id="BER", time_zone="Europe/Nowhere"),
            said("channel", 9, channel="app", time_zone="Asia/Tokyo"),
            said("channel", 9, channel="fax", name="Fax"),
        ],
    )
    refresh(settings)
    assert zones(settings) == {
        ("location", "BER"): (None, 2),
        ("location", "NYC"): ("America/New_York", 1),
        ("channel", "web"): ("Europe/Berlin", 1),
        ("channel", "app"): ("Asia/Tokyo", 2),
        ("retailer", ""): ("Europe/Berlin", 1),
    }


def test_a_file_that_is_loaded_does_not_make_events_wait_longer(warehouse_of: Any) -> None:
    child = event("payment_account.amount_captured", "2026-03-01T00:00:00Z", captured("x")["payload"])
    late = said("location", 20, location_id="BER", name="Berlin")
    ages = [
        warehouse_of(events).execute("select * from trust.missing_parents").fetchall()
        for events in ([child], [child, late])
    ]
    assert ages[0] == ages[1] != []
