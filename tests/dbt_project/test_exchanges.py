"""What comes back: how long after its sale, sold where, and for which other order."""

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


def ordered(step: str, order_id: str, at: str, total: float, **fields: Any) -> Envelope:
    items = [{"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": total}]
    payload = {"placed_at": at, "currency": "EUR", "grand_total": total, "items": items, **fields}
    return event(f"order.{step}", int(at[8:10]), id=order_id, **payload)


def came_back(return_id: str, order_id: str | None, at: str, refund: float, **fields: Any) -> Envelope:
    items = [{"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "refund_amount": refund}]
    payload = {
        "returned_at": at,
        "return_location_id": "BERK",
        "currency": "EUR",
        "total_refund_amount": refund,
        "items": items,
        **({"order_id": order_id} if order_id else {}),
        **fields,
    }
    return event("return.processed", int(at[8:10]), id=return_id, **payload)


ZONES = [
    event("reference.location", 30, location_id=location_id, time_zone=zone, loaded_at="2026-03-30T12:00:00Z")
    for location_id, zone in (("BERK", "Europe/Berlin"), ("LA", "America/Los_Angeles"))
]
EVENTS = [
    # Placed at 02:00 in UTC on the 2nd, which is 18:00 in Los Angeles on the 1st.
    ordered("created", "old", "2026-03-02T02:00:00Z", 100, demand_location_id="LA"),
    # 23:30 in UTC on the 11th is 00:30 in Berlin on the 12th, 11 days later. After the policy it is 90, and 5 are kept.
    came_back("r-up", "old", "2026-03-11T23:30:00Z", 100, total_refund_amount_adjusted=90, return_fee=5),
    # 120 for 85: 35 to pay.
    ordered(
        "created",
        "up",
        "2026-03-12T10:00:00Z",
        120,
        is_exchange=True,
        exchanges=[{"order_id": "old", "return_id": "r-up"}],
    ),
    # r-even was for up, as created; opened it is for even alone, which gives 30 for 30.
    ordered("created", "web", "2026-03-05T10:00:00Z", 30),
    came_back("r-even", "web", "2026-03-05T12:00:00Z", 30),
    ordered(
        "created",
        "even",
        "2026-03-06T10:00:00Z",
        30,
        is_exchange=True,
        exchanges=[{"order_id": "web", "return_id": "r-old"}, {"order_id": "old", "return_id": "r-up"}],
    ),
    ordered(
        "opened",
        "even",
        "2026-03-06T10:00:00Z",
        30,
        is_exchange=True,
        exchanges=[{"order_id": "web", "return_id": "r-even"}],
    ),
    # 20 for a blind return of 50: the customer gets 30.
    came_back("r-blind", None, "2026-03-07T12:00:00Z", 50),
    ordered("created", "down", "2026-03-07T13:00:00Z", 20, is_exchange=True, exchanges=[{"return_id": "r-blind"}]),
    # Of this one no event says what came back. r-alone came the same day, for the same customer, and stays alone.
    ordered("created", "unsaid", "2026-03-08T10:00:00Z", 15, is_exchange=True, customer_id="c"),
    came_back("r-alone", "lost", "2026-03-08T09:00:00Z", 15, customer_id="c"),
]


def returned(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = "return_id, business_date, days_to_return, sold_at_location_id, is_exchange"
    return rows(con, f"select {columns} from marts.fct_return_items order by return_id")


def exchanged(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    money = ", ".join(f"{column}::double" for column in ("value_out", "value_back", "difference"))
    columns = f"order_id, return_id, original_order_id, business_date, {money}, direction, currency"
    return rows(con, f"select {columns} from marts.fct_exchanges order by order_id")


def test_returns_know_their_sale_and_exchanges_their_returns(
    in_all_orders: Callable[..., list[duckdb.DuckDBPyConnection]],
) -> None:
    for con in in_all_orders(EVENTS + ZONES):
        assert returned(con) == [
            ("r-alone", date(2026, 3, 8), None, None, False),
            ("r-blind", date(2026, 3, 7), None, None, True),
            ("r-even", date(2026, 3, 5), 0, None, True),
            ("r-up", date(2026, 3, 12), 11, "LA", True),
        ]
        assert exchanged(con) == [
            ("down", "r-blind", None, date(2026, 3, 7), 20.0, 50.0, -30.0, "down", "EUR"),
            ("even", "r-even", "web", date(2026, 3, 6), 30.0, 30.0, 0.0, "even", "EUR"),
            ("unsaid", None, None, date(2026, 3, 8), 15.0, None, None, None, "EUR"),
            ("up", "r-up", "old", date(2026, 3, 12), 120.0, 85.0, 35.0, "up", "EUR"),
        ]


def test_a_sale_an_exchange_or_a_zone_that_comes_later_completes_the_return(tmp_path: Path) -> None:
    settings = Settings.load({}, home=str(tmp_path))

    def after(*events: Envelope) -> tuple[Any, ...]:
        deliver(settings, events)
        refresh(settings)
        with connect(tmp_path) as con:
            (row,) = returned(con)
            return row[1:]

    old, came, exchange = EVENTS[:3]
    assert after(came) == (date(2026, 3, 11), None, None, False)
    assert after(exchange) == (date(2026, 3, 11), None, None, True)
    assert after(old) == (date(2026, 3, 11), 9, "LA", True)
    assert after(ZONES[1]) == (date(2026, 3, 11), 10, "LA", True)
    assert after(ZONES[0]) == (date(2026, 3, 12), 11, "LA", True)
    # The exchange, as it is opened, names nothing; and the return is of another order.
    assert after(ordered("opened", "up", "2026-03-12T10:00:00Z", 120)) == (date(2026, 3, 12), 11, "LA", False)
    corrected = event("return.processed", 13, **{**came["payload"], "order_id": "web", "note": "corrected"})
    assert after(corrected) == (date(2026, 3, 12), None, None, False)
    assert after(EVENTS[3]) == (date(2026, 3, 12), 7, None, False)
