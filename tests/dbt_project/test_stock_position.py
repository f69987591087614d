"""Stock positions: how each product stands as of the newest day of the data, whenever that day comes."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import warehouse
from tests.dbt_project.conftest import deliver
from tests.dbt_project.every_order import deliver_in_every_order, rows_in_every_order
from tests.dbt_project.scenarios import event
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def happened(name: str, at: str, **payload: Any) -> Envelope:
    return {"tenant": "acme", "name": name, "published_at": at, "payload": payload}


def received(source_id: str, at: str, product: str, quantity: int) -> Envelope:
    items = [{"product_id": product, "quantity": quantity}]
    name = "inventory_transaction.items_received"
    return happened(name, at, id=source_id, processed_at=at, fulfillment_location_id="BERK", items=items)


def sold(request_id: str, at: str, product: str, quantity: int) -> Envelope:
    items = [{"id": f"{request_id}-1", "product_id": product, "quantity": quantity, "shipped_at": at}]
    name = "fulfillment_request.items_completed"
    return happened(name, at, id=request_id, order_id="o", fulfillment_location_id="BERK", items=items)


def product(product_id: str, day: int, **fields: Any) -> Envelope:
    return event("reference.product", day, product_id=product_id, **fields)


SCENARIOS: dict[str, list[Envelope]] = {
    # The newest day is 31 March, so the 28 days begin on 4 March and the 90 days on 1 January.
    # shoe: 10 come on 20 December and 6 on 3 February. 1 is sold on the 19th, before any came (closing -1), 8 on
    # 10 January (closing 1), 1 on 15 January (0), 2 on 3 March and 2 on 4 March, 1 on 31 March:
    #   on hand 16 - 15 = 1; sold in 28 days 2 + 1 = 3, so it lasts 1 * 4 / 3 weeks;
    #   sold since the first receipt 14 of 16; nothing on hand from 15 January to 2 February, 19 days.
    # hat: 2 come on 30 March and 3 are sold on the 31st: -1 on hand, one day out of stock, no cover.
    # sock: 5 come on 1 October and stay.
    # lace: 4 come on 1 October and are sold on 2 December: out of stock for all 90 days.
    "spring": [
        received("r1", "2025-12-20T10:00:00Z", "shoe", 10),
        received("r2", "2026-02-03T10:00:00Z", "shoe", 6),
        sold("f0", "2025-12-19T10:00:00Z", "shoe", 1),
        sold("f1", "2026-01-10T10:00:00Z", "shoe", 8),
        sold("f2", "2026-01-15T10:00:00Z", "shoe", 1),
        sold("f3", "2026-03-03T23:59:59Z", "shoe", 2),
        sold("f4", "2026-03-04T00:00:00Z", "shoe", 2),
        sold("f5", "2026-03-31T10:00:00Z", "shoe", 1),
        received("r3", "2026-03-30T10:00:00Z", "hat", 2),
        sold("f6", "2026-03-31T10:00:00Z", "hat", 3),
        received("r4", "2025-10-01T10:00:00Z", "sock", 5),
        received("r5", "2025-10-01T10:00:00Z", "lace", 4),
        sold("f7", "2025-12-02T10:00:00Z", "lace", 4),
        product("shoe", 1, unit_cost=9, cost_currency="USD"),
        product("shoe", 2, unit_cost=12.5, cost_currency="EUR"),
        product("hat", 1, unit_cost=4, cost_currency="EUR"),
    ],
    # A wrong year does not become the newest day, since no event was published then; its units are there all the same.
    "wrong year": [
        received("r1", "2026-03-01T10:00:00Z", "shoe", 5),
        sold("f1", "2026-03-02T10:00:00Z", "shoe", 1),
        {**received("r2", "2206-03-01T10:00:00Z", "shoe", 2), "published_at": "2026-03-02T09:00:00Z"},
    ],
    # It was of another location.
    "corrected": [
        received("r1", "2026-03-01T10:00:00Z", "shoe", 5),
        happened(
            "inventory_transaction.items_received",
            "2026-03-02T10:00:00Z",
            id="r1",
            processed_at="2026-03-02T10:00:00Z",
            fulfillment_location_id="SOHO",
            items=[{"product_id": "shoe", "quantity": 5}],
        ),
    ],
}
COLUMNS = (
    "product_id, on_hand, sold_28d, weeks_of_cover, sell_through, first_received_on, last_received_on, last_sold_on, "
    "days_out_of_stock_90d, stock_value, currency, is_negative, as_of"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("stock_position"), memory=10**9)
    deliver_in_every_order(settings, SCENARIOS, chance_seed)
    return settings


def test_a_product_stands_as_its_days_say(settings: Settings) -> None:
    newest, december, march = date(2026, 3, 31), date(2025, 12, 20), date(2026, 3, 30)
    autumn, second = date(2025, 10, 1), date(2025, 12, 2)
    assert rows_in_every_order(settings, "spring", "marts.stock_position", COLUMNS) == [
        ("hat", -1, 3, None, 1.5, march, march, newest, 1, Decimal(-4), "EUR", True, newest),
        ("lace", 0, 0, None, 1.0, autumn, autumn, second, 90, None, None, False, newest),
        (
            *("shoe", 1, 3, 4 / 3, 14 / 16, december, date(2026, 2, 3), newest),
            *(19, Decimal("12.5"), "EUR", False, newest),
        ),
        ("sock", 5, 0, None, 0.0, autumn, autumn, None, 0, None, None, False, newest),
    ]


def test_a_wrong_year_does_not_make_it_the_future(settings: Settings) -> None:
    columns = "on_hand, sold_28d, last_received_on, as_of"
    rows = rows_in_every_order(settings, "wrong year", "marts.stock_position", columns)
    assert rows == [(6, 1, date(2206, 3, 1), date(2026, 3, 2))]


def test_a_correction_leaves_no_row_where_it_was(settings: Settings) -> None:
    rows = rows_in_every_order(settings, "corrected", "marts.stock_position", "location_id, on_hand, as_of")
    assert rows == [("SOHO", 5, date(2026, 3, 2))]


def test_only_a_new_day_rewrites_what_did_not_move(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("new_day"), memory=10**9)

    def written(*events: Envelope) -> int:
        deliver(settings, events)
        return refresh(settings).rows.get("stock_position", 0)

    assert written(*(received(f"r{n}", "2026-03-01T10:00:00Z", f"p{n}", 1) for n in range(20))) == 20
    # Another event of the day moves one product, a file of costs another, and the first event of the next day all.
    assert written(sold("f1", "2026-03-01T12:00:00Z", "p1", 1)) == 1
    assert written(product("p2", 1, unit_cost=3, cost_currency="EUR")) == 1
    assert written(sold("f3", "2026-03-02T00:00:00Z", "p3", 1)) == 20
    with warehouse.connect(settings.home) as con:
        assert con.execute("select distinct as_of from marts.stock_position").fetchall() == [(date(2026, 3, 2),)]
        assert con.execute("select sum(stock_value) from marts.stock_position").fetchall() == [(Decimal(3),)]
