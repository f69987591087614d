"""The business day: the day on the wall of the shop, whenever its zone is loaded, corrected or taken back."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.conftest import deliver
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def event(name: str, at: str, payload: dict[str, Any], tenant: str = "us") -> Envelope:
    return {"tenant": tenant, "name": name, "published_at": at, "payload": payload}


def said(kind: str, day: int, **payload: Any) -> Envelope:
    at = f"2026-05-{day:02}T12:00:00Z"
    return event(f"reference.{kind}", at, {**payload, "loaded_at": at})


def order(order_id: str, at: str, tenant: str = "us", **header: Any) -> Envelope:
    items = [{"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": 10}]
    payload = {"id": order_id, "placed_at": at, "currency": "USD", "items": items, **header}
    return event("order.created", at, payload, tenant)


# The columns: order, when it was placed, where. Then the day and the hour of it, worked out by hand.
ORDERS = {
    # 18:30 in Los Angeles on 31 January is 02:30 in UTC on 1 February: a sale of January.
    "store": ("2026-02-01T02:30:00Z", {"demand_location_id": "LA", "channel": "web"}, date(2026, 1, 31), 18),
    # No location, so the zone of the channel: 21:30 in New York.
    "web": ("2026-02-01T02:30:00Z", {"channel": "web"}, date(2026, 1, 31), 21),
    # A location of which nobody says a zone, and no channel: the retailer's, 20:30 in Chicago.
    "other": ("2026-02-01T02:30:00Z", {"demand_location_id": "PARIS"}, date(2026, 1, 31), 20),
    # Clocks go forward on 8 March 2026 at 02:00, a day of 23 hours: 09:59 UTC is 01:59, 10:00 is 03:00.
    "before": ("2026-03-08T09:59:00Z", {"demand_location_id": "LA"}, date(2026, 3, 8), 1),
    "after": ("2026-03-08T10:00:00Z", {"demand_location_id": "LA"}, date(2026, 3, 8), 3),
    # They go back on 1 November 2026, a day of 25 hours: it ends at 08:00 UTC on the next, not at 07:00.
    "long": ("2026-11-02T07:30:00Z", {"demand_location_id": "LA"}, date(2026, 11, 1), 23),
    "next": ("2026-11-02T08:00:00Z", {"demand_location_id": "LA"}, date(2026, 11, 2), 0),
}
ZONES = [
    # A wrong zone first: what is loaded later corrects it.
    said("location", 1, location_id="LA", name="Rodeo", time_zone="Asia/Tokyo"),
    said("location", 2, location_id="LA", name="Rodeo", time_zone="America/Los_Angeles"),
    said("channel", 1, channel="web", time_zone="America/New_York"),
    said("retailer", 1, tenant="us", time_zone="America/Chicago"),
]
OTHERS = [
    event(
        "return.processed",
        "2026-02-01T03:00:00Z",
        {
            "id": "r1",
            "order_id": "store",
            "returned_at": "2026-02-01T03:00:00Z",
            "return_location_id": "LA",
            "currency": "USD",
            "items": [{"id": "store-1", "product_id": "shoe", "item_type": "product", "refund_amount": 10}],
        },
    ),
    event(
        "fulfillment_request.items_completed",
        "2026-02-01T04:00:00Z",
        {
            "id": "f1",
            "order_id": "store",
            "logical_timestamp": 2,
            "fulfillment_location_id": "LA",
            "items": [{"id": "store-1", "product_id": "shoe", "quantity": 1, "shipped_at": "2026-02-01T04:00:00Z"}],
        },
    ),
    # Another retailer, without zones: its days are those of UTC.
    order("abroad", "2026-02-01T02:30:00Z", tenant="eu", demand_location_id="LA", channel="web"),
]


def days(home: Path) -> dict[str, Any]:
    """Every business day that the facts have."""
    with connect(home) as con:
        rows = con.execute(
            """
            select order_id, business_date, business_hour from marts.fct_orders
            union all
            select 'item ' || order_id, business_date, null from marts.fct_order_items where item_id != 'store-1'
            union all
            select 'return ' || return_id, business_date, null from marts.fct_returns
            union all
            select 'request ' || fulfillment_request_id, business_date, null from marts.fct_fulfillment_requests
            union all
            select 'moved ' || source_id, business_date, null from marts.fct_inventory_movements
            """
        ).fetchall()
    return {name: (day, hour) for name, day, hour in rows}


WITH_ZONES = {
    **{name: (day, hour) for name, (_, _, day, hour) in ORDERS.items()},
    **{f"item {name}": (day, None) for name, (_, _, day, _) in ORDERS.items() if name != "store"},
    # 19:00 and 20:00 in Los Angeles.
    "return r1": (date(2026, 1, 31), None),
    "moved r1": (date(2026, 1, 31), None),
    "request f1": (date(2026, 1, 31), None),
    "moved f1": (date(2026, 1, 31), None),
    "abroad": (date(2026, 2, 1), 2),
    "item abroad": (date(2026, 2, 1), None),
}
SALES = [order(name, at, **where) for name, (at, where, _, _) in ORDERS.items()] + OTHERS


def settings_of(home: Path) -> Settings:
    return Settings.load({}, home=str(home))


@pytest.mark.parametrize("splits", [1, 3])
def test_the_day_is_that_of_the_shop_in_any_order(tmp_path: Path, seed: int, splits: int) -> None:
    events = SALES + ZONES
    random.Random(seed).shuffle(events)
    for part in range(splits):
        deliver(settings_of(tmp_path), events[part::splits])
        refresh(settings_of(tmp_path))
    assert days(tmp_path) == WITH_ZONES


def test_a_zone_that_is_loaded_or_corrected_later_moves_what_it_concerns(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, SALES)
    refresh(settings)
    in_utc = days(tmp_path)
    assert in_utc["store"] == (date(2026, 2, 1), 2)
    assert in_utc["return r1"] == in_utc["moved f1"] == (date(2026, 2, 1), None)
    deliver(settings, ZONES)
    refresh(settings)
    assert days(tmp_path) == WITH_ZONES
    # The store was in another zone all along. Nothing else moves.
    deliver(settings, [said("location", 3, location_id="LA", time_zone="Asia/Tokyo")])
    publication = refresh(settings)
    now = days(tmp_path)
    assert now["store"] == (date(2026, 2, 1), 11)
    assert now["item after"] == (date(2026, 3, 8), None)
    assert now["long"] == (date(2026, 11, 2), 16)
    assert {name for name in now if now[name] != WITH_ZONES[name]} <= {
        *(name for name, (_, where, _, _) in ORDERS.items() if where.get("demand_location_id") == "LA"),
        *("item long", "return r1", "moved r1", "request f1", "moved f1"),
    }
    assert "dim_customers" not in publication.rows


def test_a_zone_that_is_taken_back_leaves_the_next_one(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, SALES + ZONES)
    refresh(settings)
    deliver(settings, [said("location", 4, location_id="LA"), said("channel", 4, channel="web")])
    refresh(settings)
    now = days(tmp_path)
    # 02:30 in UTC is 20:30 in Chicago, where the retailer is.
    assert now["store"] == now["web"] == (date(2026, 1, 31), 20)
    refresh(settings, full=True)
    assert days(tmp_path) == now
