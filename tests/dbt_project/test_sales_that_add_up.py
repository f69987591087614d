"""Sales that add up: every amount on its own business day, and nothing left of what was cancelled or came back."""

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_project.conftest import deliver
from tests.dbt_project.scenarios import event, rows
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]
FIGURES = (
    "orders", "units", "gross_sales", "discounts", "included_tax", "net_sales", "gift_cards_sold", "charges",
    "shipping", "tax", "cancelled_units", "cancelled_sales", "cancelled_tax", "returns", "returned_units",
    "returned_sales", "refunded_tax", "refunded_shipping", "return_fees", "refunds", "total_sales",
)  # fmt: skip


def line(item_id: str, price: float, **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "product_id": "shoe", "item_type": "product", "pricebook_price": price, **fields}


def order(order_id: str, *items: dict[str, Any], placed_at: str = "2026-03-02T10:00:00Z", **header: Any) -> Envelope:
    header = {"channel": order_id, "currency": "EUR", "placed_at": placed_at, **header}
    return event("order.created", 2, id=order_id, items=list(items), **header)


def returned(return_id: str, day: int, *items: dict[str, Any], **header: Any) -> Envelope:
    header = {"currency": "EUR", "returned_at": f"2026-03-{day:02}T10:00:00Z", **header}
    return event("return.processed", day, id=return_id, items=list(items), **header)


def said(kind: str, day: int, **payload: Any) -> Envelope:
    at = f"2026-03-{day:02}T12:00:00Z"
    content = {**payload, "loaded_at": at}
    return {"tenant": "acme", "name": f"reference.{kind}", "published_at": at, "payload": content}


BACK = {"refund_amount": 120, "refund_excl_tax": 100, "refund_tax": 20}
EVENTS = [
    # back: 100 and 20 of tax and 5 of shipping, and all of it comes back.
    order("back", line("b1", 100, tax=20), shipping_total=5, tax_total=20, grand_total=125),
    returned(
        "r-back",
        5,
        {"id": "b1", "product_id": "shoe", **BACK},
        {"id": "b2", "item_type": "shipping", "refund_amount": 5, "refund_excl_tax": 5, "refund_tax": 0},
        order_id="back",
        total_refund_amount=125,
        total_refund_amount_adjusted=125,
    ),
    # inside: the same with the tax in its prices: 120 hold 20, shipping of 6 holds 1. What came back says no amount
    # without tax: 120 - 20 and 6 - 1. A fee of 3 is kept.
    order(
        "inside",
        line("i1", 120, tax=20),
        price_method="tax_included",
        shipping_total=6,
        shipping_tax=1,
        grand_total=126,
    ),
    returned(
        "r-inside",
        5,
        {"id": "i1", "product_id": "shoe", "refund_amount": 120, "refund_tax": 20},
        {"id": "i2", "item_type": "Shipping", "refund_amount": 6, "refund_tax": 1},
        order_id="inside",
        return_fee=3,
        total_refund_amount=126,
        total_refund_amount_adjusted=123,
    ),
    # mixed: a product of 80, a gift card of 50 and wrapping of 5. The gift card comes back later.
    order(
        "mixed",
        line("m1", 80, tax=8),
        line("m2", 50, item_type="gift-card", tax=0),
        line("m3", 5, item_type="gift-wrapping", tax=0.5),
    ),
    returned(
        "r-mixed", 6, {"id": "m2", "refund_amount": 50, "refund_tax": 0}, order_id="mixed", total_refund_amount=50
    ),
    # whole: all of it is cancelled, its shipping and its wrapping too, with the tax on each: 90 - 9, 10, 4, 5 and
    # 16.2 + 1 + 0.4 + 1 of tax.
    order(
        "whole",
        line("w1", 90, item_discounts=9, tax=16.2),
        line("w2", 10, item_type="gift_card", tax=1),
        line("w3", 4, item_type="monogram", tax=0.4),
        shipping_total=5,
        shipping_tax=1,
    ),
    event("order.cancelled", 3, id="whole", items=[]),
    # bits: its two units are cancelled one after the other, the wrapping is not named. So the first day takes 30 and
    # its tax of 3, and the last one 20 and 2, and what is left: 4 of wrapping and 5 of shipping.
    order(
        "bits",
        line("t1", 30, tax=3),
        line("t2", 20, tax=2),
        line("t3", 4, item_type="gift-wrapping"),
        shipping_total=5,
    ),
    event("order.items_cancelled", 3, id="bits", items=[{"id": "t1"}]),
    event("order.items_cancelled", 4, id="bits", items=[{"id": "t2"}]),
    # night: bought in Los Angeles at 18:30 on the 1st, cancelled there at 23:00 on the 2nd, in UTC a day later each.
    order("night", line("n1", 70), placed_at="2026-03-02T02:30:00Z", demand_location_id="LA"),
    event("order.items_cancelled", 3, id="night", cancelled_at="2026-03-03T07:00:00Z", items=[{"id": "n1"}]),
    said("location", 9, location_id="LA", time_zone="America/Los_Angeles"),
    # blind: nobody knows the order.
    returned("r-blind", 6, {"id": "x", "product_id": "shoe", **BACK}, total_refund_amount=120),
]


