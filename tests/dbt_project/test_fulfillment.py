"""Fulfilment: requests by their newest state, units that are rejected and rerouted, and what both tell of the order."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows


def request(step: str, day: int, request_id: str, logical: object, *items: object, **fields: object) -> dict[str, Any]:
    lines = [{"id": item, "product_id": "shoe"} if isinstance(item, str) else item for item in items]
    fields = {"id": request_id, "order_id": "main", "logical_timestamp": logical, "items": lines, **fields}
    return event(f"fulfillment_request.{step}", day, **fields)


AT_BERK = {"fulfillment_location_id": "BERK", "service_level": "STANDARD", "associate_id": "unknown"}
AT_SOHO = {"fulfillment_location_id": "SOHO"}

EVENTS = [
    # main: a leaves BERK; b is turned down there and leaves SOHO together with c, in two events; d is never routed.
    event(
        "order.opened",
        1,
        id="main",
        placed_at="2026-03-01T12:00:00Z",
        items=[{"id": item, "product_id": "shoe"} for item in "abcd"],
    ),
    request("assigned", 2, "r1", 10, "a", "b", **AT_BERK),
    request("items_failed", 3, "r1", 12, {"id": "b", "rejection_reason": "Item damaged"}, **AT_BERK),
    request("assigned", 4, "r2", 13, "b", "c", **AT_SOHO),
    request("items_ready_for_handover", 4, "r1", 14, "a", **AT_BERK),
    request(
        "items_completed",
        5,
        "r1",
        15,
        {"id": "a", "shipped_at": "2026-03-05T06:00:00Z", "tracking_code": "1Z1", "carrier": "ups"},
        {"id": "a", "shipped_at": "2026-03-05T07:00:00Z", "tracking_code": "1Z2"},
        **AT_BERK,
    ),
    request("items_ready_for_handover", 5, "r2", 16, "b", "c", **AT_SOHO),
    request("items_completed", 6, "r2", 17, "b", **AT_SOHO),
    request("items_completed", 7, "r2", 20, "c", **AT_SOHO),
    request("items_completed", 8, "r2", 21, "c", **AT_SOHO),
    event("order.completed", 9, id="main", items=[{"id": item} for item in "abc"]),
    # order: 9 is older than 10 though it was published later; of one number the later published is newer.
    request("items_failed", 5, "nine", "9", "n", order_id="order", **AT_BERK),
    request("assigned", 4, "nine", "10", "n", order_id="order", **AT_BERK),
    request("items_completed", 3, "tie", 30, "t", order_id="order", **AT_BERK),
    request("assigned", 2, "tie", 30, "t", order_id="order", **AT_BERK),
    # waits: h is on hold and stays so when it is assigned again; f was turned down and has gone nowhere since.
    event("order.created", 1, id="waits", created_at="2026-03-01T00:00:00Z", items=[{"id": "h"}, {"id": "f"}]),
    event("order.items_on_hold", 2, id="waits", items=[{"id": "h"}]),
    request("assigned", 3, "w1", 41, "h", order_id="waits", **AT_SOHO),
    request("assigned", 4, "w2", 42, "f", order_id="waits", **AT_BERK),
    request("items_failed", 5, "w2", 43, "f", order_id="waits", **AT_BERK),
    # pos: sold over the counter, of which no request tells; the order's completion is all there is.
    event("order.created", 1, id="pos", items=[{"id": "p"}]),
    event("order.completed", 2, id="pos", items=[{"id": "p", "fulfillment_location_id": "BERK"}]),
    # A request of which only the end is known: no order, no number, no item ids, and one without items.
    event("fulfillment_request.items_completed", 3, id="bare", items=[{"product_id": "hat"}, {}]),
    event("fulfillment_request.items_completed", 4, id="empty", items=[]),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_a_request_is_in_the_state_of_its_newest_event(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "fulfillment_request_id, order_id, fulfillment_location_id, service_level, associate_id, status, "
        "logical_timestamp, item_count, completed_item_count, failed_item_count"
    )
    assert rows(con, f"select {columns} from marts.fct_fulfillment_requests order by 1") == [
        ("bare", None, None, None, None, "completed", None, 2, 2, 0),
        ("empty", None, None, None, None, "completed", None, 0, 0, 0),
        ("nine", "order", "BERK", "STANDARD", "unknown", "assigned", 10, 1, 0, 1),
        ("r1", "main", "BERK", "STANDARD", "unknown", "completed", 15, 2, 1, 1),
        ("r2", "main", "SOHO", None, None, "completed", 21, 2, 2, 0),
        ("tie", "order", "BERK", "STANDARD", "unknown", "completed", 30, 1, 1, 0),
        ("w1", "waits", "SOHO", None, None, "assigned", 41, 1, 0, 0),
        ("w2", "waits", "BERK", "STANDARD", "unknown", "failed", 43, 1, 0, 1),
    ]
    columns = "assigned_at, ready_for_handover_at, completed_at, failed_at"
    times = f"select {columns} from marts.fct_fulfillment_requests where fulfillment_request_id in ('r1', 'r2')"
    shipped = datetime(2026, 3, 5, 6, tzinfo=UTC)
    # r2 has completed c on the 7th; that this is repeated on the 8th moves nothing.
    assert rows(con, f"{times} order by fulfillment_request_id") == [
        (noon(2), noon(4), shipped, noon(3)),
        (noon(4), noon(5), noon(7), None),
    ]


def test_a_rejected_unit_has_a_row_in_each_request_it_was_in(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "fulfillment_request_id, item_id, product_id, status, rejection_reason, tracking_code, carrier, "
        "assigned_at, ready_for_handover_at, completed_at, failed_at"
    )
    shipped = datetime(2026, 3, 5, 6, tzinfo=UTC)
    items = f"select {columns} from marts.fct_fulfillment_items"
    assert rows(con, f"{items} where order_id = 'main' order by 1, 2") == [
        ("r1", "a", "shoe", "completed", None, "1Z1", "ups", noon(2), noon(4), shipped, None),
        ("r1", "b", "shoe", "failed", "Item damaged", None, None, noon(2), None, None, noon(3)),
        ("r2", "b", "shoe", "completed", None, None, None, noon(4), noon(5), noon(6), None),
        ("r2", "c", "shoe", "completed", None, None, None, noon(4), noon(5), noon(7), None),
    ]
    assert rows(con, f"{items} where order_id is null order by 1, 2") == [
        ("bare", "line-1", "hat", "completed", None, None, None, None, None, noon(3), None),
        ("bare", "line-2", None, "completed", None, None, None, None, None, noon(3), None),
    ]


def test_a_request_with_a_unit_that_is_neither_completed_nor_turned_down_is_open(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = "fulfillment_request_id, location_id, order_id, assigned_at, age, units, service_level, status"
    # Of nine the assignment is newer than the failure. The newest event of all is of noon on the 9th.
    assert rows(con, f"select {columns} from marts.fct_open_requests order by 1") == [
        ("nine", "BERK", "order", noon(4), timedelta(days=5), 1, "STANDARD", "assigned"),
        ("w1", "SOHO", "waits", noon(3), timedelta(days=6), 1, None, "assigned"),
    ]


def test_units_of_an_order_know_where_and_when_they_were_fulfilled(con: duckdb.DuckDBPyConnection) -> None:
    columns = "item_id, status, fulfillment_location_id, assigned_at, on_hold_at, fulfilled_at"
    items = f"select {columns} from marts.fct_order_items"
    shipped = datetime(2026, 3, 5, 6, tzinfo=UTC)
    assert rows(con, f"{items} where order_id = 'main' order by 1") == [
        ("a", "fulfilled", "BERK", noon(2), None, shipped),
        ("b", "fulfilled", "SOHO", noon(2), None, noon(6)),
        ("c", "fulfilled", "SOHO", noon(4), None, noon(7)),
        ("d", "opened", None, None, None, None),
    ]
    assert rows(con, f"{items} where order_id in ('waits', 'pos') order by 1") == [
        ("f", "created", None, noon(4), None, None),
        ("h", "assigned", "SOHO", noon(3), noon(2), None),
        ("p", "fulfilled", "BERK", None, None, noon(2)),
    ]
    columns = "order_id, status, has_header, item_count, fulfilled_item_count, first_assigned_at, first_fulfilled_at"
    assert rows(con, f"select {columns} from marts.fct_orders order by 1") == [
        ("main", "completed", True, 4, 3, noon(2), shipped),
        # Known from its requests alone.
        ("order", "unknown", False, 2, 1, noon(2), noon(3)),
        ("pos", "completed", True, 1, 1, None, noon(2)),
        ("waits", "created", True, 2, 0, noon(3), None),
    ]


def test_an_order_takes_as_long_as_its_slowest_request(con: duckdb.DuckDBPyConnection) -> None:
    day = timedelta(days=1)
    columns = (
        "order_id, placed_to_assigned, assigned_to_ready, ready_to_completed, placed_to_completed, rerouted, split"
    )
    assert rows(con, f"select {columns} from marts.fulfillment_times order by 1") == [
        # Placed on the 1st, first assigned on the 2nd. Packed after 2 days (r1, 2nd to 4th) and 1 (r2, 4th to 5th),
        # gone 18 hours (r1) and 2 days (r2, 5th to 7th) later, the last unit 6 days after the order.
        ("main", day, 2 * day, 2 * day, 6 * day, 1, 2),
        ("order", None, None, None, None, 1, 2),
        # It does not say when it was placed, but when it was made: half a day before noon on the 1st.
        ("waits", 2.5 * day, None, None, None, 1, 2),
    ]
