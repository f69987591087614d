"""What is odd about NewStore's events, one test for each of the 21 things known: see docs/newstore.md.

All of it goes into one home in one refresh; each trap has a tenant of its own, so that ids may repeat. The numbers
that a test expects are reckoned by hand beside the events.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from tests.dbt_project.scenarios import noon
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

SAMPLE = Path(__file__).parents[1] / "data" / "order_created.json"
NOW = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1_000_000)


def event(trap: int, name: str, day: int, **payload: Any) -> bytes:
    published_at = f"2026-03-{day:02}T12:00:00Z"
    envelope = {"tenant": f"trap-{trap}", "name": name, "published_at": published_at, "payload": payload}
    return json.dumps(envelope).encode()


def stock(trap: int, step: str, day: int, *lines: tuple[str, int], **fields: Any) -> bytes:
    items = [{"product_id": product, "quantity": quantity} for product, quantity in lines]
    return event(trap, f"inventory_transaction.{step}", day, items=items, **fields)


def counted(trap: int, day: int, *lines: tuple[str, int, int], **fields: Any) -> bytes:
    items = [{"product_id": product, "stock_on_hand": expected, "count": found} for product, expected, found in lines]
    at = {"completed_at": f"2026-03-{day:02}T10:00:00Z", "fulfillment_location_id": "BERK"}
    return event(trap, "inventory_count.items_counted", day, items=items, **at, **fields)


def paid(trap: int, step: str, day: int, account: str, transaction_id: str, amount: float, **fields: Any) -> bytes:
    transactions = [{"id": transaction_id, "amount": amount, "currency": "EUR", **fields}]
    return event(trap, f"payment_account.amount_{step}", day, id=account, transactions=transactions)


def sample_of(trap: int) -> bytes:
    return json.dumps({**json.loads(SAMPLE.read_text()), "tenant": f"trap-{trap}"}).encode()


def units(*item_ids: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"id": item_id, "product_id": "shoe", **fields} for item_id in item_ids]


X = "x"

EVENTS = [
    # 1: 5 + 2 + 1 received in three chunks, the last first. C is counted in two chunks, of D one is missing.
    stock(1, "items_received", 1, ("shoe", 1), id="R", chunk_number=3, total_chunks=3, fulfillment_location_id="BERK"),
    stock(1, "items_received", 1, ("shoe", 5), id="R", chunk_number=1, total_chunks=3, fulfillment_location_id="BERK"),
    stock(1, "items_received", 1, ("shoe", 2), id="R", chunk_number=2, total_chunks=3, fulfillment_location_id="BERK"),
    counted(1, 2, ("shoe", 8, 7), id="C", chunk_number=2, total_chunks=2),
    counted(1, 2, ("boot", 4, 4), id="C", chunk_number=1, total_chunks=2),
    counted(1, 3, ("shoe", 7, 90), id="D", chunk_number=2, total_chunks=2),
    # 2: one id in eight meanings, and again in another tenant.
    event(2, "order.created", 1, id=X, currency="EUR", items=units("u")),
    event(2, "return.processed", 1, id=X, order_id=X, items=units("u")),
    event(2, "refund_request.issued", 1, id=X, order_id=X, amount=1, currency="EUR"),
    event(2, "fulfillment_request.assigned", 1, id=X, order_id=X, items=units("u")),
    paid(2, "captured", 1, X, X, 1),
    stock(2, "items_received", 1, ("shoe", 1), id=X, fulfillment_location_id="BERK"),
    event(2, "customer.created", 1, id=X),
    event(2, "customer.address_created", 1, id=X, customer_id=X),
    event(202, "order.created", 1, id=X, currency="USD", items=units("u", "v")),
    # 3: the payment knows only the uuid and comes first; people know the order as 1001.
    paid(3, "captured", 1, "uuid", "t", 10),
    event(3, "order.created", 2, id="uuid", external_id="1001", items=[]),
    event(3, "return.processed", 3, id="r", order_id="uuid", external_order_id="1001", items=[]),
    # 4: one account id in four events: 30 + 20 captured, 15 given back, and the first capture once more.
    paid(4, "captured", 1, "o", "c1", 30),
    paid(4, "captured", 2, "o", "c2", 20),
    paid(4, "refunded", 3, "o", "r1", 15),
    paid(4, "captured", 4, "o", "c1", 30),
    # 5: three units, two of one product; stock of it comes a dozen a line and has no item id.
    event(5, "order.created", 1, id="o", items=[*units("a", "b"), {"id": "c", "product_id": "boot"}]),
    event(5, "order.items_cancelled", 2, id="o", items=[{"id": "b"}]),
    stock(5, "items_received", 1, ("shoe", 12), id="R", fulfillment_location_id="BERK"),
    # 6: a blind return of one unit, and one of an order's last unit, which pays back its shipping: 40 + 4.90.
    event(6, "return.processed", 1, id="blind", blind_order_id="pseudo", items=units("z", refund_amount=10)),
    event(6, "order.created", 1, id="o", items=units("a")),
    event(
        6,
        "return.processed",
        2,
        id="last",
        order_id="o",
        total_refund_amount=44.9,
        items=[
            *units("a", refund_amount=40),
            {"id": "s", "item_type": "shipping", "product_id": "any", "refund_amount": 4.9},
        ],
    ),
    # 7: whole and broken numbers in major units, ten thousandths, and a currency without minor units.
    event(
        7,
        "order.created",
        1,
        id="o",
        currency="EUR",
        created_at="2026-03-01T08:00:00Z",
        grand_total=67.9401,
        items=[
            {"id": "a", "pricebook_price": 58},
            {"id": "b", "pricebook_price": 4.94},
            {"id": "c", "pricebook_price": 5.0},
            {"id": "d", "pricebook_price": 0.0001},
        ],
    ),
    event(7, "order.created", 1, id="yen", currency="JPY", created_at="2026-03-01T08:00:00Z",
          items=[{"id": "e", "pricebook_price": 1200}]),
    # 8: NewStore's own sample: 295 + 42 + 25.08 are not 320.08.
    sample_of(8),
    # 9: 20 are asked for, 18 paid, 19 due for goods. The exchange for them is paid on the first order's account.
    event(9, "order.created", 1, id="first", currency="EUR", grand_total=50, items=units("a", pricebook_price=50)),
    paid(9, "captured", 1, "first", "c", 50),
    event(
        9,
        "return.processed",
        2,
        id="r",
        order_id="first",
        currency="EUR",
        total_refund_amount=20,
        total_refund_amount_adjusted=19,
        items=units("a", refund_amount=20),
    ),
    event(9, "refund_request.issued", 2, id="q", order_id="first", amount=20, currency="EUR"),
    paid(9, "refunded", 3, "first", "f", 18, correlation_id="r"),
    event(
        9,
        "order.created",
        3,
        id="second",
        currency="EUR",
        grand_total=52,
        is_exchange=True,
        exchanges=[{"order_id": "first", "return_id": "r"}],
        items=units("b", pricebook_price=52),
    ),
    paid(9, "captured", 4, "first", "c2", 2),
    # 10: both spellings of a line of an address, and one name in another case.
    event(10, "customer.address_created", 1, id="both", customer_id="c", address_line_1="A 1", address_line1="B 2"),
    event(10, "customer.address_created", 1, id="old", customer_id="c", address_line1="B 2", address_line2="Flat 3"),
    event(10, "order.created", 1, id="o", items=[{"id": "a", "discounts": [{"id": "d", "externalRef": "camel"}]}]),
    # 11: two shapes of one name; ten is a percentage here and an amount there, and the coupon may be missing.
    event(
        11,
        "order.created",
        1,
        id="o",
        discounts=[{"trigger": "coupon", "discount_id": "D", "coupon_code": "SPRING"}],
        items=[
            {
                "id": "a",
                "pricebook_price": 80,
                "item_discounts": 8,
                "order_discounts": 10,
                "discounts": [
                    {"id": "p", "action": "percentage", "value": 10, "price_adjustment": 8, "level": "item"},
                    {
                        "id": "f", "action": "fixed", "value": 10, "price_adjustment": 10, "level": "order",
                        "coupon_code": "SPRING",
                    },
                ],
            }
        ],
    ),
    # 12: nobody bought it, which is said in three ways.
    event(12, "order.created", 1, id="empty", customer_email="", customer_id=" ", associate_id=None, items=[]),
    event(12, "order.created", 1, id="absent", items=[]),
    # 13: milliseconds, nine digits, no zone, blanks inside, another zone, and no time at all.
    *[
        event(13, "return.processed", 1, id=name, returned_at=at, items=[])
        for name, at in {
            "millis": "2026-02-01T10:00:00.712Z",
            "nanos": "2026-02-01T10:00:00.554206583Z",
            "naive": "2018-09-21T21:40:08.633400",
            "blanks": "2019-04-11T13: 19: 01.255Z",
            "zone": "2026-02-01T10:00:00+02:00",
            "none": "at noon",
        }.items()
    ],
    # 14: the end comes first; 9 is less than 10.
    event(14, "order.cancelled", 1, id="o", items=[]),
    event(14, "order.created", 2, id="o", items=units("a")),
    event(14, "fulfillment_request.items_failed", 3, id="f", order_id="p", logical_timestamp=9, items=units("a", "b")),
    event(14, "fulfillment_request.assigned", 2, id="f", order_id="p", logical_timestamp=10, items=units("a", "b")),
    event(14, "customer.updated", 1, id="c", revision="10", email="ten@example.com"),
    event(14, "customer.updated", 2, id="c", revision=9, email="nine@example.com"),
    # 15: edited, and never created.
    event(15, "customer.updated", 1, id="c", revision=4, email="ada@example.com"),
    # 16: a name that NewStore has and the list of 31 has not.
    event(16, "inventory_transaction.transfer_order_created", 1, id="t", items=[]),
    # 17: one location under all its names.
    event(17, "order.created", 1, id="o", demand_location_id="BERK", items=[]),
    event(17, "return.processed", 1, id="r", return_location_id="BERK", items=[]),
    event(17, "fulfillment_request.assigned", 1, id="f", order_id="o", fulfillment_location_id="BERK", items=[]),
    event(17, "inventory_transaction.adjustment_created", 1, id="a", fulfillment_node_id="BERK", items=[]),
    event(17, "inventory_transaction.asn_created", 1, id="n", origin_id="BERK", items=[]),
    event(17, "customer.created", 1, id="c", source={"location_id": "BERK"}),
    # 18: associates of every form.
    *[
        event(18, "refund_request.issued", 1, id=f"q{number}", order_id="o", amount=1, associate_id=associate)
        for number, associate in enumerate(["0c1f" * 8, "3xK9a", "4", "unknown", None])
    ],
    # 19: an envelope in an envelope, a key that stands twice, and two lines of one unit.
    json.dumps({"data": json.loads(event(19, "order.created", 1, id="wrapped"))}).encode(),
    event(19, "order.created", 1, id="twice", items=units("a", "a", "b")).replace(
        b'"id": "twice"', b'"id": "twice", "currency": "EUR", "currency": "EUR"'
    ),
    # 20: no event tells of a shipment; the request is what two parcels have in common.
    event(20, "order.created", 1, id="o", items=units("a", "b")),
    event(20, "fulfillment_request.items_completed", 2, id="f", order_id="o", logical_timestamp=1,
          fulfillment_location_id="BERK", items=units("a", tracking_code="1Z1", shipped_at="2026-03-02T08:00:00Z")),
    event(20, "fulfillment_request.items_completed", 3, id="f", order_id="o", logical_timestamp=2,
          fulfillment_location_id="BERK", items=units("b", tracking_code="1Z2", shipped_at="2026-03-03T08:00:00Z")),
    # 21: a person in every place, also where nobody expects one.
    event(21, "customer.created", 1, id="c", email="ada@example.com", nickname="ada@example.com"),
    event(21, "consumer_profile.deleted", 1, id="c", email="ada@example.com"),
    event(21, "order.created", 1, id="o", customer_email="ada@example.com", placed_at="ada@example.com", items=[]),
    event(21, "order.created", 2, id="o", customer_email="ada@example.org", items=[]),
]  # fmt: skip


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """All traps, in a lake."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("home")))
    with JournalWriter(Path(settings.journal_dir)) as journal:
        journal.append([decode(body, NOW) for body in EVENTS])
    refresh(settings)
    with warehouse.connect(settings.home) as connection:
        yield connection


