"""Orders: status by rank, units through swaps, holds and cancellations, discounts, and headers that come late."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows


def unit(item_id: str, price: float = 10, **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "item_type": "product", "product_id": "shoe", "pricebook_price": price, **fields}


def ordered(step: str, order_id: str, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    fields = {"created_at": "2026-03-01T08:00:00Z", "currency": "EUR", **fields}
    return event(f"order.{step}", 1, id=order_id, items=list(items), **fields)


def six(day: int) -> datetime:
    return datetime(2026, 3, day, 6, tzinfo=UTC)


EVENTS = [
    # rank: one order for each status, each told of in the order that would mislead whoever takes the last event.
    ordered("created", "created", unit("c")),
    ordered("opened", "opened", unit("o", status="opened")),
    ordered("created", "opened", unit("o", status="created")),
    event("order.items_on_hold", 2, id="held", items=[{"id": "h1"}]),
    ordered("created", "held", unit("h1"), unit("h2")),
    # No longer on hold: the unit was cancelled, the other one is as before.
    event("order.items_on_hold", 2, id="freed", items=[{"id": "f1"}]),
    event("order.items_cancelled", 3, id="freed", items=[{"id": "f1", "cancellation_reason": "insufficient_stock"}]),
    ordered("created", "freed", unit("f1"), unit("f2")),
    event("order.completed", 4, id="done", completed_at="2026-03-03T06:00:00Z", items=[{"id": "d1"}]),
    event("order.items_on_hold", 5, id="done", items=[{"id": "d2"}]),
    ordered("opened", "done", unit("d1"), unit("d2")),
    event("order.cancelled", 2, id="gone", items=[{"id": "g1"}]),
    event("order.completed", 3, id="gone", items=[{"id": "g1"}]),
    ordered("created", "gone", unit("g1"), unit("g2")),
    # Every unit was cancelled, by two events of one order.
    event("order.items_cancelled", 2, id="bits", items=[{"id": "b1"}]),
    event("order.items_cancelled", 3, id="bits", items=[{"id": "b2"}]),
    ordered("created", "bits", unit("b1"), unit("b2")),
    # The same of an order without a header: nobody knows whether there were more units.
    event("order.items_cancelled", 2, id="late", items=[{"id": "l1"}]),
    # times: what an event says of itself counts, and not when it was published.
    ordered("created", "times", unit("t1"), unit("t2"), unit("t3"), placed_at="2026-03-01T07:00:00Z"),
    ordered("opened", "times", unit("t1"), unit("t2"), unit("t3"), opened_at="2026-03-02T06:00:00Z"),
    event("order.items_on_hold", 9, id="times", on_hold_at="2026-03-03T06:00:00Z", items=[{"id": "t1"}]),
    event("order.items_cancelled", 9, id="times", cancelled_at="2026-03-04T06:00:00Z", items=[{"id": "t1"}]),
    event("order.shipped", 9, id="times", shipped_at="2026-03-05T06:00:00Z", items=[{"id": "t2"}]),
    event("order.cancelled", 9, id="times", cancelled_at="2026-03-06T06:00:00Z", items=[]),
    # swaps: nobody publishes what the fields of a swap are called, so each plausible pair is read. s1 becomes s1b, and
    # that s1c; the unit that came stands at the price of the one that was ordered, 50 + 20 + 30 + 40 in all.
    ordered("created", "swaps", unit("s1", 50), unit("s2", 20), unit("s3", 30), unit("s4", 40)),
    event("order.items_swapped", 2, id="swaps", items=[{"id": "s1", "new_item_id": "s1b", "new_product_id": "boot"}]),
    event("order.items_swapped", 3, id="swaps", items=[{"old_item_id": "s1b", "id": "s1c", "product_id": "hat"}]),
    event("order.items_swapped", 4, id="swaps", swapped_at="2026-03-04T06:00:00Z", items=[
        {"old_item": {"id": "s2", "product_id": "shoe"}, "new_item": {"id": "s2b", "product_id": "cap"}},
    ]),
    event("order.items_swapped", 5, id="swaps", items=[
        {"id": "s3", "swapped_to_item_id": "s3b", "swapped_to_product_id": "sock"},
        # A line that names one unit alone swaps nothing.
        {"id": "s4", "product_id": "shoe"},
    ]),
    # net: 100 - 10 - 5; the tax stands apart, in the price or on top of it. Missing discounts are none.
    ordered(
        "created",
        "net",
        unit("n1", 100, item_discounts=10, order_discounts=5, tax=14.2, discounts=[
            {"id": "x", "level": "item", "action": "percentage", "value": 10, "price_adjustment": 10, "reason": "Sale"},
            {"id": "y", "level": "order", "action": "fixed", "value": 20, "price_adjustment": 5, "coupon_code": "C-1"},
        ]),
        unit("n2", 7),
        unit("n3", 4.95, item_type="Shipping"),
        price_method="tax_included",
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_the_rank_and_not_the_last_event_says_the_status(con: duckdb.DuckDBPyConnection) -> None:
    columns = "order_id, status, has_header, item_count, cancelled_item_count, fulfilled_item_count"
    names = "'created', 'opened', 'held', 'freed', 'done', 'gone', 'bits', 'late'"
    assert rows(con, f"select {columns} from marts.fct_orders where order_id in ({names}) order by order_id") == [
        ("bits", "cancelled", True, 2, 2, 0),
        ("created", "created", True, 1, 0, 0),
        ("done", "completed", True, 2, 0, 1),
        ("freed", "created", True, 2, 1, 0),
        ("gone", "cancelled", True, 2, 2, 0),
        ("held", "on_hold", True, 2, 0, 0),
        ("late", "unknown", False, 1, 1, 0),
        ("opened", "opened", True, 1, 0, 0),
    ]
    units = f"select item_id, status, cancellation_reason from marts.fct_order_items where order_id in ({names})"
    assert rows(con, f"{units} order by item_id") == [
        ("b1", "cancelled", None),
        ("b2", "cancelled", None),
        ("c", "created", None),
        ("d1", "fulfilled", None),
        ("d2", "on_hold", None),
        ("f1", "cancelled", "insufficient_stock"),
        ("f2", "created", None),
        ("g1", "cancelled", None),
        ("g2", "cancelled", None),
        ("h1", "on_hold", None),
        ("h2", "created", None),
        ("l1", "cancelled", None),
        ("o", "opened", None),
    ]


def test_an_order_is_cancelled_with_its_last_unit(con: duckdb.DuckDBPyConnection) -> None:
    query = "select order_id, cancelled_at from marts.fct_orders where order_id in ('bits', 'gone', 'late', 'freed')"
    assert rows(con, f"{query} order by order_id") == [
        ("bits", noon(3)), ("freed", None), ("gone", noon(2)), ("late", None),
    ]  # fmt: skip


def test_an_event_that_says_when_it_happened_is_believed(con: duckdb.DuckDBPyConnection) -> None:
    columns = "placed_at, created_at, opened_at, completed_at, cancelled_at"
    created = datetime(2026, 3, 1, 8, tzinfo=UTC)
    # The header is the opened one, which does not say when the order was placed.
    assert rows(con, f"select {columns} from marts.fct_orders where order_id = 'times'") == [
        (None, created, six(2), six(5), six(6))
    ]
    columns = "item_id, on_hold_at, fulfilled_at, cancelled_at"
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'times' order by item_id") == [
        # t1 was cancelled two days before the whole order was.
        ("t1", six(3), None, six(4)),
        ("t2", None, six(5), six(6)),
        ("t3", None, None, six(6)),
    ]
    steps = "select status, occurred_at from marts.fct_order_status_changes where order_id = 'times'"
    assert rows(con, f"{steps} order by occurred_at") == [
        ("created", created),
        ("opened", six(2)),
        ("on_hold", six(3)),
        ("items_cancelled", six(4)),
        ("completed", six(5)),
        ("cancelled", six(6)),
    ]


def test_a_swapped_unit_stands_at_the_price_of_the_one_it_replaced(con: duckdb.DuckDBPyConnection) -> None:
    columns = "item_id, product_id, status, net_amount::double, cancelled_at, cancellation_reason, swapped_to_item_id"
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'swaps' order by item_id") == [
        ("s1", "shoe", "cancelled", 50.0, noon(2), "swapped", "s1b"),
        ("s1b", "boot", "cancelled", 50.0, noon(3), "swapped", "s1c"),
        ("s1c", "hat", "created", 50.0, None, None, None),
        ("s2", "shoe", "cancelled", 20.0, six(4), "swapped", "s2b"),
        ("s2b", "cap", "created", 20.0, None, None, None),
        ("s3", "shoe", "cancelled", 30.0, noon(5), "swapped", "s3b"),
        ("s3b", "sock", "created", 30.0, None, None, None),
        ("s4", "shoe", "created", 40.0, None, None, None),
    ]
    counts = "select item_count, cancelled_item_count, status from marts.fct_orders where order_id = 'swaps'"
    assert rows(con, counts) == [(4, 0, "created")]


def test_net_amount_is_the_price_less_both_kinds_of_discount(con: duckdb.DuckDBPyConnection) -> None:
    columns = "item_id, net_amount::double, tax::double"
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'net' order by item_id") == [
        ("n1", 85.0, 14.2),
        ("n2", 7.0, None),
        ("n3", 4.95, None),
    ]
    # Shipping, however it is spelled, is no unit.
    assert rows(con, "select item_count from marts.fct_orders where order_id = 'net'") == [(2,)]
    columns = "item_id, discount_id, level, action, value, price_adjustment::double, reason, coupon_code"
    assert rows(con, f"select {columns} from marts.fct_order_discounts where order_id = 'net' order by 2") == [
        ("n1", "x", "item", "percentage", 10.0, 10.0, "Sale", None),
        ("n1", "y", "order", "fixed", 20.0, 5.0, None, "C-1"),
    ]


def test_an_order_says_where_it_goes_and_by_which_coupons(warehouse_of: Any) -> None:
    address = {"country": "US", "state": " NY ", "zip_code": "10012", "city": "New York"}
    coupons = [{"coupon_code": "SPRING"}, {"coupon_code": "AUTUMN"}, {"coupon_code": "SPRING"}, {"coupon_code": ""}]
    picked_up = [{"id": "p1", "shipping_service_level": "IN_STORE_HANDOVER"}, {"id": "p2"}]
    con = warehouse_of(
        [
            event("order.created", 1, id="sent", shipping_address=address, discounts=coupons, items=[{"id": "s1"}]),
            event("order.created", 1, id="picked up", items=picked_up),
            event("order.created", 1, id="parcel", items=[{"id": "x", "shipping_service_level": "STANDARD"}]),
        ]
    )
    columns = "order_id, ship_to_country, ship_to_state, ship_to_zip, coupon_codes, is_pickup"
    assert rows(con, f"select {columns} from marts.fct_orders order by 1") == [
        ("parcel", None, None, None, [], False),
        ("picked up", None, None, None, [], True),
        ("sent", "US", "NY", "10012", ["AUTUMN", "SPRING"], None),
    ]
