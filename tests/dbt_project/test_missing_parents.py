"""What waits for its parent is listed with its age, and listed no more once the parent is there."""

from datetime import timedelta
from typing import Any

from tests.dbt_project.scenarios import event, noon

COLUMNS = "parent, parent_id, event_name, events, first_published_at, last_published_at, age"


def captured(day: int, transaction_id: str) -> dict[str, Any]:
    transactions = [{"id": transaction_id, "amount": 5, "currency": "EUR"}]
    return event("payment_account.amount_captured", day, id="o1", transactions=transactions)


CHILDREN = [
    captured(3, "t1"),
    captured(2, "t2"),
    # Again, with another payload under the same key: still one event.
    {**captured(4, "t2"), "payload": {**captured(4, "t2")["payload"], "order_id": "o1"}},
    event("order.cancelled", 4, id="o2", items=[]),
    event("refund_request.issued", 5, id="rr", order_id="o3", payment_account_id="o3", amount=1, currency="EUR"),
    event("invoice.created", 5, id="inv", order_id="o3"),
    event("return.processed", 5, id="blind", blind_order_id="made-up", items=[]),
    # Known, and the newest event of the log: it is the time by which the others age.
    event("order.created", 10, id="o4", items=[]),
    event("return.processed", 6, id="ret", order_id="o4", items=[]),
    event("fulfillment_request.assigned", 7, id="f", order_id="o5", items=[]),
    # cleo is named by an order, a return and an address, and known by none of their own events; dan has been edited.
    event("order.created", 8, id="o6", customer_id="cleo", items=[]),
    event("return.processed", 9, id="ret-2", order_id="o6", customer_id="cleo", items=[]),
    event("customer.address_created", 9, id="a", customer_id="cleo"),
    event("customer.address_created", 9, id="b", customer_id="dan"),
    event("customer.updated", 9, id="dan", revision=3),
]


def test_each_parent_that_is_missing_is_listed_with_the_age_of_its_first_child(warehouse_of: Any) -> None:
    with warehouse_of(CHILDREN) as con:
        assert con.execute(f"select {COLUMNS} from trust.missing_parents order by all").fetchall() == [
            ("customer", "cleo", "customer.address_created", 1, noon(9), noon(9), timedelta(days=1)),
            ("customer", "cleo", "order.created", 1, noon(8), noon(8), timedelta(days=2)),
            ("customer", "cleo", "return.processed", 1, noon(9), noon(9), timedelta(days=1)),
            ("order", "o1", "payment_account.amount_captured", 2, noon(2), noon(4), timedelta(days=8)),
            ("order", "o2", "order.cancelled", 1, noon(4), noon(4), timedelta(days=6)),
            ("order", "o3", "invoice.created", 1, noon(5), noon(5), timedelta(days=5)),
            ("order", "o3", "refund_request.issued", 1, noon(5), noon(5), timedelta(days=5)),
            ("order", "o5", "fulfillment_request.assigned", 1, noon(7), noon(7), timedelta(days=3)),
            ("payment_account", "o3", "refund_request.issued", 1, noon(5), noon(5), timedelta(days=5)),
        ]


def test_the_row_goes_when_the_parent_arrives(warehouse_of: Any) -> None:
    parents = [
        event("order.opened", 1, id="o1", items=[]),
        event("payment_account.amount_authorized", 1, id="o3", transactions=[]),
        event("order.created", 1, id="o5", items=[]),
        event("customer.created", 1, id="cleo"),
    ]
    filler = [event("order.created", 10, id=f"other-{number}", items=[]) for number in range(7)]
    with warehouse_of([*CHILDREN, *filler, *parents], splits=2) as con:
        assert con.execute(
            "select parent, parent_id, event_name from trust.missing_parents order by all"
        ).fetchall() == [
            ("order", "o2", "order.cancelled"),
            ("order", "o3", "invoice.created"),
            ("order", "o3", "payment_account.amount_authorized"),
            ("order", "o3", "refund_request.issued"),
        ]


def test_an_age_is_cut_to_what_parquet_keeps_of_it(warehouse_of: Any) -> None:
    late = {**event("order.cancelled", 4, id="o2", items=[]), "published_at": "2026-03-04T12:00:00.000001Z"}
    with warehouse_of([late, event("order.created", 5, id="o4", items=[])]) as con:
        ((age,),) = con.execute("select age from trust.missing_parents").fetchall()
        assert age == timedelta(days=1) - timedelta(milliseconds=1)
