"""Which order is a customer's first, and what a customer is worth."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_project.conftest import deliver
from tests.dbt_project.scenarios import event, rows
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]

ANNE = "guest-" + hashlib.sha256(b"anne@example.com").hexdigest()


def ordered(step: str, order_id: str, day: int, price: float = 10, **fields: Any) -> Envelope:
    items = [{"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": price}]
    payload = {
        "placed_at": f"2026-03-{day:02}T12:00:00Z",
        "currency": "EUR",
        "channel": "web",
        "items": items,
        **fields,
    }
    return event(f"order.{step}", day, id=order_id, **payload)


def coupon(code: str) -> dict[str, Any]:
    return {"discounts": [{"trigger": "coupon", "discount_id": code, "coupon_code": code}]}


EVENTS = [
    # c: the oldest order that names the customer is c2; c0 named another, as it was created.
    ordered("created", "c0", 1, customer_id="c", **coupon("WELCOME")),
    ordered("opened", "c0", 1, customer_id="d", **coupon("WELCOME")),
    ordered("created", "c1", 6, 30, customer_id="c", **coupon("WELCOME")),
    ordered("created", "c2", 4, 20, customer_id="c", customer_email="c@example.com"),
    ordered("created", "c3", 12, 50, customer_id="c", currency="USD", channel="BERK"),
    # An order from another system is a first order as well, and no sale.
    ordered("created", "d1", 8, customer_id="d"),
    ordered("created", "e1", 2, customer_id="e", is_historical=True),
    ordered("created", "e2", 9, customer_id="e", **coupon("WELCOME")),
    # Guests go by their e-mail address; of two orders at one moment the lesser id is the first.
    ordered("created", "g2", 3, customer_email="Anne@Example.com "),
    ordered("created", "g1", 3, 15, customer_email="anne@example.com", **coupon("WELCOME")),
    # Nobody.
    ordered("created", "n1", 3, customer_email=" "),
    # 20 of c2 came back, of which 4 are tax; c1 was cancelled.
    event(
        "return.processed",
        14,
        id="r",
        order_id="c2",
        currency="EUR",
        items=[{"id": "c2-1", "product_id": "shoe", "refund_amount": 20, "refund_tax": 4}],
    ),
    event("order.cancelled", 7, id="c1", items=[]),
]
FIRST = {
    "c0": True,
    "c1": False,
    "c2": True,
    "c3": False,
    "d1": False,
    "e1": True,
    "e2": False,
    "g1": True,
    "g2": False,
    "n1": None,
}


def first_orders(con: duckdb.DuckDBPyConnection) -> dict[str, bool | None]:
    return dict(rows(con, "select order_id, is_first_order from marts.fct_orders"))


def test_an_order_is_the_first_of_its_customer_in_any_order(
    in_all_orders: Callable[..., list[duckdb.DuckDBPyConnection]],
) -> None:
    for con in in_all_orders(EVENTS):
        assert first_orders(con) == FIRST
        # WELCOME was used on c0, c1, e2 and g1: the first of d and of Anne.
        query = "select order_id from marts.fct_order_promotions where is_first_order order by order_id"
        assert rows(con, query) == [("c0",), ("g1",)]
        query = "select promotion_key, orders, new_customers from marts.promotion_performance"
        assert rows(con, query) == [("WELCOME", 4, 2)]
        columns = (
            "customer_key, currency, order_count, units, net_sales::double, cancelled_sales::double, "
            "returned_sales::double, first_order_on, last_order_on, average_days_between, first_channel"
        )
        first, second = date(2026, 3, 1), date(2026, 3, 2)
        third, fourth, sixth = date(2026, 3, 3), date(2026, 3, 4), date(2026, 3, 6)
        assert rows(con, f"select {columns} from marts.customer_value order by customer_key, currency") == [
            # c2 and c1: 20 + 30, two days apart.
            ("c", "EUR", 2, 2, 50.0, 30.0, 16.0, fourth, sixth, 2.0, "web"),
            ("c", "USD", 1, 1, 50.0, 0.0, 0.0, date(2026, 3, 12), date(2026, 3, 12), None, "BERK"),
            ("d", "EUR", 2, 2, 20.0, 0.0, 0.0, first, date(2026, 3, 8), 7.0, "web"),
            ("e", "EUR", 2, 1, 10.0, 0.0, 0.0, second, date(2026, 3, 9), 7.0, "web"),
            (ANNE, "EUR", 2, 2, 25.0, 0.0, 0.0, third, third, 0.0, "web"),
        ]
        # Of the four who pay in euros, by last order: Anne 3rd, c 6th, d 8th, e 9th, so 1, 1 + 5 * 1/4, 1 + 5 * 2/4 and
        # 1 + 5 * 3/4, cut. All have two orders. c is left with 50 - 30 - 16 = 4, e with 10, d with 20 and Anne with 25.
        query = "select customer_key, recency, frequency, monetary from marts.customer_value where currency = 'EUR'"
        assert rows(con, f"{query} order by customer_key") == [
            ("c", 2, 1, 1),
            ("d", 3, 1, 3),
            ("e", 4, 1, 2),
            (ANNE, 1, 1, 4),
        ]


def test_an_order_makes_others_anew_only_where_it_takes_their_place(tmp_path: Path) -> None:
    settings = Settings.load({}, home=str(tmp_path))

    def after(*events: Envelope) -> tuple[dict[str, bool | None], int]:
        """The first orders, and how many rows of fct_orders are other ones."""
        deliver(settings, events)
        publication = refresh(settings)
        with connect(tmp_path) as con:
            return first_orders(con), publication.rows.get("fct_orders", 0)

    walk_in = [ordered("created", f"w{day:02}", day, customer_id="walk-in") for day in range(10, 20)]
    firsts, _ = after(*walk_in)
    assert [order_id for order_id, is_first in firsts.items() if is_first] == ["w10"]
    firsts, changed = after(ordered("created", "w20", 20, customer_id="walk-in"))
    assert (firsts["w20"], changed) == (False, 1)
    # An older one takes the place of the first, and touches no other.
    firsts, changed = after(ordered("created", "w09", 9, customer_id="walk-in"))
    assert (firsts["w09"], firsts["w10"]) == (True, False)
    assert changed == 2
    # It was somebody else's: the next is the first again, and the other has got a first one.
    firsts, changed = after(ordered("opened", "w09", 9, customer_id="other"))
    assert (firsts["w09"], firsts["w10"], changed) == (True, True, 2)
    # It was placed at another time, and is the first all the same; and then after another.
    firsts, _ = after(ordered("opened", "w10", 10, customer_id="walk-in", placed_at="2026-03-11T11:00:00Z"))
    assert firsts["w10"]
    later = ordered("opened", "w10", 10, customer_id="walk-in", placed_at="2026-03-11T13:00:00Z")
    later["published_at"] = "2026-03-10T13:00:00Z"
    firsts, _ = after(later)
    assert [order_id for order_id, is_first in firsts.items() if is_first] == ["w09", "w11"]
    # Nobody's in the end.
    nobody = ordered("opened", "w09", 9)
    nobody["published_at"] = "2026-03-09T13:00:00Z"
    firsts, _ = after(nobody)
    assert (firsts["w09"], firsts["w11"]) == (None, True)
    refresh(settings, full=True)
    with connect(tmp_path) as con:
        assert first_orders(con) == firsts
