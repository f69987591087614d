"""What a line of an order is, and what it is worth without tax and above its cost, whenever a retailer says so."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.conftest import deliver
from tests.dbt_project.scenarios import event
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def line(item_id: str, product_id: str, price: float, **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "product_id": product_id, "pricebook_price": price, **fields}


def product(day: int, product_id: str, **said: Any) -> Envelope:
    at = f"2026-03-{day:02}T12:00:00Z"
    payload = {"product_id": product_id, "loaded_at": at, **said}
    return {"tenant": "acme", "name": "reference.product", "published_at": at, "payload": payload}


ORDERS = [
    # Prices hold their tax: 119 hold 19, two coats at 60 less 1 hold 19 by their tax lines, wrapping 0.95.
    event(
        "order.created",
        1,
        id="eu",
        currency="EUR",
        price_method="VAT_INCLUDED",
        items=[
            line("shoe", "shoe", 119, tax=19, item_type="Product"),
            line(
                "coats", "coat", 60, quantity=2, order_discounts=1, tax_provider_details=[{"amount": 15}, {"amount": 4}]
            ),
            line("card", "card", 50, tax=0),
            line("wrap", "wrap", 5.95, tax=0.95, item_type="gift-wrapping"),
            line("ship", "ship", 4.95, item_type="SHIPPING"),
        ],
    ),
    event("order.items_cancelled", 3, id="eu", items=[{"id": "shoe"}]),
    # Without: a gift card by its type, one by its line, and a shoe in dollars, of which the cost is said in euros.
    event(
        "order.created",
        1,
        id="us",
        currency="USD",
        items=[
            line("typed", "voucher", 25, item_type="Gift_Card"),
            line(
                "called", "plastic", 30, extended_attributes={"is_gift_card": {"data_type": "boolean", "value": "True"}}
            ),
            line("dollars", "shoe", 100, tax=8),
        ],
    ),
]
SAID = [
    product(5, "shoe", unit_cost=70, cost_currency="EUR"),
    product(6, "shoe", unit_cost=40, cost_currency="EUR"),
    product(5, "card", is_gift_card=True, unit_cost=0.5, cost_currency="EUR"),
    product(5, "coat", unit_cost=20.5, cost_currency="EUR"),
]

# item: kind, net amount, without tax, cost of a unit, margin, cancelled, whether it is a sale
WITHOUT_REFERENCE = {
    "shoe": ("product", 119, 100, None, None, 100, True),
    # 120 - 1 = 119, of which 15 + 4 are tax.
    "coats": ("product", 119, 100, None, None, None, True),
    "card": ("product", 50, 50, None, None, None, True),
    "wrap": ("charge", "5.95", 5, None, None, None, False),
    "ship": ("shipping", "4.95", "4.95", None, None, None, False),
    "typed": ("gift_card", 25, 25, None, None, None, False),
    "called": ("gift_card", 30, 30, None, None, None, False),
    "dollars": ("product", 100, 100, None, None, None, True),
}
WITH_REFERENCE = {
    **WITHOUT_REFERENCE,
    # 100 - 40, though it was cancelled: what was sold stays sold on its day.
    "shoe": ("product", 119, 100, 40, 60, 100, True),
    # 100 - 2 * 20.5
    "coats": ("product", 119, 100, "20.5", 59, None, True),
    "card": ("gift_card", 50, 50, "0.5", None, None, False),
}


def amount(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)


def lines(settings: Settings) -> dict[str, tuple[Any, ...]]:
    columns = "item_id, line_kind, net_amount, net_amount_excl_tax, unit_cost, margin, cancelled_amount, is_sale"
    with connect(settings.home) as con:
        return {row[0]: row[1:] for row in con.execute(f"select {columns} from marts.fct_order_items").fetchall()}


def expected(told: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {item: (kind, *map(amount, amounts), is_sale) for item, (kind, *amounts, is_sale) in told.items()}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load({}, home=str(tmp_path))


@pytest.mark.parametrize("splits", [1, 3])
def test_lines_are_the_same_in_any_order(settings: Settings, seed: int, splits: int) -> None:
    events = ORDERS + SAID
    random.Random(seed).shuffle(events)
    for part in range(splits):
        deliver(settings, events[part::splits])
        refresh(settings)
    assert lines(settings) == expected(WITH_REFERENCE)


def test_what_is_said_of_a_product_later_moves_its_lines_and_nothing_else(settings: Settings) -> None:
    deliver(settings, ORDERS)
    refresh(settings)
    assert lines(settings) == expected(WITHOUT_REFERENCE)
    deliver(settings, SAID)
    refresh(settings)
    assert lines(settings) == expected(WITH_REFERENCE)
    # A name, a cost of what nobody ordered: no order is touched.
    deliver(
        settings,
        [
            product(7, "shoe", name="Shoe", unit_cost=40, cost_currency="EUR"),
            product(7, "sock", unit_cost=1, cost_currency="EUR"),
        ],
    )
    publication = refresh(settings)
    assert set(publication.rows) & {"fct_orders", "fct_order_items", "fct_order_promotions"} == set()
    # What is not said any more is not known any more, and what was a gift card by mistake is a product again.
    deliver(settings, [product(8, "shoe", name="Shoe"), product(8, "card", unit_cost=30, cost_currency="EUR")])
    refresh(settings)
    now = expected(
        {
            **WITH_REFERENCE,
            "shoe": WITHOUT_REFERENCE["shoe"],
            "card": ("product", 50, 50, 30, 20, None, True),
        }
    )
    assert lines(settings) == now
    refresh(settings, full=True)
    assert lines(settings) == now
