"""Taxes by day and place: what was collected, cancelled and given back."""

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb

from tests.dbt_project.scenarios import event, rows

Envelope = dict[str, Any]


def unit(item_id: str, price: float, *taxes: tuple[str, float], **fields: Any) -> dict[str, Any]:
    lines = [{"name": name, "amount": amount, "country_code": "US"} for name, amount in taxes]
    item = {"id": item_id, "item_type": "product", "product_id": "shoe", "pricebook_price": price}
    return {**item, "tax": sum(amount for _, amount in taxes), "tax_provider_details": lines, **fields}


def ordered(order_id: str, at: str, *items: dict[str, Any], **fields: Any) -> Envelope:
    payload = {"placed_at": at, "currency": "USD", "price_method": "tax_excluded", "items": list(items), **fields}
    return event("order.created", int(at[8:10]), id=order_id, **payload)


def came_back(return_id: str, order_id: str | None, at: str, *items: dict[str, Any], **fields: Any) -> Envelope:
    payload = {"returned_at": at, "return_location_id": "NY", "currency": "USD", "items": list(items), **fields}
    return event(
        "return.processed", int(at[8:10]), id=return_id, **({"order_id": order_id} if order_id else {}), **payload
    )


ZONES = [
    event("reference.location", 30, location_id=location_id, time_zone=zone, loaded_at="2026-03-30T12:00:00Z")
    for location_id, zone in (("LA", "America/Los_Angeles"), ("NY", "America/New_York"))
]
EVENTS = [
    # 02:00 in UTC on the 2nd is 18:00 in Los Angeles on the 1st. Of a: State 6, City 3, and 1 that no tax line names.
    # Of b: State 6, cancelled at 05:00 on the 4th, 21:00 on the 3rd. c was swapped for d, and its State 2 with it. On
    # shipping 0.5.
    ordered(
        "la",
        "2026-03-02T02:00:00Z",
        unit("a", 100, ("State", 6), ("City", 3), tax=10),
        unit("b", 100, ("State", 6)),
        unit("c", 30, ("State", 2)),
        demand_location_id="LA",
        shipping_total=8,
        shipping_tax=0.5,
    ),
    event("order.items_swapped", 2, id="la", items=[{"id": "c", "new_item_id": "d", "new_product_id": "boot"}]),
    event("order.items_cancelled", 4, id="la", cancelled_at="2026-03-04T05:00:00Z", items=[{"id": "b"}]),
    # a came back at 03:00 in UTC on the 10th, 23:00 in New York on the 9th: 10 of tax, 6/9 and 3/9 of it. d says State
    # -2.
    came_back(
        "r",
        "la",
        "2026-03-10T03:00:00Z",
        {"id": "a", "product_id": "shoe", "refund_amount": 110, "refund_tax": 10},
        {
            "id": "d",
            "product_id": "boot",
            "refund_amount": 32,
            "refund_tax": 2,
            "tax_provider_details": [{"name": "State", "amount": -2, "country_code": "US"}],
        },
    ),
    # An order from the web that is cancelled as a whole, shipping and its line as well.
    ordered(
        "web",
        "2026-03-05T12:00:00Z",
        unit("e", 50, ("State", 4)),
        unit("s", 5, ("State", 0.4), item_type="shipping"),
        shipping_tax=0.4,
    ),
    event("order.cancelled", 6, id="web", items=[]),
    # No sale, but what comes back of it counts; a blind return; an imported one.
    ordered("old", "2019-03-05T12:00:00Z", unit("f", 50, ("State", 4)), is_historical=True),
    came_back("r-old", "old", "2026-03-11T12:00:00Z", {"id": "f", "refund_amount": 52, "refund_tax": 2}),
    came_back(
        "r-blind",
        None,
        "2026-03-11T12:00:00Z",
        {"id": "g", "refund_amount": 11, "refund_tax": 1},
        {"id": "h", "refund_amount": 5, "refund_tax": 1, "tax_provider_details": [{"name": "City", "amount": 0.75}]},
    ),
    came_back("r-import", "la", "2026-03-11T12:00:00Z", {"id": "a", "refund_tax": 10}, is_historical=True),
]

COLUMNS = (
    "date, location_id, name, country_code, collected::double, cancelled::double, refunded::double, net::double, "
    "is_apportioned"
)


def test_taxes_are_collected_cancelled_and_given_back_on_their_days(
    in_all_orders: Callable[..., list[duckdb.DuckDBPyConnection]],
) -> None:
    for con in in_all_orders(EVENTS + ZONES):
        assert rows(con, f"select {COLUMNS} from marts.daily_taxes where currency = 'USD' order by all") == [
            (date(2026, 3, 1), "LA", "City", "US", 3.0, 0.0, 0.0, 3.0, False),
            # 6 of a, 6 of b and 2 of d, which came for c.
            (date(2026, 3, 1), "LA", "State", "US", 14.0, 0.0, 0.0, 14.0, False),
            # The rest of a, and shipping.
            (date(2026, 3, 1), "LA", "unknown", "unknown", 1.5, 0.0, 0.0, 1.5, False),
            (date(2026, 3, 3), "LA", "State", "US", 0.0, 6.0, 0.0, -6.0, False),
            (date(2026, 3, 5), "unknown", "State", "US", 4.4, 0.0, 0.0, 4.4, False),
            (date(2026, 3, 6), "unknown", "State", "US", 0.0, 4.4, 0.0, -4.4, False),
            # 10 * 3/9 and 10 * 6/9, to the ten-thousandth; 2 of d.
            (date(2026, 3, 9), "NY", "City", "US", 0.0, 0.0, 3.3334, -3.3334, True),
            (date(2026, 3, 9), "NY", "State", "US", 0.0, 0.0, 8.6666, -8.6666, True),
            # The blind return names 0.75 of 2.
            (date(2026, 3, 11), "NY", "City", "unknown", 0.0, 0.0, 0.75, -0.75, False),
            (date(2026, 3, 11), "NY", "State", "US", 0.0, 0.0, 2.0, -2.0, True),
            (date(2026, 3, 11), "NY", "unknown", "unknown", 0.0, 0.0, 1.25, -1.25, False),
        ]
        query = "select distinct order_id, business_date from marts.fct_order_taxes order by order_id"
        assert rows(con, query) == [
            ("la", date(2026, 3, 1)),
            ("old", date(2019, 3, 5)),
            ("web", date(2026, 3, 5)),
        ]


def test_a_zone_or_an_order_that_comes_later_moves_its_taxes(warehouse_of: Any) -> None:
    returns, others = [EVENTS[3]], [*EVENTS[:3], *ZONES]
    # First the return alone, whose taxes nobody knows; then its order and the zones.
    first = rows(warehouse_of(returns), f"select {COLUMNS} from marts.daily_taxes order by all")
    assert first == [
        (date(2026, 3, 10), "NY", "State", "US", 0.0, 0.0, 2.0, -2.0, False),
        (date(2026, 3, 10), "NY", "unknown", "unknown", 0.0, 0.0, 10.0, -10.0, False),
    ]
    one_by_one = [*returns, *others]
    query = f"select {COLUMNS} from marts.daily_taxes order by all"
    step_by_step = rows(warehouse_of(one_by_one, splits=len(one_by_one)), query)
    assert step_by_step == rows(warehouse_of(one_by_one), query)
    assert (date(2026, 3, 9), "NY", "State", "US", 0.0, 0.0, 8.6666, -8.6666, True) in step_by_step