def rows(con: duckdb.DuckDBPyConnection, trap: int, columns: str, table: str, rest: str = "") -> list[tuple[Any, ...]]:
    """Rows of a trap's tenant, sorted."""
    query = f"select {columns} from {table} where tenant = 'trap-{trap}' {rest} order by all"
    return con.execute(query).fetchall()


def test_trap_1_chunked_payloads(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 1, "line_key, quantity_change", "marts.fct_inventory_movements") == [
        ("shoe/1/1", 5), ("shoe/2/1", 2), ("shoe/3/1", 1),
    ]  # fmt: skip
    assert rows(con, 1, "count_id, product_id, chunks_seen, is_complete", "marts.fct_inventory_counts") == [
        ("C", "boot", 2, True),
        ("C", "shoe", 2, True),
        ("D", "shoe", 1, False),
    ]
    # What C found; the 90 of D do not count while half of it is missing.
    assert rows(con, 1, "product_id, on_hand", "marts.fct_inventory_on_hand") == [("boot", 4), ("shoe", 7)]


def test_trap_2_one_id_has_many_meanings(con: duckdb.DuckDBPyConnection) -> None:
    keys = {
        "fct_orders": "order_id",
        "fct_returns": "return_id",
        "fct_refund_requests": "refund_request_id",
        "fct_fulfillment_requests": "fulfillment_request_id",
        "fct_payment_transactions": "transaction_id",
        "fct_inventory_movements": "source_id",
        "dim_customers": "customer_id",
        "dim_customer_addresses": "address_id",
    }
    for mart, key in keys.items():
        expected = [(X,), (X,)] if mart == "fct_inventory_movements" else [(X,)]
        # The goods received, and those that came back, which are movements too.
        assert rows(con, 2, key, f"marts.{mart}") == expected, mart
    assert rows(con, 2, "currency, item_count", "marts.fct_orders") == [("EUR", 1)]
    assert rows(con, 202, "currency, item_count", "marts.fct_orders") == [("USD", 2)]
    assert con.execute("from trust.event_conflicts where tenant in ('trap-2', 'trap-202')").fetchall() == []


