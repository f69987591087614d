"""Daily sales, and what orders and returns say of products, locations and the calendar."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows


def unit(item_id: str, product_id: str, price: float, **fields: Any) -> dict[str, Any]:
    return {
        "id": item_id,
        "item_type": "product",
        "product_id": product_id,
        "pricebook_price": price,
        "list_price": price + 1,
        **fields,
    }


def web_order(order_id: str, placed_at: str, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": order_id,
        "placed_at": placed_at,
        "channel_type": "web",
        "channel": "shop",
        "currency": "EUR",
        "items": list(items),
        **fields,
    }


SKUS = {"sku": "SKU-1", "ean13": "4000000000001"}

EVENTS = [
    # plain: 3 units, one of them cancelled on the 4th. It is placed at 23:30 in New York, which is the 2nd in UTC.
    event(
        "order.created",
        2,
        **web_order(
            "plain",
            "2026-03-01T23:30:00-05:00",
            unit("p1", "shoe", 100, item_discounts=10, order_discounts=5, tax=17.1, external_identifiers=SKUS),
            unit("p2", "shoe", 100, tax=20),
            unit("p3", "hat", 30.5, item_discounts=0.25, future_fulfillment_location_id="DC1"),
            shipping_total=4.95,
            tax_total=999,
        ),
    ),
    event("order.items_cancelled", 4, id="plain", items=[{"id": "p3"}]),
    # same: another of that day, in which a unit is shipping and another was swapped for one of another product.
    event(
        "order.created",
        2,
        **web_order(
            "same",
            "2026-03-02T00:00:00Z",
            unit("s1", "hat", 20),
            unit("s2", "shoe", 50, order_discounts=1, external_identifiers={"sku": "SKU-2", "ean13": ""}),
            unit("s3", "delivery", 9, item_type="shipping"),
        ),
    ),
    event("order.items_swapped", 5, id="same", items=[{"id": "s1", "new_item_id": "s1b", "new_product_id": "cap"}]),
    # store: the same day in a store, in dollars and opened with other items than created; cancelled at once.
    event("order.created", 2, id="store", currency="USD", items=[unit("t0", "gone", 1)]),
    event(
        "order.opened",
        2,
        id="store",
        currency="USD",
        created_at="2026-03-02T08:00:00Z",
        channel_type="store",
        channel="BERK",
        demand_location_id="BERK",
        items=[unit("t1", "hat", 12), unit("t2", "shoe", 8)],
    ),
    event("order.cancelled", 2, id="store", items=[]),
    # old: an order imported from another system, and cancelled here.
    event("order.created", 3, **web_order("old", "2019-07-01T10:00:00Z", unit("o1", "relic", 70), is_historical=True)),
    event("order.items_cancelled", 3, id="old", items=[{"id": "o1"}]),
    # bare: its header says neither channel nor currency.
    event("order.created", 3, id="bare", placed_at="2026-03-03T10:00:00Z", items=[]),
    # lost: no header has come, so neither its cancellation nor its day is known.
    event("order.items_cancelled", 3, id="lost", items=[{"id": "l1", "product_id": "ghost"}]),
    # Returns: of plain, of old, of lost, a blind one in dollars, one of plain in dollars, and an imported one.
    event(
        "return.processed",
        6,
        id="r1",
        order_id="plain",
        returned_at="2026-03-06T09:00:00Z",
        return_location_id="BERK",
        currency="EUR",
        total_refund_amount=90,
        total_refund_amount_adjusted=85.5,
        items=[
            {"id": "p1", "product_id": "shoe", "external_identifiers": {"sku": "SKU-3"}},
            {"id": "p2", "product_id": "shoe"},
            {"id": "ship", "item_type": "shipping", "product_id": "delivery"},
        ],
    ),
    event("return.processed", 6, id="r2", order_id="old", currency="EUR", total_refund_amount=70, items=[{"id": "o1"}]),
    event("return.processed", 6, id="r3", order_id="lost", total_refund_amount=1, items=[{"id": "l2"}]),
    event(
        "return.processed",
        6,
        id="r4",
        currency="USD",
        total_refund_amount=2.5,
        return_location_id="DC1",
        items=[{"id": "b1", "product_id": "blind"}],
    ),
    event("return.processed", 6, id="r5", order_id="plain", currency="USD", total_refund_amount=3, items=[]),
    event("return.processed", 6, id="r6", order_id="plain", currency="EUR", total_refund_amount=4, is_historical=True),
    event("customer.created", 7, id="c", source={"location_id": "HAM"}),
    # Stock: a sock is described by a count, by what was received earlier, and by an event without a time of its own.
    event(
        "fulfillment_request.assigned",
        2,
        id="f",
        order_id="plain",
        fulfillment_location_id="STRG",
        items=[{"id": "p1", "product_id": "shoe"}, {"id": "f1", "product_id": "lace"}],
    ),
    event(
        "inventory_transaction.items_received",
        9,
        id="t1",
        processed_at="2026-03-08T10:00:00Z",
        fulfillment_location_id="DC1",
        items=[{"product_id": "sock", "quantity": 5, "external_identifiers": {"sku": "S-8", "ean13": "8"}}],
    ),
    event(
        "inventory_count.items_counted",
        8,
        id="t2",
        completed_at="2026-03-08T11:00:00Z",
        fulfillment_location_id="DC1",
        items=[{"product_id": "sock", "count": 5, "external_identifiers": {"sku": "S-9"}}],
    ),
    event(
        "inventory_transaction.asn_created",
        10,
        id="t3",
        origin_id="DC1",
        destination_id="BERK",
        items=[{"product_id": "sock", "quantity": 1, "external_identifiers": {"sku": "S-10", "ean13": "10"}}],
    ),
    event("inventory_transaction.adjustment_created", 10, id="t4", fulfillment_node_id="HAM", items=[]),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_sales_are_booked_on_the_day_of_the_order(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "date, channel_type, channel, currency, orders, units, gross_sales::double, discounts::double, "
        "net_sales::double, tax::double, shipping::double"
    )
    assert rows(con, f"select {columns} from marts.daily_sales where orders > 0 order by all") == [
        # store: 12 + 8, cancelled or not.
        (date(2026, 3, 2), "store", "BERK", "USD", 1, 2, 20.0, 0.0, 20.0, 0.0, 0.0),
        # plain: 230.5 - 15.25, and same: s1b at s1's price and s2, 70 - 1. The tax is that of the units. f1 is one of
        # plain's units by its fulfilment alone, so it has no price.
        (date(2026, 3, 2), "web", "shop", "EUR", 2, 6, 300.5, 16.25, 284.25, 37.1, 4.95),
        (date(2026, 3, 3), "unknown", "unknown", "XXX", 1, 0, 0.0, 0.0, 0.0, 0.0, 0.0),
    ]


def test_returns_and_cancellations_are_booked_on_their_own_days(con: duckdb.DuckDBPyConnection) -> None:
    columns = "date, channel_type, channel, currency, returns, returned_units, refunds::double, cancelled_units"
    query = f"select {columns} from marts.daily_sales where returns > 0 or cancelled_units > 0 order by all"
    sixth = date(2026, 3, 6)
    assert rows(con, query) == [
        (date(2026, 3, 2), "store", "BERK", "USD", 0, 0, 0.0, 2),
        (date(2026, 3, 4), "web", "shop", "EUR", 0, 0, 0.0, 1),
        # r4 is blind, r3's order has no header and neither says its currency.
        (sixth, "unknown", "unknown", "USD", 1, 1, 2.5, 0),
        (sixth, "unknown", "unknown", "XXX", 1, 1, 1.0, 0),
        # r1 gives back 85.5 after the policy for two units, r2 the 70 of an order that was no sale here.
        (sixth, "web", "shop", "EUR", 2, 3, 155.5, 0),
        (sixth, "web", "shop", "USD", 1, 0, 3.0, 0),
    ]


def test_daily_sales_add_up_to_the_orders(con: duckdb.DuckDBPyConnection) -> None:
    daily = rows(con, "select sum(net_sales), sum(units) from marts.daily_sales where currency = 'EUR'")
    units = rows(
        con,
        """
        select sum(net_amount), count(*)
        from marts.fct_order_items inner join marts.fct_orders using (tenant, order_id)
        where
            has_header
            and is_historical is null
            and order_id != 'store'
            and item_type is distinct from 'shipping'
            and swapped_to_item_id is null
        """,
    )
    assert daily == units == [(Decimal("284.2500"), 6)]


def test_products_are_met_anywhere_and_described_by_the_newest_event(con: duckdb.DuckDBPyConnection) -> None:
    columns = "product_id, sku, ean13, first_seen_at, last_sold_at, last_list_price::double, currency"
    evening, midnight = datetime(2026, 3, 2, 4, 30, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    assert rows(con, f"select {columns} from marts.dim_products order by product_id") == [
        ("blind", None, None, noon(6), None, None, None),
        # cap came for a hat of 20.
        ("cap", None, None, noon(5), midnight, 21.0, "EUR"),
        ("ghost", None, None, noon(3), None, None, None),
        ("gone", None, None, noon(2), None, None, None),
        # Every hat was cancelled or swapped away.
        ("hat", None, None, noon(2), None, None, None),
        ("lace", None, None, noon(2), evening, None, None),
        ("relic", None, None, noon(3), None, None, None),
        # The newest SKU came with the return; no other event said another EAN. p1 and p2 came back, but were sold.
        ("shoe", "SKU-3", "4000000000001", noon(2), evening, 101.0, "EUR"),
        ("sock", "S-9", "8", noon(8), None, None, None),
    ]


def test_locations_have_the_fields_they_stood_in(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "select location_id, roles, first_seen_at from marts.dim_locations order by location_id") == [
        ("BERK", ["demand_location_id", "destination_id", "return_location_id"], noon(2)),
        (
            "DC1",
            ["fulfillment_location_id", "future_fulfillment_location_id", "origin_id", "return_location_id"],
            noon(2),
        ),
        ("HAM", ["fulfillment_node_id", "source.location_id"], noon(7)),
        ("STRG", ["fulfillment_location_id"], noon(2)),
    ]


def test_the_calendar_goes_from_the_first_year_to_the_last(con: duckdb.DuckDBPyConnection) -> None:
    # 2019 to 2026, of which 2020 and 2024 are leap years.
    query = "select min(date), max(date), count(*), count(distinct year) from marts.dim_dates"
    assert rows(con, query) == [(date(2019, 1, 1), date(2026, 12, 31), 8 * 365 + 2, 8)]
    columns = "quarter, month_name, iso_year, iso_week, week_start, iso_day_of_week, day_name, is_weekend"
    assert rows(con, f"select {columns} from marts.dim_dates where date = '2021-01-03'") == [
        (1, "January", 2020, 53, date(2020, 12, 28), 7, "Sunday", True)
    ]
