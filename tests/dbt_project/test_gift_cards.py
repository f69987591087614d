"""What is owed on gift cards: sold as lines of orders, used as tenders."""

from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb

from tests.dbt_project.scenarios import event, rows

Envelope = dict[str, Any]


def paid(step: str, day: int, order_id: str, method: str, amount: float) -> Envelope:
    return event(
        f"payment_account.amount_{step}",
        day,
        id=order_id,
        transactions=[{"id": f"{order_id}-{day}", "amount": amount, "currency": "EUR", "instrument_id": method}],
        instruments=[{"id": method, "payment_method": method}],
    )


EVENTS = [
    # A card of 100 sold at 95, one of a product that reference data call a gift card, and a shoe; 02:00 in UTC on the
    # 2nd, which is the 1st in New York. The second is cancelled at 03:00 on the 5th, which is the 4th there.
    event(
        "order.created",
        2,
        id="o",
        placed_at="2026-03-02T02:00:00Z",
        currency="EUR",
        channel="web",
        items=[
            {"id": "1", "item_type": "gift-card", "product_id": "card", "pricebook_price": 100, "item_discounts": 5},
            {"id": "2", "item_type": "product", "product_id": "plastic", "pricebook_price": 40},
            {"id": "3", "item_type": "product", "product_id": "shoe", "pricebook_price": 70},
        ],
    ),
    event("order.items_cancelled", 5, id="o", cancelled_at="2026-03-05T03:00:00Z", items=[{"id": "2"}]),
    # The first card comes back in part.
    event(
        "return.processed",
        8,
        id="r",
        order_id="o",
        returned_at="2026-03-08T12:00:00Z",
        currency="EUR",
        items=[
            {"id": "1", "product_id": "card", "refund_amount": 15},
            {"id": "3", "product_id": "shoe", "refund_amount": 70},
        ],
    ),
    # Used as a gift card and as a voucher, which is one by reference data; cash and store credit are none.
    paid("captured", 6, "p", "gift_card", 30),
    paid("authorized", 6, "q", "gift_card", 99),
    paid("captured", 6, "s", "voucher", 12),
    paid("captured", 6, "u", "cash", 50),
    paid("captured", 6, "v", "store_credit", 50),
    paid("refunded", 8, "p", "gift_card", -8),
    event("reference.product", 20, product_id="plastic", is_gift_card=True, loaded_at="2026-03-20T12:00:00Z"),
    event("reference.channel", 20, channel="web", time_zone="America/New_York", loaded_at="2026-03-20T12:00:00Z"),
    event("reference.tender", 20, payment_method="voucher", kind="gift_card", loaded_at="2026-03-20T12:00:00Z"),
]


def test_gift_cards_are_owed_from_their_sale_to_their_use(
    in_all_orders: Callable[..., list[duckdb.DuckDBPyConnection]],
) -> None:
    figures = ["sold", "cancelled", "returned", "redeemed", "refunded_to", "net_liability_change"]
    columns = ", ".join(f"{figure}::double" for figure in figures)
    for con in in_all_orders(EVENTS):
        assert rows(con, f"select business_date, currency, {columns} from marts.gift_cards order by all") == [
            (date(2026, 3, 1), "EUR", 135.0, 0.0, 0.0, 0.0, 0.0, 135.0),
            (date(2026, 3, 4), "EUR", 0.0, 40.0, 0.0, 0.0, 0.0, -40.0),
            (date(2026, 3, 6), "EUR", 0.0, 0.0, 0.0, 42.0, 0.0, -42.0),
            (date(2026, 3, 8), "EUR", 0.0, 0.0, 15.0, 0.0, 8.0, -7.0),
        ]