def test_trap_3_the_number_people_know_comes_late(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 3, "order_id, external_id, has_header", "marts.fct_orders") == [("uuid", "1001", True)]
    assert rows(con, 3, "order_id, external_order_id", "marts.fct_returns") == [("uuid", "1001")]


def test_trap_4_a_payment_account_has_the_id_of_its_order(con: duckdb.DuckDBPyConnection) -> None:
    columns = "order_id, captured::double, refunded::double, net_captured::double"
    assert rows(con, 4, columns, "marts.fct_payment_accounts") == [("o", 50.0, 15.0, 35.0)]


def test_trap_5_an_item_is_a_unit_and_stock_has_quantities(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 5, "item_id, product_id, status", "marts.fct_order_items") == [
        ("a", "shoe", "created"),
        ("b", "shoe", "cancelled"),
        ("c", "boot", "created"),
    ]
    assert rows(con, 5, "item_count, cancelled_item_count", "marts.fct_orders") == [(3, 1)]
    assert rows(con, 5, "on_hand", "marts.fct_inventory_on_hand") == [(12,)]


def test_trap_6_blind_returns_and_shipping_that_comes_back(con: duckdb.DuckDBPyConnection) -> None:
    columns = "return_id, order_id, is_blind, blind_order_id, item_count, total_refund_amount::double"
    assert rows(con, 6, columns, "marts.fct_returns") == [
        ("blind", None, True, "pseudo", 1, None),
        ("last", "o", False, None, 1, 44.9),
    ]
    # The line of shipping is one of the return's lines, and neither a unit of the order nor stock.
    lines = rows(con, 6, "item_id, refund_amount::double", "marts.fct_return_items", "and return_id = 'last'")
    assert lines == [("a", 40.0), ("s", 4.9)]
    assert rows(con, 6, "item_id, status", "marts.fct_order_items") == [("a", "returned")]
    assert rows(con, 6, "line_key", "marts.fct_inventory_movements") == [("a",), ("z",)]
    assert rows(con, 6, "parent_id", "trust.missing_parents") == []


