"""What lines of orders say beside their price: taxes, promotions and extended attributes, and what promotions sold."""

from datetime import date
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, rows


def unit(item_id: str, price: float | None, **fields: Any) -> dict[str, Any]:
    return {"id": item_id, "item_type": "product", "product_id": "shoe", "pricebook_price": price, **fields}


def ordered(step: str, order_id: str, day: int, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    placed_at = f"2026-03-{day:02}T08:00:00Z"
    return event(f"order.{step}", day, id=order_id, items=list(items), **{"placed_at": placed_at, **fields})


def off(amount: float, **fields: Any) -> dict[str, Any]:
    return {"price_adjustment": amount, **fields}


SPRING = {"trigger": "coupon", "discount_id": "D-1", "coupon_code": "SPRING"}

EVENTS = [
    # us: opened with other taxes, another coupon and other attributes than it was created with; only those count. On
    # top of 100 - 10 = 90 come 3.6 and 4.5 of tax, 4 % and 5 %, one sent as a percentage and one as a ratio. The price
    # of b is not known; the shipping of 5 is taxed at 8 %.
    ordered(
        "created",
        "us",
        1,
        unit("a", 100, tax_provider_details=[{"name": "Old Tax", "amount": 20}], extended_attributes={"stale": "1"}),
        currency="USD",
        discounts=[{"trigger": "coupon", "discount_id": "D-0", "coupon_code": "OLD"}],
        extended_attributes={"stale": "1"},
    ),
    ordered(
        "opened",
        "us",
        1,
        unit(
            "a",
            100,
            item_discounts=10,
            tax=8.1,
            tax_provider_details=[
                {"name": "State Tax", "amount": 3.6, "rate": 4, "country_code": "US"},
                {"name": "City Tax", "amount": 4.5, "rate": 0.05},
            ],
            discounts=[off(10, id="x", level="item", action="percentage", value=10, coupon_code="SPRING")],
        ),
        unit("b", None, tax_provider_details=[{"name": "State Tax", "amount": 1}]),
        unit("c", 5, item_type="shipping", tax_provider_details=[{"name": "State Tax", "amount": 0.4, "rate": 8}]),
        currency="USD",
        price_method="tax_excluded",
        discounts=[SPRING],
        extended_attributes=[{"name": "gift", "value": "False"}, {"name": "gift", "value": "True"}],
    ),
    # eu: 119 hold 19 of tax, so 100 are taxable. Of e 50 - 5 = 45 hold what its tax lines add up to, 4 + 1. D-2 has no
    # coupon: e names it by its externalRef and g by its id. f goes by its reason, and was swapped; g by its promotion
    # as well, and was cancelled. Sold: 119 + 45 + (20 - 2) + (10 - 3 - 1) = 188.
    ordered(
        "created",
        "eu",
        2,
        unit(
            "d",
            119,
            tax=19,
            tax_provider_details=[{"name": "VAT", "amount": 19, "rate": 0.19, "country_code": "DE"}],
            extended_attributes={"engraving": {"data_type": "text", "value": "A.L."}, "boxes": {"value": 2}},
        ),
        unit(
            "e",
            50,
            order_discounts=5,
            tax_provider_details=[{"name": "A", "amount": 4}, {"name": "B", "amount": 1}],
            discounts=[off(5, id="y", level="order", externalRef="D-2", reason="Staff")],
            extended_attributes=[{"name": "engraving", "value": None}],
        ),
        unit("f", 20, item_discounts=2, discounts=[off(2, id="z", level="item", reason="Last piece")]),
        unit(
            "g",
            10,
            item_discounts=3,
            order_discounts=1,
            discounts=[
                off(3, id="v", level="item", type="fixed", promotion_uuid="P-1"),
                off(1, id="D-2", level="order"),
            ],
        ),
        currency="EUR",
        price_method="tax_included",
        discounts=[{"trigger": "associate", "discount_id": "D-2"}],
        extended_attributes={"vip": True, "reference": {"data_type": "text", "value": "W-7"}},
    ),
    event("order.items_swapped", 3, id="eu", items=[{"id": "f", "new_item_id": "f2", "new_product_id": "boot"}]),
    event("order.items_cancelled", 4, id="eu", items=[{"id": "g"}]),
    # two: a line of two units at 50, less 12. Without a price method nobody knows whether the 1 of tax is in them.
    ordered(
        "created",
        "two",
        5,
        unit(
            "h",
            50,
            quantity=2,
            order_discounts=12,
            tax_provider_details=[{"name": "VAT", "amount": 1, "rate": 0.19}],
            discounts=[off(12, id="w", level="order", coupon_code="SPRING")],
        ),
        currency="EUR",
        discounts=[SPRING],
    ),
    # again: the coupon once more, 40 - 20 sold on the 9th, as it is in UTC then.
    ordered(
        "opened",
        "again",
        9,
        unit("j", 40, item_discounts=20, discounts=[off(20, coupon_code="SPRING", level="item")]),
        currency="EUR",
        placed_at="2026-03-08T23:30:00-05:00",
    ),
    # head: only the order names its coupon; 4 sold. old: an order of another system is no sale. late: no header yet.
    ordered("created", "head", 6, unit("i", 4), currency="EUR", discounts=[{"coupon_code": "WELCOME"}]),
    ordered(
        "created",
        "old",
        7,
        unit("o", 9, item_discounts=1, discounts=[off(1, coupon_code="SPRING", level="item")]),
        currency="EUR",
        placed_at="2019-07-01T10:00:00Z",
        is_historical=True,
    ),
    event("order.items_cancelled", 8, id="late", items=[{"id": "l"}]),
]


@pytest.fixture(scope="module", params=[1, 4], ids=["at once", "backwards over four refreshes"])
def con(warehouse_of: Any, request: pytest.FixtureRequest) -> duckdb.DuckDBPyConnection:
    events = EVENTS if request.param == 1 else [*EVENTS[::-1], *EVENTS[::2]]
    connection: duckdb.DuckDBPyConnection = warehouse_of(events, splits=request.param)
    return connection


def test_a_tax_line_has_the_rate_at_which_it_taxes(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "item_id, tax_line, name, country_code, amount::double, reported_rate, round(effective_rate, 9), "
        "taxable_amount::double, currency"
    )
    assert rows(con, f"select {columns} from marts.fct_order_taxes order by item_id, tax_line") == [
        ("a", 1, "State Tax", "US", 3.6, 4.0, 0.04, 90.0, "USD"),
        ("a", 2, "City Tax", None, 4.5, 0.05, 0.05, 90.0, "USD"),
        ("b", 1, "State Tax", None, 1.0, None, None, None, "USD"),
        ("c", 1, "State Tax", None, 0.4, 8.0, 0.08, 5.0, "USD"),
        ("d", 1, "VAT", "DE", 19.0, 0.19, 0.19, 100.0, "EUR"),
        ("e", 1, "A", None, 4.0, None, 0.1, 40.0, "EUR"),
        ("e", 2, "B", None, 1.0, None, 0.025, 40.0, "EUR"),
        ("h", 1, "VAT", None, 1.0, 0.19, None, None, "EUR"),
    ]


def test_attributes_are_rows_in_whatever_shape_they_come(con: duckdb.DuckDBPyConnection) -> None:
    query = "select order_id, item_id, name, value from marts.fct_order_attributes order by all"
    assert rows(con, query) == [
        ("eu", "", "reference", "W-7"),
        ("eu", "", "vip", "true"),
        ("eu", "d", "boxes", "2"),
        ("eu", "d", "engraving", "A.L."),
        ("eu", "e", "engraving", None),
        # The first of two that have one name.
        ("us", "", "gift", "False"),
    ]


def test_a_promotion_of_an_order_is_one_row_however_it_is_named(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "order_id, promotion_key, coupon_code, discount_id, trigger, reason, level, price_adjustment::double, units, "
        "gross_amount::double, net_amount::double, currency, is_sale"
    )
    query = f"select {columns} from marts.fct_order_promotions order by order_id, promotion_key"
    assert rows(con, query) == [
        ("again", "SPRING", "SPRING", None, None, None, "item", 20.0, 1, 40.0, 20.0, "EUR", True),
        # e and g: 50 + 10, less 5 and less 3 + 1.
        ("eu", "D-2", None, "D-2", "associate", "Staff", "order", 6.0, 2, 60.0, 51.0, "EUR", True),
        ("eu", "Last piece", None, None, None, "Last piece", "item", 2.0, 1, 20.0, 18.0, "EUR", True),
        ("eu", "P-1", None, "P-1", None, None, "item", 3.0, 1, 10.0, 6.0, "EUR", True),
        ("head", "WELCOME", "WELCOME", None, None, None, "order", None, 0, None, None, "EUR", True),
        ("old", "SPRING", "SPRING", None, None, None, "item", 1.0, 1, 9.0, 8.0, "EUR", False),
        ("two", "SPRING", "SPRING", "D-1", "coupon", None, "order", 12.0, 2, 100.0, 88.0, "EUR", True),
        ("us", "SPRING", "SPRING", "D-1", "coupon", None, "order", 10.0, 1, 100.0, 90.0, "USD", True),
    ]
    fields = "action, reason, promotion_id"
    assert rows(con, f"select {fields} from marts.fct_order_discounts where item_id = 'g' order by discount_id") == [
        (None, None, None),
        ("fixed", None, "P-1"),
    ]


def test_promotions_are_compared_by_what_they_sold(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "promotion_key, currency, orders, units, gross_sales::double, price_adjustment::double, net_sales::double, "
        "round(share_of_net_sales, 9), first_used_on, last_used_on"
    )
    query = f"select {columns} from marts.promotion_performance order by promotion_key, currency"
    # Sold in euros: 188 + 88 + 20 + 4 = 300; in dollars 90, all of it with the coupon.
    assert rows(con, query) == [
        ("D-2", "EUR", 1, 2, 60.0, 6.0, 51.0, 0.17, date(2026, 3, 2), date(2026, 3, 2)),
        ("Last piece", "EUR", 1, 1, 20.0, 2.0, 18.0, 0.06, date(2026, 3, 2), date(2026, 3, 2)),
        ("P-1", "EUR", 1, 1, 10.0, 3.0, 6.0, 0.02, date(2026, 3, 2), date(2026, 3, 2)),
        ("SPRING", "EUR", 2, 3, 140.0, 32.0, 108.0, 0.36, date(2026, 3, 5), date(2026, 3, 9)),
        ("SPRING", "USD", 1, 1, 100.0, 10.0, 90.0, 1.0, date(2026, 3, 1), date(2026, 3, 1)),
        ("WELCOME", "EUR", 1, 0, 0.0, 0.0, 0.0, 0.0, date(2026, 3, 6), date(2026, 3, 6)),
    ]
