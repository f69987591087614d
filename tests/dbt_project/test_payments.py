"""Money: each transaction counts once, its event's name gives the direction, and no currency is added to another."""

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows


def paid(step: str, day: int, order_id: str, *transactions: dict[str, Any], **fields: object) -> dict[str, Any]:
    fields = {"id": order_id, "order_id": order_id, **fields}
    return event(f"payment_account.amount_{step}", day, transactions=list(transactions), **fields)


def shipped(request_id: str, day: int, order_id: str, item_id: str) -> dict[str, Any]:
    fields = {"id": request_id, "order_id": order_id, "logical_timestamp": day, "items": [{"id": item_id}]}
    return event("fulfillment_request.items_completed", day, **fields)


def money(transaction_id: str | None, amount: float, currency: str | None = "EUR", **fields: object) -> dict[str, Any]:
    stated = {"id": transaction_id, "amount": amount, "currency": currency, **fields}
    return {name: value for name, value in stated.items() if value is not None}


INVOICE: dict[str, Any] = {
    "id": "INV-1",
    "order_id": "sums",
    "number": "2026-7",
    "total_amount": 119.5,
    "currency": "EUR",
    "created_at": "2026-03-04T08:00:00Z",
    "legal": {"note": "Danke", "lines": [1, {"b": 2, "a": None}]},
}