def test_trap_7_money_is_in_major_units(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 7, "item_id, net_amount::varchar, currency", "marts.fct_order_items") == [
        ("a", "58.0000", "EUR"),
        ("b", "4.9400", "EUR"),
        ("c", "5.0000", "EUR"),
        ("d", "0.0001", "EUR"),
        ("e", "1200.0000", "JPY"),
    ]
    assert rows(con, 7, "grand_total::varchar", "marts.fct_orders", "and order_id = 'o'") == [("67.9401",)]
    # 58 + 4.94 + 5 + 0.0001, and not a yen in it.
    assert rows(con, 7, "currency, net_sales::varchar", "marts.daily_sales") == [
        ("EUR", "67.9401"),
        ("JPY", "1200.0000"),
    ]


def test_trap_8_totals_that_do_not_add_up_stand_as_sent(con: duckdb.DuckDBPyConnection) -> None:
    columns = "subtotal::double, discount_total::double, shipping_total::double, tax_total::double, grand_total::double"
    payload = json.loads(SAMPLE.read_text())["payload"]
    sent = tuple(
        float(payload[name]) for name in ("subtotal", "discount_total", "shipping_total", "tax_total", "grand_total")
    )
    assert rows(con, 8, columns, "marts.fct_orders") == [sent]
    assert sent[0] - sent[1] + sent[2] + sent[3] != sent[4]