def booked(**told: Any) -> dict[str, Decimal]:
    """The figures of a day, 0 where nothing is told."""
    return {name: Decimal(told.get(name, 0)) for name in FIGURES}


EXPECTED = {
    (2, "back"): booked(orders=1, units=1, gross_sales=100, net_sales=100, tax=20, shipping=5, total_sales=125),
    (5, "back"): booked(
        returns=1,
        returned_units=1,
        returned_sales=100,
        refunded_tax=20,
        refunded_shipping=5,
        refunds=125,
        total_sales=-125,
    ),
    (2, "inside"): booked(
        orders=1, units=1, gross_sales=120, included_tax=20, net_sales=100, tax=21, shipping=5, total_sales=126
    ),
    (5, "inside"): booked(
        returns=1,
        returned_units=1,
        returned_sales=100,
        refunded_tax=21,
        refunded_shipping=5,
        return_fees=3,
        refunds=123,
        total_sales=-123,
    ),
    (2, "mixed"): booked(
        orders=1, units=1, gross_sales=80, net_sales=80, gift_cards_sold=50, charges=5, tax="8.5", total_sales="143.5"
    ),
    (6, "mixed"): booked(returns=1, gift_cards_sold=-50, refunds=50, total_sales=-50),
    (2, "whole"): booked(
        orders=1,
        units=1,
        gross_sales=90,
        discounts=9,
        net_sales=81,
        gift_cards_sold=10,
        charges=4,
        shipping=5,
        tax="18.6",
        total_sales="118.6",
    ),
    (3, "whole"): booked(
        cancelled_units=1,
        cancelled_sales=81,
        gift_cards_sold=-10,
        charges=-4,
        shipping=-5,
        cancelled_tax="18.6",
        total_sales="-118.6",
    ),
    (2, "bits"): booked(orders=1, units=2, gross_sales=50, net_sales=50, charges=4, shipping=5, tax=5, total_sales=64),
    (3, "bits"): booked(cancelled_units=1, cancelled_sales=30, cancelled_tax=3, total_sales=-33),
    (4, "bits"): booked(
        cancelled_units=1, cancelled_sales=20, cancelled_tax=2, charges=-4, shipping=-5, total_sales=-31
    ),
    (1, "night"): booked(orders=1, units=1, gross_sales=70, net_sales=70, total_sales=70),
    (2, "night"): booked(cancelled_units=1, cancelled_sales=70, total_sales=-70),
    (6, "unknown"): booked(
        returns=1, returned_units=1, returned_sales=100, refunded_tax=20, refunds=120, total_sales=-120
    ),
}


def days(con: duckdb.DuckDBPyConnection) -> dict[tuple[int, str], dict[str, Any]]:
    found = rows(con, f"select date, channel, {', '.join(FIGURES)} from marts.daily_sales order by all")
    return {(day.day, channel): dict(zip(FIGURES, figures, strict=True)) for day, channel, *figures in found}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({}, home=str(tmp_path))


