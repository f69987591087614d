"""Returns: goods that come back, blind or not; shipping is money and no unit; what came back shows on the order."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows


def returned(return_id: str, day: int, *items: dict[str, Any], **fields: object) -> dict[str, Any]:
    fields = {"currency": "EUR", "return_location_id": "BERK", **fields}
    return event("return.processed", day, id=return_id, items=list(items), **fields)


def unit(item_id: str | None, refund: float, **fields: object) -> dict[str, Any]:
    line = {"id": item_id, "product_id": "shoe", "quantity": 1, "refund_amount": refund, **fields}
    return {name: value for name, value in line.items() if value is not None}


def ordered(order_id: str, *item_ids: str) -> dict[str, Any]:
    items = [
        {"id": item_id, "item_type": "product", "product_id": "shoe", "pricebook_price": 20} for item_id in item_ids
    ]
    return event("order.created", 1, id=order_id, currency="EUR", grand_total=20 * len(item_ids), items=items)


EVENTS = [
    # full: a is fulfilled and returned, b cancelled and returned all the same, c fulfilled, d only ordered.
    ordered("full", "a", "b", "c", "d"),
    event("order.completed", 2, id="full", items=[{"id": "a"}, {"id": "c"}]),
    event("order.items_cancelled", 3, id="full", items=[{"id": "b"}]),
    returned(
        "r-full",
        4,
        unit(
            "a",
            20,
            refund_amount_adjusted=18,
            refund_excl_tax=16,
            refund_tax=4,
            return_reason="Too small",
            return_code=2,
            item_condition="Sellable",
            condition_code=1,
            adjustment_reason="Worn",
        ),
        unit("a", 99),
        unit("b", 20, item_type="product"),
        unit("s", 5, product_id="shipping", item_type="Shipping"),
        unit(None, 1, quantity=None),
        order_id="full",
        external_order_id="F-1",
        returned_at="2026-03-04T09:30:00.5",
        total_refund_amount=46,
        total_refund_amount_adjusted=44,
        total_refund_excl_tax=40,
        total_refund_tax=6,
        return_fee=2,
        customer_id="ada",
        associate_id="4",
    ),
    # blind: it names no order, and the order NewStore made up for it is none.
    returned("r-blind", 5, unit("a", 20), blind_order_id="made-up"),
    # again: x comes back in two returns, the second in dollars too; z comes back in dollars only.
    ordered("again", "x", "y", "z"),
    returned("r-1", 6, unit("x", 20), order_id="again"),
    returned("r-2", 5, unit("x", 3.5), order_id="again"),
    returned("r-3", 7, unit("x", 9), unit("z", 8), order_id="again", currency="USD"),
    # early: the return is all that is known of the order.
    returned("r-early", 6, unit("e", 12.5), unit("ship", 5, item_type="shipping"), order_id="early"),
    # versions: a return sent three times under one id; the newest says what came back, its other lines are void.
    ordered("versions", "v1", "v2"),
    returned("r-v", 3, unit("v1", 20), unit("v2", 20), order_id="versions", returned_at="2026-03-03T10:00:00Z"),
    returned("r-v", 9, unit("v2", 20), order_id="versions", returned_at="2026-03-03T11:00:00Z"),
    returned("r-v", 8, unit("v1", 17), order_id="versions", returned_at="2026-03-03T12:00:00Z"),
    # A return without lines.
    returned("r-empty", 3, order_id="versions"),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_a_return_has_its_totals_and_its_units_without_shipping(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "order_id, blind_order_id, external_order_id, is_blind, return_location_id, returned_at, total_refund_amount, "
        "total_refund_amount_adjusted, total_refund_excl_tax, total_refund_tax, return_fee, currency, item_count, "
        "customer_id, associate_id"
    )
    at = datetime(2026, 3, 4, 9, 30, 0, 500000, tzinfo=UTC)
    # a, b and the line without an id.
    assert rows(con, f"select {columns} from marts.fct_returns where return_id = 'r-full'") == [
        ("full", None, "F-1", False, "BERK", at, 46, 44, 40, 6, 2, "EUR", 3, "ada", "4")
    ]
    counts = "select return_id, item_count from marts.fct_returns where return_id in ('r-early', 'r-empty') order by 1"
    assert rows(con, counts) == [("r-early", 1), ("r-empty", 0)]


def test_the_lines_of_a_return_are_those_of_its_newest_variant(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "item_id, product_id, item_type, quantity, refund_amount::double, refund_amount_adjusted::double, currency"
    )
    query = f"select {columns} from marts.fct_return_items where return_id = 'r-full' order by item_id"
    assert rows(con, query) == [
        ("a", "shoe", None, 1, 20.0, 18.0, "EUR"),
        ("b", "shoe", "product", 1, 20.0, None, "EUR"),
        ("line-5", "shoe", None, 1, 1.0, None, "EUR"),
        ("s", "shipping", "Shipping", 1, 5.0, None, "EUR"),
    ]
    reasons = "return_reason, return_code, item_condition, condition_code, refund_excl_tax, refund_tax, order_id"
    assert rows(con, f"select {reasons} from marts.fct_return_items where return_id = 'r-full' and item_id = 'a'") == [
        ("Too small", 2, "Sellable", 1, 16, 4, "full")
    ]
    # The greatest returned_at wins, though another variant was published later.
    query = "select item_id, refund_amount::double from marts.fct_return_items where return_id = 'r-v'"
    assert rows(con, query) == [("v1", 17.0)]


def test_a_unit_is_cancelled_before_returned_before_fulfilled(con: duckdb.DuckDBPyConnection) -> None:
    at = datetime(2026, 3, 4, 9, 30, 0, 500000, tzinfo=UTC)
    columns = "item_id, status, fulfilled_at, returned_at, refund_amount::double"
    # Neither the line of shipping nor the one without an id is a unit of the order.
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'full' order by item_id") == [
        ("a", "returned", noon(2), at, 20.0),
        ("b", "cancelled", None, at, 20.0),
        ("c", "fulfilled", noon(2), None, None),
        ("d", "created", None, None, None),
    ]
    counts = "item_count, cancelled_item_count, fulfilled_item_count, returned_item_count, grand_total::double"
    assert rows(con, f"select {counts} from marts.fct_orders where order_id = 'full'") == [(4, 1, 2, 2, 80.0)]


def test_a_blind_return_is_a_return_and_touches_no_order(con: duckdb.DuckDBPyConnection) -> None:
    columns = "order_id, blind_order_id, is_blind, item_count, returned_at"
    assert rows(con, f"select {columns} from marts.fct_returns where is_blind") == [(None, "made-up", True, 1, noon(5))]
    assert rows(con, "select order_id, item_id from marts.fct_return_items where return_id = 'r-blind'") == [
        (None, "a")
    ]
    assert rows(con, "from marts.fct_orders where order_id is null or order_id = 'made-up'") == []


def test_a_unit_that_came_back_twice_has_its_first_return_and_all_refunds_of_its_currency(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = "item_id, status, returned_at, refund_amount::double, currency"
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'again' order by item_id") == [
        # 20 + 3.5; the 9 are dollars.
        ("x", "returned", noon(5), 23.5, "EUR"),
        ("y", "created", None, None, "EUR"),
        ("z", "returned", noon(7), None, "EUR"),
    ]
    counts = "select item_count, returned_item_count from marts.fct_orders where order_id = 'again'"
    assert rows(con, counts) == [(3, 2)]
    returns = "select currency, returned::double from trust.order_reconciliation where order_id = 'again' order by 1"
    assert rows(con, returns) == [("EUR", 0.0)]


def test_an_order_known_from_a_return_alone_has_a_row_and_its_unit(con: duckdb.DuckDBPyConnection) -> None:
    query = "select status, has_header, item_count, returned_item_count from marts.fct_orders where order_id = 'early'"
    assert rows(con, query) == [("unknown", False, 1, 1)]
    columns = "item_id, product_id, status, refund_amount::double, currency, net_amount"
    assert rows(con, f"select {columns} from marts.fct_order_items where order_id = 'early'") == [
        ("e", "shoe", "returned", 12.5, "EUR", None)
    ]
