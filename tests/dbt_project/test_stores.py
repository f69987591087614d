"""What stores, hours and associates sold, fulfilled and took back, and what a store sold on the same day last year."""

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.conftest import deliver
from tests.dbt_project.scenarios import rows
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def event(name: str, at: str, **payload: Any) -> Envelope:
    return {"tenant": "acme", "name": name, "published_at": at, "payload": payload}


def said(kind: str, **payload: Any) -> Envelope:
    at = "2026-03-20T12:00:00Z"
    return {"tenant": "acme", "name": f"reference.{kind}", "published_at": at, "payload": {**payload, "loaded_at": at}}


def order(order_id: str, at: str, *prices: float, **header: Any) -> Envelope:
    items = [
        {"id": f"{order_id}-{number}", "product_id": "shoe", "pricebook_price": price, "tax": 1}
        for number, price in enumerate(prices)
    ]
    return event("order.created", at, id=order_id, placed_at=at, **{"currency": "USD", **header}, items=items)


def request(step: str, request_id: str, at: str, order_id: str, location: str, *items: str, **fields: Any) -> Envelope:
    return event(
        f"fulfillment_request.{step}",
        at,
        id=request_id,
        order_id=order_id,
        fulfillment_location_id=location,
        items=[{"id": item, "product_id": "shoe"} for item in items],
        **fields,
    )


LA = {"demand_location_id": "LA", "channel_type": "store", "channel": "LA", "associate_id": "eve"}
EVENTS = [
    # 18:30 in Los Angeles on the 9th of March 2026, as it is in summer there, is 01:30 in UTC on the 10th.
    order("a", "2026-03-10T01:30:00Z", 100, 60, **LA),
    order("b", "2026-03-10T01:59:00Z", 40, **LA),
    # From the web, on the 10th in UTC: the store in LA is to hand over one unit and turns the other one down.
    order("w", "2026-03-10T05:00:00Z", 10, 20, channel_type="web", channel="shop"),
    request("assigned", "f1", "2026-03-10T06:00:00Z", "w", "LA", "w-0", "w-1", logical_timestamp=1),
    request("items_failed", "f1", "2026-03-10T06:30:00Z", "w", "LA", "w-1", logical_timestamp=2),
    request(
        "items_completed",
        "f1",
        "2026-03-11T02:00:00Z",
        "w",
        "LA",
        "w-0",
        logical_timestamp=3,
        service_level="IN_STORE_HANDOVER",
    ),
    # What eve sold comes back to another store, the 60 of a; and something without an order, in euros.
    event(
        "return.processed",
        "2026-03-12T20:00:00Z",
        id="r1",
        order_id="a",
        currency="USD",
        return_location_id="NYC",
        returned_at="2026-03-12T20:00:00Z",
        items=[{"id": "a-1", "refund_amount": 61, "refund_excl_tax": 60, "refund_tax": 1}],
    ),
    event(
        "return.processed",
        "2026-03-12T20:00:00Z",
        id="r2",
        currency="EUR",
        return_location_id="NYC",
        returned_at="2026-03-12T20:00:00Z",
        items=[{"id": "x", "product_id": "shoe", "refund_amount": 9}],
    ),
    # A year before: 30 in LA on the 9th, and 25 on the 11th, on which it sells nothing this year. NYC opened since.
    order("old-1", "2025-03-09T20:00:00Z", 30, **LA),
    order("old-2", "2025-03-11T20:00:00Z", 25, **{**LA, "associate_id": "bob"}),
    # What it sold later in the year has no day yet: the newest is the 12th of March.
    order("old-3", "2025-06-01T20:00:00Z", 99, **{**LA, "associate_id": "bob"}),
    # LA is closed from the 11th on, and no same store any more.
    said("location", location_id="LA", time_zone="America/Los_Angeles", closed_on="2026-03-11"),
    said("location", location_id="NYC", time_zone="America/New_York", opened_on="2026-01-15"),
    said("retailer", tenant="acme", currency="USD"),
    said("rate", currency="EUR", to_currency="USD", valid_from="2026-01-01", rate="1.1"),
]


@pytest.fixture(params=[1, 4])
def con(tmp_path: Path, seed: int, request: pytest.FixtureRequest) -> Any:
    settings = Settings.load({}, home=str(tmp_path))
    events = [*EVENTS, *EVENTS[::2]]
    random.Random(seed).shuffle(events)
    for part in range(request.param):
        deliver(settings, events[part :: request.param])
        refresh(settings)
    with connect(settings.home) as connection:
        yield connection


def day(number: int, year: int = 2026, month: int = 3) -> date:
    return date(year, month, number)


def test_stores_hours_and_associates(con: Any) -> None:
    columns = (
        "date, location_id, currency, sold_orders, sold_units, net_sales, fulfilled_requests, fulfilled_units, "
        "pickup_requests, rejected_units, returns, returned_units, returned_sales, net_sales_same_day_last_year, "
        "is_same_store"
    )
    query = f"select {columns} from marts.daily_store where date >= '2026-01-01' order by date, location_id, currency"
    assert rows(con, query) == [
        (day(9), "LA", "USD", 2, 3, 200, 0, 0, 0, 1, 0, 0, 0, 30, True),
        # A unit is turned down at 23:30 on the 9th in Los Angeles, the other taken away at 19:00 on the 10th.
        (day(10), "LA", "USD", 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, True),
        (day(11), "LA", "USD", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25, False),
        (day(12), "NYC", "EUR", 0, 0, 0, 0, 0, 0, 0, 1, 1, 9, 0, False),
        (day(12), "NYC", "USD", 0, 0, 0, 0, 0, 0, 0, 1, 1, 60, 0, False),
    ]
    query = "select reporting_currency, net_sales_reporting, returned_sales_reporting from marts.daily_store "
    assert rows(con, query + "where date >= '2026-03-12' order by currency") == [
        ("USD", 0, Decimal("9.9")),
        ("USD", 0, 60),
    ]
    columns = "date, business_hour, channel, location_id, currency, orders, units, net_sales"
    assert rows(con, f"select {columns} from marts.daily_hours where date >= '2026-01-01' order by all") == [
        (day(9), 18, "LA", "LA", "USD", 2, 3, 200),
        (day(10), 5, "shop", "unknown", "USD", 1, 2, 30),
    ]
    columns = (
        "date, associate_id, location_id, orders, units, net_sales, returned_sales, average_order_value, "
        "units_per_transaction"
    )
    assert rows(con, f"select {columns} from marts.daily_associates order by all") == [
        (day(9, 2025), "eve", "LA", 1, 1, 30, 0, 30, 1),
        (day(11, 2025), "bob", "LA", 1, 1, 25, 0, 25, 1),
        (day(1, 2025, 6), "bob", "LA", 1, 1, 99, 0, 99, 1),
        (day(9), "eve", "LA", 2, 3, 200, 0, 100, 1.5),
        (day(12), "eve", "LA", 0, 0, 0, 60, None, None),
    ]
    # What is only fulfilled somewhere is no row of sales.
    sales = "select distinct date from marts.daily_sales where date between '2026-03-01' and '2026-12-31' order by date"
    assert rows(con, sales) == [(day(9),), (day(10),), (day(12),)]