def test_trap_9_asked_for_paid_and_due_are_three_things(con: duckdb.DuckDBPyConnection) -> None:
    columns = "order_id, refund_requested::double, refunded::double, returned::double, captured::double"
    assert rows(con, 9, columns, "trust.order_reconciliation") == [
        ("first", 20.0, 18.0, 19.0, 52.0),
        # Nothing was paid on the exchange itself.
        ("second", 0.0, 0.0, 0.0, 0.0),
    ]
    assert rows(con, 9, "order_id, is_exchange", "marts.fct_orders") == [("first", None), ("second", True)]
    paid_back = rows(
        con, 9, "correlation_id, amount::double", "marts.fct_payment_transactions", "and transaction_id = 'f'"
    )
    assert paid_back == [("r", 18.0)]


def test_trap_10_fields_with_two_spellings(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 10, "address_id, address_line_1, address_line_2", "marts.dim_customer_addresses") == [
        ("both", "A 1", None),
        ("old", "B 2", "Flat 3"),
    ]
    assert rows(con, 10, "path", "trust.contract_drift") == []


def test_trap_11_two_shapes_called_discounts(con: duckdb.DuckDBPyConnection) -> None:
    columns = "discount_id, level, action, value, price_adjustment::double, coupon_code"
    assert rows(con, 11, columns, "marts.fct_order_discounts") == [
        ("f", "order", "fixed", 10.0, 10.0, "SPRING"),
        ("p", "item", "percentage", 10.0, 8.0, None),
    ]
    # 80 - 8 - 10.
    assert rows(con, 11, "net_amount::double", "marts.fct_order_items") == [(62.0,)]


def test_trap_12_absent_null_and_empty_say_nothing(con: duckdb.DuckDBPyConnection) -> None:
    columns = "order_id, customer_email, customer_id, associate_id, demand_location_id"
    assert rows(con, 12, columns, "marts.fct_orders") == [("absent", *[None] * 4), ("empty", *[None] * 4)]
    assert rows(con, 12, "customer_id", "marts.dim_customers") == []