@pytest.mark.parametrize("splits", [1, 4])
def test_each_amount_is_on_its_own_day_in_any_order(settings: Settings, seed: int, splits: int) -> None:
    events = [*EVENTS, *EVENTS[::3]]
    random.Random(seed).shuffle(events)
    for part in range(splits):
        deliver(settings, events[part::splits])
        refresh(settings)
    with connect(settings.home) as con:
        assert days(con) == EXPECTED
        nothing_left = "select sum(total_sales) from marts.daily_sales where channel = '{}'"
        for order_id in ("back", "whole", "bits", "night"):
            assert rows(con, nothing_left.format(order_id)) == [(0,)], order_id


def test_a_gift_card_by_mistake_is_a_sale_again(settings: Settings) -> None:
    customer = "11111111-1111-4111-8111-111111111111"
    deliver(
        settings,
        [
            order("card", line("c1", 50, product_id="card"), line("c2", 7), customer_id=customer),
            returned("r", 5, {"id": "c1", "product_id": "card", "refund_amount": 50}, order_id="card"),
            said("product", 1, product_id="card", is_gift_card=True),
        ],
    )
    refresh(settings)
    figures = "units, net_sales, gift_cards_sold, returned_units, returned_sales"
    query = f"select date, {figures} from marts.daily_sales order by date"
    sales = "select net_sales from marts.customer_cohorts"
    second, fifth = date(2026, 3, 2), date(2026, 3, 5)
    with connect(settings.home) as con:
        assert rows(con, query) == [(second, 1, 7, 50, 0, 0), (fifth, 0, 0, -50, 0, 0)]
        assert rows(con, sales) == [(7,)]
    deliver(settings, [said("product", 2, product_id="card", is_gift_card=False)])
    refresh(settings)
    with connect(settings.home) as con:
        assert rows(con, query) == [(second, 2, 57, 0, 0, 0), (fifth, 0, 0, 0, 1, 50)]
        assert rows(con, sales) == [(57,)]


def test_amounts_are_shown_in_the_retailers_currency_where_a_rate_is_known(settings: Settings) -> None:
    dollars = {"currency": "USD", "channel": "us"}
    deliver(
        settings,
        [
            order("before", line("a", 10), placed_at="2026-03-01T10:00:00Z", **dollars),
            order("first", line("b", 10), placed_at="2026-03-02T10:00:00Z", **dollars),
            order("later", line("c", 10), placed_at="2026-03-04T10:00:00Z", **dollars),
            order("pounds", line("d", 10), currency="GBP"),
            order("euros", line("e", 10)),
            said("retailer", 1, tenant="acme", currency="EUR"),
            said("rate", 1, currency="USD", to_currency="EUR", valid_from="2026-03-02", rate="0.9"),
            said("rate", 1, currency="USD", to_currency="EUR", valid_from="2026-03-04", rate="0.925000000001"),
            # The other way round is not turned round.
            said("rate", 1, currency="EUR", to_currency="GBP", valid_from="2026-03-01", rate="0.5"),
        ],
    )
    refresh(settings)
    query = "select channel, date, reporting_currency, net_sales_reporting from marts.daily_sales order by all"
    expected = [
        ("euros", date(2026, 3, 2), "EUR", Decimal(10)),
        ("pounds", date(2026, 3, 2), None, None),
        ("us", date(2026, 3, 1), None, None),
        ("us", date(2026, 3, 2), "EUR", Decimal(9)),
        ("us", date(2026, 3, 4), "EUR", Decimal("9.25")),
    ]
    with connect(settings.home) as con:
        assert rows(con, query) == expected
    # A corrected rate moves its days.
    deliver(settings, [said("rate", 3, currency="USD", to_currency="EUR", valid_from="2026-03-02", rate="0.8")])
    refresh(settings)
    with connect(settings.home) as con:
        assert rows(con, query) == [*expected[:3], ("us", date(2026, 3, 2), "EUR", Decimal(8)), expected[4]]