EVENTS = [
    # sums: two units of 60, three captures, two refunds, two shipments and a return.
    event(
        "order.created",
        1,
        id="sums",
        external_id="S-1",
        currency="EUR",
        grand_total=120,
        items=[
            {"id": "u1", "product_id": "shoe", "pricebook_price": 60},
            {"id": "u2", "product_id": "boot", "pricebook_price": 60},
        ],
    ),
    paid("authorized", 1, "sums", money("a1", 130)),
    paid("captured", 2, "sums", money("c1", 50)),
    paid("captured", 3, "sums", money("c2", 40)),
    paid("captured", 4, "sums", money("c3", 30)),
    paid("refunded", 6, "sums", money("r1", -35.5, correlation_id="ret-1")),
    paid("refunded", 7, "sums", money("r2", 4.25)),
    shipped("f1", 3, "sums", "u1"),
    shipped("f2", 4, "sums", "u2"),
    event(
        "return.processed",
        5,
        id="ret-1",
        order_id="sums",
        currency="EUR",
        total_refund_amount=60,
        total_refund_amount_adjusted=55,
        items=[{"id": "u1", "product_id": "shoe", "refund_amount": 60}],
    ),
    event("refund_request.issued", 5, id="rr-1", order_id="sums", amount=35.5, currency="EUR"),
    event("invoice.created", 4, **INVOICE),
    # twice: three events, two of which tell of t2; the later one corrects its amount and its instrument.
    paid(
        "captured",
        2,
        "twice",
        money("t1", 10, instrument_id="i1"),
        money("t2", 20, instrument_id="i1"),
        instruments=[{"id": "i1", "payment_method": "credit_card", "payment_provider": "adyen", "payment_wallet": ""}],
    ),
    paid(
        "captured",
        3,
        "twice",
        money("t2", 21, instrument_id="i1"),
        money("t3", 30, instrument_id="i2"),
        instruments=[
            {"id": "i1", "payment_method": "gift_card", "payment_provider": "gift_card"},
            {"id": "i1", "payment_method": "cash", "payment_provider": "cash"},
        ],
    ),
    # The same id is another transaction when it does another thing.
    paid("voided", 4, "twice", money("t2", -20, created_at="2026-03-03T09:00:00.123456789Z")),
    # rest: 100 authorized, 60 captured, 10 released, 30 still to be captured; and dollars beside the euros.
    paid("authorized", 1, "rest", money("x1", 100)),
    paid("captured", 2, "rest", money("x2", 60)),
    paid("voided", 3, "rest", money("x3", 10)),
    paid("captured", 2, "rest", money("x4", 7.0001, "USD")),
    # bare: no order_id, no transaction ids, once no currency; events that differ in an amount alone are two.
    event("payment_account.amount_captured", 1, id="bare", transactions=[money(None, 1), money(None, 2, None)]),
    event("payment_account.amount_captured", 2, id="bare", transactions=[money(None, 3)]),
    # empty: an account without any transaction is an order all the same.
    paid("authorized", 1, "empty"),
    # asked: a refund asked for twice under one id, of which the later counts; no money has moved.
    event("refund_request.issued", 2, id="rr-2", payment_account_id="asked", amount=10, currency="EUR", note=" "),
    event(
        "refund_request.issued",
        1,
        id="rr-2",
        payment_account_id="asked",
        amount=12,
        currency="EUR",
        requested_at="2026-03-09T10:00:00.5",
        return_reason="Price adjustment",
        reason_code=17,
    ),
    # An invoice of which nothing is known but its id.
    event("invoice.created", 3, id="INV-2", whatever=[1.5]),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_payments_refunds_shipments_and_a_return_do_not_multiply_the_header(con: duckdb.DuckDBPyConnection) -> None:
    header = "external_id, has_header, grand_total::double, item_count, returned_item_count"
    assert rows(con, f"select {header} from marts.fct_orders where order_id = 'sums'") == [("S-1", True, 120.0, 2, 1)]
    assert rows(con, "select sum(net_amount)::double from marts.fct_order_items where order_id = 'sums'") == [(120.0,)]
    # Captured 50 + 40 + 30 = 120, refunded 35.5 + 4.25 = 39.75, kept 80.25; 130 - 120 were authorized for nothing.
    assert rows(con, "from marts.fct_payment_accounts where order_id = 'sums'") == [
        ("acme", "sums", "EUR", 130, 120, pytest.approx(39.75), 0, pytest.approx(80.25), 10)
    ]


def test_what_was_ordered_invoiced_captured_refunded_and_returned_stands_side_by_side(
    con: duckdb.DuckDBPyConnection,
) -> None:
    columns = [
        "ordered, cancelled, invoiced, authorized, captured, refunded, refund_requested, returned",
        "ordered_not_invoiced, ordered_not_captured, invoiced_not_captured",
        "returned_not_refunded, requested_not_refunded",
    ]
    query = f"select {', '.join(columns)} from trust.order_reconciliation where order_id = 'sums'"
    # 120 - 119.5; 120 - 120; 119.5 - 120; 55 adjusted - 39.75; 35.5 asked - 39.75.
    expected = (120, 0, 119.5, 130, 120, 39.75, 35.5, 55, 0.5, 0, -0.5, 15.25, -4.25)
    assert [tuple(map(float, row)) for row in rows(con, query)] == [expected]
    bare = "select currency, ordered, invoiced, captured::double, has_header from trust.order_reconciliation"
    assert rows(con, f"{bare} where order_id in ('rest', 'bare') order by order_id, currency") == [
        ("EUR", None, None, 4.0, False),
        ("XXX", None, None, 2.0, False),
        ("EUR", None, None, 60.0, False),
        ("USD", None, None, 7.0001, False),
    ]


def test_a_transaction_in_two_events_counts_once_as_the_later_tells_it(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "transaction_type, transaction_id, amount::double, reported_amount::double, currency, instrument_id, "
        "payment_method, payment_provider, payment_wallet, occurred_at"
    )
    query = f"select {columns} from marts.fct_payment_transactions where order_id = 'twice' order by all"
    created = datetime(2026, 3, 3, 9, 0, 0, 123456, tzinfo=UTC)
    assert rows(con, query) == [
        ("captured", "t1", 10.0, 10.0, "EUR", "i1", "credit_card", "adyen", None, noon(2)),
        # Its event names i1 twice: the first line counts.
        ("captured", "t2", 21.0, 21.0, "EUR", "i1", "gift_card", "gift_card", None, noon(3)),
        # Its event does not describe i2.
        ("captured", "t3", 30.0, 30.0, "EUR", "i2", None, None, None, noon(3)),
        ("voided", "t2", 20.0, -20.0, "EUR", None, None, None, None, created),
    ]


def test_amounts_are_never_negative_and_the_sent_sign_is_kept(con: duckdb.DuckDBPyConnection) -> None:
    query = """
        select transaction_id, amount::double, reported_amount::double, correlation_id
        from marts.fct_payment_transactions
        where order_id = 'sums' and transaction_type = 'refunded'
        order by all
    """
    assert rows(con, query) == [("r1", 35.5, -35.5, "ret-1"), ("r2", 4.25, 4.25, None)]


def test_accounts_are_summed_by_currency(con: duckdb.DuckDBPyConnection) -> None:
    columns = "currency, authorized, captured, voided, net_captured, authorized_not_captured"
    query = f"select {columns} from marts.fct_payment_accounts where order_id = 'rest' order by currency"
    assert [(row[0], *map(float, row[1:])) for row in rows(con, query)] == [
        ("EUR", 100, 60, 10, 60, 30),
        ("USD", 0, 7.0001, 0, 7.0001, -7.0001),
    ]


def test_transactions_without_ids_all_count(con: duckdb.DuckDBPyConnection) -> None:
    query = "select amount::double, currency from marts.fct_payment_transactions where order_id = 'bare' order by all"
    assert rows(con, query) == [(1.0, "EUR"), (2.0, None), (3.0, "EUR")]
    query = "select currency, captured::double from marts.fct_payment_accounts where order_id = 'bare' order by all"
    assert rows(con, query) == [("EUR", 4.0), ("XXX", 2.0)]


def test_an_order_known_from_its_money_alone_has_a_row(con: duckdb.DuckDBPyConnection) -> None:
    query = "select order_id, status, has_header, item_count, grand_total from marts.fct_orders where not has_header"
    assert rows(con, f"{query} order by order_id") == [
        (order_id, "unknown", False, 0, None) for order_id in ("asked", "bare", "empty", "rest", "twice")
    ]


def test_a_refund_asked_for_is_not_money_moved(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "from marts.fct_payment_accounts where order_id = 'asked'") == []
    columns = "order_id, amount::double, currency, return_reason, reason_code, note, associate_id, requested_at"
    asked = datetime(2026, 3, 9, 10, 0, 0, 500000, tzinfo=UTC)
    assert rows(con, f"select {columns} from marts.fct_refund_requests where refund_request_id = 'rr-2'") == [
        ("asked", 12.0, "EUR", "Price adjustment", 17, None, None, asked)
    ]


def test_an_invoice_keeps_fields_nobody_knows(con: duckdb.DuckDBPyConnection) -> None:
    columns = "invoice_id, order_id, invoice_number, created_at, amount::double, currency, payload"
    first, second = rows(con, f"select {columns} from marts.fct_invoices order by invoice_id")
    assert first[:-1] == ("INV-1", "sums", "2026-7", datetime(2026, 3, 4, 8, tzinfo=UTC), 119.5, "EUR")
    assert json.loads(first[-1]) == INVOICE
    assert second == ("INV-2", None, None, noon(3), None, None, '{"id":"INV-2","whatever":[1.5]}')