def test_trap_13_times_in_five_forms(con: duckdb.DuckDBPyConnection) -> None:
    ten = datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert rows(con, 13, "return_id, returned_at", "marts.fct_returns") == [
        ("blanks", datetime(2019, 4, 11, 13, 19, 1, 255000, tzinfo=UTC)),
        ("millis", ten.replace(microsecond=712000)),
        ("naive", datetime(2018, 9, 21, 21, 40, 8, 633400, tzinfo=UTC)),
        ("nanos", ten.replace(microsecond=554206)),
        ("none", noon(1)),
        ("zone", ten.replace(hour=8)),
    ]
    assert rows(con, 13, "path, drift, deliveries", "trust.contract_drift") == [
        ("returned_at", "time_without_zone", 1),
        ("returned_at", "unreadable_time", 1),
        ("returned_at", "unusual_time", 1),
    ]


def test_trap_14_arrival_is_no_order(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 14, "order_id, status", "marts.fct_orders") == [("o", "cancelled"), ("p", "unknown")]
    assert rows(con, 14, "item_id, status", "marts.fct_fulfillment_items") == [("a", "assigned"), ("b", "assigned")]
    assert rows(con, 14, "email, revision", "marts.dim_customers") == [("ten@example.com", 10)]


def test_trap_15_a_customer_may_be_edited_and_never_created(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 15, "email, revision, is_complete", "marts.dim_customers") == [("ada@example.com", 4, False)]


def test_trap_16_there_are_more_names_than_31(con: duckdb.DuckDBPyConnection) -> None:
    name = "inventory_transaction.transfer_order_created"
    assert rows(con, 16, "name, problem", "trust.quarantined_events") == [(name, "unknown_name")]
    assert rows(con, 16, "body is not null", "log.events") == [(True,)]


def test_trap_17_locations_have_many_names(con: duckdb.DuckDBPyConnection) -> None:
    roles = [
        "demand_location_id", "fulfillment_location_id", "fulfillment_node_id", "origin_id", "return_location_id",
        "source.location_id",
    ]  # fmt: skip
    assert rows(con, 17, "location_id, roles", "marts.dim_locations") == [("BERK", roles)]


def test_trap_18_associates_are_text(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 18, "refund_request_id, associate_id", "marts.fct_refund_requests") == [
        ("q0", "0c1f" * 8),
        ("q1", "3xK9a"),
        ("q2", "4"),
        ("q3", "unknown"),
        ("q4", None),
    ]
    assert rows(con, 18, "path", "trust.contract_drift") == []


def test_trap_19_odd_json_fails_nothing(con: duckdb.DuckDBPyConnection) -> None:
    wrapped = "select problem from log.events where tenant is null"
    assert con.execute(wrapped).fetchall() == [("not_an_envelope",)]
    assert rows(con, 19, "order_id, currency, item_count", "marts.fct_orders") == [("twice", "EUR", 2)]


def test_trap_20_the_request_stands_for_the_shipment(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(con, 20, "fulfillment_request_id, item_id, tracking_code", "marts.fct_fulfillment_items") == [
        ("f", "a", "1Z1"),
        ("f", "b", "1Z2"),
    ]
    assert rows(con, 20, "source_id, line_key, shipment_ref, quantity_change", "marts.fct_inventory_movements") == [
        ("f", "a", "1Z1", -1),
        ("f", "b", "1Z2", -1),
    ]
    assert rows(con, 20, "fulfilled_item_count, first_fulfilled_at", "marts.fct_orders") == [
        (2, datetime(2026, 3, 2, 8, tzinfo=UTC))
    ]


def test_trap_21_trust_names_no_person(con: duckdb.DuckDBPyConnection) -> None:
    tables = con.execute("select table_name from duckdb_tables() where schema_name = 'trust'").fetchall()
    for (table,) in tables:
        shown = con.execute(f"select count(*) from trust.{table} as line where line::varchar like '%ada@%'").fetchall()
        assert shown == [(0,)], table
    # All four are listed there all the same: a field too many, a name too many, a time that is none, two payloads.
    assert rows(con, 21, "path, drift", "trust.contract_drift") == [
        ("nickname", "unknown_field"),
        ("placed_at", "unreadable_time"),
    ]
    assert rows(con, 21, "problem", "trust.quarantined_events") == [("unknown_name",)]
    assert rows(con, 21, "variants", "trust.event_conflicts") == [(2,)]
