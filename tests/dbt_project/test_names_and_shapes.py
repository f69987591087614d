"""What NewStore sends under several names or in several shapes, and what it says of a thing beside what is counted."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, noon, rows

ADA = "NS-EU-01HV4Z8J6K-01HV4Z8J6M"

WRAPPING = {"price": 4.5, "message": "For Max", "tax_lines": [{"name": "VAT", "amount": 0.72, "rate": 0.19}]}
HEADER = {
    "external_id": "1001",
    "customer_id": ADA,
    "channel_type": "mobile",
    "channel": "app",
    "channel_name": "The App",
    "shop": "eu",
    "shop_locale": "de-DE",
    "customer_name": "Ada Lovelace",
    "customer_language": "de",
    "associate_email": "max@example.com",
    "is_offline": False,
    "is_preconfirmed": True,
    "tax_exempt": False,
    "tax_strategy": "avalara",
    "price_method": "vat_included",
    "status": "OPEN",
    "currency": "EUR",
    "placed_at": "2026-03-01T08:00:00Z",
    "shipping_address": {"full_name": "Ada Lovelace", "city": "Berlin", "zip_code": "10115", "contact_phone": "1"},
    "gift_wrapping": WRAPPING,
    "payments": [{"payment_method": "gift_card"}, {"payment_method": "credit_card"}, {"payment_method": "gift_card"}],
}
UNIT = {
    "id": "a",
    "product_id": "watch",
    "pricebook_price": 119,
    "tax": 19,
    "tax_provider_details": [{"name": "VAT", "amount": 19, "rate": 0.19}],
    "serial_number": "SN-1",
    "epc": "30342848A80DDBC000000001",
    "group_ref": "set-1",
    "addon_parent_item_id": "b",
    "external_item_id": "X-1",
    "fulfillment_group_type": "SHIPPING",
    "gift_wrapping": WRAPPING,
    "discounts": [{"id": "d", "type": "percentage", "value": 10, "original_value": 20, "description": "Staff"}],
}


def request(step: str, day: int, logical: int, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    fields = {"id": "f", "order_id": "o", "logical_timestamp": logical, "items": list(items), **fields}
    return event(f"fulfillment_request.{step}", day, **fields)


def paid(day: int, transaction_id: str, instrument: dict[str, Any], **fields: Any) -> dict[str, Any]:
    transactions = [{"id": transaction_id, "instrument_id": "i", "amount": 5, "currency": "EUR", **fields}]
    instruments = [{"id": "i", **instrument}]
    return event("payment_account.amount_refunded", day, id="o", transactions=transactions, instruments=instruments)


EVENTS = [
    # o: its completion tells when a left. bad: it failed. late: without a header, and known by its number all the same.
    event("order.opened", 1, id="o", items=[UNIT, {"id": "b", "product_id": "box"}], **HEADER),
    event(
        "order.completed",
        6,
        id="o",
        capture_type="pos",
        items=[{"id": "a", "shipped_at": "2026-03-05T08:00:00Z"}, {"id": "b"}],
    ),
    event("order.created", 2, id="bad", status="failed", currency="EUR", items=[{"id": "c"}]),
    event("order.items_cancelled", 3, id="late", external_id="1002", items=[{"id": "l", "reason": "no_stock"}]),
    event("order.items_on_hold", 2, id="late", items=[{"id": "h", "reason": "address"}]),
    event(
        "order.cancelled", 5, id="gone", cancellation_reason="fraud", items=[{"id": "g"}, {"id": "k", "reason": "x"}]
    ),
    # What the request says fills its lines, but for what they say themselves; b was not to fail for it.
    request(
        "assigned", 2, 1, {"item_id": "a"}, {"id": "b"}, fulfillment_node_id="PIER", created_at="2026-03-02T07:00:00Z"
    ),
    request(
        "items_failed",
        3,
        2,
        {"item_id": "a"},
        {"id": "", "item_id": "b", "rejection_reason": "broken", "carrier": "ups", "tracking_code": None},
        fulfillment_location_id="SOHO",
        fulfillment_node_id="PIER",
        reason="no_inventory",
        carrier="dhl",
        tracking_code="T-1",
    ),
    # One way to name an instrument, and the other; what has both names goes by the first.
    paid(4, "t1", {"method": "credit_card", "processor": "adyen", "wallet": "apple_pay"}, correlation_ref="r"),
    paid(5, "t2", {"payment_method": "cash", "method": "x", "payment_provider": "till"}, correlation_id="q"),
    event(
        "return.processed",
        7,
        id="r",
        order_id="o",
        customer_id=ADA,
        customer_email="ada@example.com",
        associate_email="max@example.com",
        items=[{"id": "a", "product_id": "watch", "quantity": -1, "refund_amount": 119}],
    ),
    event("refund_request.issued", 8, id="q", order_id="o", amount=5, associate_email="max@example.com"),
    # The receipt names the transfer order.
    event(
        "inventory_transaction.asn_created", 1, id="n", origin_id="PIER", items=[{"product_id": "box", "quantity": 2}]
    ),
    event(
        "inventory_transaction.items_received",
        2,
        id="m",
        asn_id="n",
        order_ref="TO-1",
        fulfillment_location_id="SOHO",
        items=[{"product_id": "box", "quantity": 2}],
    ),
    event(
        "customer.created",
        1,
        id=ADA,
        full_name="Ada Lovelace",
        phone="",
        phone_number="12",
        display_id="C-1",
        created_by="max",
        store_id="PIER",
        source={
            "location_id": "PIER",
            "associate_id": "4",
            "associate_name": "Max",
            "associate_email": "m@example.com",
        },
        extended_attributes=[
            {"name": "vip", "value": True},
            {"name": "vip", "value": False},
            {"name": "birthday", "value": {"month": 5, "day": 17}},
        ],
    ),
    event(
        "customer.updated",
        2,
        id="bob",
        phone="1",
        phone_number="2",
        extended_attributes={"tier": {"data_type": "text", "value": "gold"}, "vip": False},
    ),
    event(
        "customer.address_created",
        1,
        id="adr",
        customer_id=ADA,
        company_name="Engines Ltd",
        salutation="Ms",
        province="Ontario",
        contact_phone="34",
        note="Ring twice",
    ),
    event("customer.created", 1, id="cem"),
    event("employee.created", 1, id="dan"),
    event("employee.created", 1, id="eve", roles=["clerk", "associate"], external_directory=False),
    event(
        "employee.updated",
        2,
        id="max",
        roles=[{"id": "1", "name": "manager", "is_readonly": True}, {"id": "2", "name": "associate"}],
        external_directory="okta",
        last_login_at="2026-03-02T06:00:00Z",
    ),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_nothing_of_it_is_drift(con: duckdb.DuckDBPyConnection) -> None:
    # A line of another number than one is, whatever it is.
    assert rows(con, "select event_name, path, drift from trust.contract_drift") == [
        ("return.processed", "items[].quantity", "not_one_unit")
    ]


def test_an_order_says_who_bought_where_and_how(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "customer_id, channel_type, channel_name, shop, shop_locale, customer_name, customer_language, "
        "associate_email, is_offline, is_fulfilled, is_preconfirmed, tax_exempt, tax_strategy, reported_status, "
        "status, capture_type, ship_to_city, ship_to_zip, payment_methods, gift_wrapping_price::double, gift_message"
    )
    assert rows(con, f"select {columns} from marts.fct_orders where order_id = 'o'") == [
        (
            *(ADA, "mobile", "The App", "eu", "de-DE", "Ada Lovelace", "de", "max@example.com"),
            *(False, None, True, False, "avalara", "open", "completed", "pos"),
            *("Berlin", "10115", ["credit_card", "gift_card"], 4.5, "For Max"),
        )
    ]
    columns = "order_id, status, external_id, cancellation_reason"
    assert rows(con, f"select {columns} from marts.fct_orders where order_id != 'o' order by order_id") == [
        ("bad", "failed", None, None),
        ("gone", "cancelled", None, "fraud"),
        ("late", "on_hold", "1002", None),
    ]


def test_a_unit_says_what_it_is_and_why_it_did_not_leave(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "serial_number, epc, group_ref, addon_parent_item_id, external_item_id, fulfillment_group_type, "
        "gift_wrapping_price::double, gift_message"
    )
    assert rows(con, f"select {columns} from marts.fct_order_items where item_id = 'a'") == [
        ("SN-1", "30342848A80DDBC000000001", "set-1", "b", "X-1", "SHIPPING", 4.5, "For Max")
    ]
    columns = "item_id, cancellation_reason, hold_reason"
    query = f"select {columns} from marts.fct_order_items where order_id in ('gone', 'late') order by item_id"
    assert rows(con, query) == [
        ("g", "fraud", None),
        ("h", None, "address"),
        ("k", "x", None),
        ("l", "no_stock", None),
    ]
    query = "select item_id, fulfilled_at from marts.fct_order_items where order_id = 'o' order by item_id"
    assert rows(con, query) == [("a", datetime(2026, 3, 5, 8, tzinfo=UTC)), ("b", noon(6))]
    columns = "action, value, original_value, reason"
    assert rows(con, f"select {columns} from marts.fct_order_discounts") == [("percentage", 10.0, 20.0, "Staff")]
    # Of 119 with their tax 100 are taxable, as vat_included means.
    query = "select taxable_amount::double, effective_rate from marts.fct_order_taxes"
    assert rows(con, query) == [(100.0, 0.19)]


def test_a_request_fills_its_lines(con: duckdb.DuckDBPyConnection) -> None:
    columns = "item_id, status, rejection_reason, carrier, tracking_code"
    assert rows(con, f"select {columns} from marts.fct_fulfillment_items order by item_id") == [
        ("a", "failed", "no_inventory", "dhl", "T-1"),
        ("b", "failed", "broken", "ups", "T-1"),
    ]
    columns = "fulfillment_location_id, reason, carrier, tracking_code, created_at"
    assert rows(con, f"select {columns} from marts.fct_fulfillment_requests") == [
        ("SOHO", "no_inventory", "dhl", "T-1", datetime(2026, 3, 2, 7, tzinfo=UTC))
    ]
    query = "select location_id from marts.dim_locations order by location_id"
    assert rows(con, query) == [("PIER",), ("SOHO",)]


def test_payments_go_by_either_name(con: duckdb.DuckDBPyConnection) -> None:
    columns = "transaction_id, payment_method, payment_provider, payment_wallet, correlation_id"
    assert rows(con, f"select {columns} from marts.fct_payment_transactions order by 1") == [
        ("t1", "credit_card", "adyen", "apple_pay", "r"),
        ("t2", "cash", "till", None, "q"),
    ]


def test_what_comes_back_is_a_unit_whatever_its_sign(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "select item_id, quantity from marts.fct_return_items") == [("a", 1)]
    columns = "item_count, customer_id, customer_email, associate_email"
    assert rows(con, f"select {columns} from marts.fct_returns") == [(1, ADA, "ada@example.com", "max@example.com")]
    assert rows(con, "select associate_email from marts.fct_refund_requests") == [("max@example.com",)]


def test_a_receipt_names_the_transfer_order(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, "select transfer_id, transfer_order_ref from marts.fct_transfers") == [("n", "TO-1")]


def test_customers_have_attributes_of_either_shape(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "customer_id, full_name, phone, display_id, created_by, store_id, source_location_id, source_associate_id, "
        "source_associate_name, source_associate_email, attributes"
    )
    assert rows(con, f"select {columns} from marts.dim_customers order by customer_id") == [
        (
            *(ADA, "Ada Lovelace", "12", "C-1", "max", "PIER", "PIER", "4", "Max", "m@example.com"),
            {"vip": "true", "birthday": '{"month":5,"day":17}'},
        ),
        ("bob", None, "1", *[None] * 7, {"tier": "gold", "vip": "false"}),
        ("cem", *[None] * 9, {}),
    ]
    columns = "company_name, salutation, province, phone, note"
    assert rows(con, f"select {columns} from marts.dim_customer_addresses") == [
        ("Engines Ltd", "Ms", "Ontario", "34", "Ring twice")
    ]


def test_roles_are_names_in_either_shape(con: duckdb.DuckDBPyConnection) -> None:
    columns = "employee_id, roles, external_directory, last_login_at"
    assert rows(con, f"select {columns} from marts.dim_employees order by employee_id") == [
        ("dan", [], None, None),
        ("eve", ["associate", "clerk"], "false", None),
        ("max", ["associate", "manager"], "okta", datetime(2026, 3, 2, 6, tzinfo=UTC)),
    ]
