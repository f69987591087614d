"""Money is of the business day where its order was placed, whenever the order or its zone becomes known."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from tests.dbt_project.conftest import deliver
from tests.dbt_project.scenarios import rows
from warehouse import connect
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def event(name: str, at: str, /, **payload: Any) -> Envelope:
    return {"tenant": "us", "name": name, "published_at": at, "payload": payload}


def said(name: str, day: int, /, **payload: Any) -> Envelope:
    at = f"2026-05-{day:02}T12:00:00Z"
    return event(f"reference.{name}", at, **payload, loaded_at=at)


def order(order_id: str, step: str = "created", **header: Any) -> Envelope:
    at = "2026-01-31T20:00:00Z"
    return event(f"order.{step}", at, id=order_id, placed_at=at, currency="USD", items=[], **header)


def paid(step: str, account: str, at: str, *money: tuple[str, float, str], **fields: Any) -> Envelope:
    """Transactions by id, amount and payment method; the provider is called as the method."""
    return event(
        f"payment_account.amount_{step}",
        at,
        id=account,
        transactions=[
            {"id": name, "amount": amount, "currency": "USD", "instrument_id": method} for name, amount, method in money
        ],
        instruments=[
            {"id": method, "payment_method": method, "payment_provider": method}
            for method in sorted({method for _, _, method in money})
        ],
        **fields,
    )


# 02:30 in UTC on 1 February is 18:30 in Los Angeles, 21:30 in New York and 20:30 in Chicago, on 31 January; it is 11:30
# in Tokyo and 03:30 in Paris, on 1 February.
EVENING = "2026-02-01T02:30:00Z"
# 06:30 is 22:30 in Los Angeles and 01:30 in New York.
NIGHT = "2026-02-01T06:30:00Z"
JANUARY, FEBRUARY = date(2026, 1, 31), date(2026, 2, 1)

ZONES = [
    said("location", 1, location_id="LA", time_zone="Asia/Tokyo"),
    said("location", 2, location_id="LA", time_zone="America/Los_Angeles"),
    said("channel", 1, channel="web", time_zone="America/New_York"),
    said("retailer", 1, tenant="us", time_zone="America/Chicago"),
    said("tender", 1, payment_method="voucher", payment_provider="voucher", name="Voucher", kind="gift_card"),
]
SALES = [
    order("store", demand_location_id="LA", channel="web"),
    order("web", channel="web"),
    # Created in the store, opened on the web: what it says last counts.
    order("moved", demand_location_id="LA"),
    order("moved", "opened", channel="web"),
    paid("authorized", "store", EVENING, ("s0", 100, "credit_card")),
    paid("captured", "store", EVENING, ("s1", 60, "credit_card"), ("s2", 40, "voucher")),
    paid("captured", "web", EVENING, ("w1", 30, "credit_card")),
    paid("refunded", "web", NIGHT, ("w2", -12.5, "credit_card")),
    # The same id with another amount and for a return is another transaction.
    event(
        "payment_account.amount_refunded",
        NIGHT,
        id="web",
        transactions=[{"id": "w2", "amount": -3, "currency": "USD", "correlation_id": "r"}],
    ),
    paid("captured", "moved", NIGHT, ("m1", 7, "cash")),
    # No header of this order ever comes.
    paid("captured", "lost", EVENING, ("l1", 5, "cash")),
    # Another account that pays for the order of the store, by its id.
    paid("captured", "second", NIGHT, ("x1", 2, "cash"), order_id="store"),
]
DAYS = {
    "s0": JANUARY,
    "s1": JANUARY,
    "s2": JANUARY,
    "w1": JANUARY,
    "w2": FEBRUARY,
    "m1": FEBRUARY,
    "l1": JANUARY,
    "x1": JANUARY,
}


def days(con: duckdb.DuckDBPyConnection) -> dict[str, date]:
    return dict(rows(con, "select transaction_id, business_date from marts.fct_payment_transactions"))


def tenders(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    columns = (
        "date, location_id, payment_method, currency, transactions, captured::double, refunded::double, net::double, "
        "tender_kind"
    )
    return rows(con, f"select {columns} from marts.daily_tenders order by all")


def test_money_is_of_the_day_where_its_order_was_placed(
    in_all_orders: Callable[..., list[duckdb.DuckDBPyConnection]],
) -> None:
    for con in in_all_orders(SALES + ZONES):
        assert days(con) == DAYS
        assert tenders(con) == [
            # x1
            (JANUARY, "LA", "cash", "USD", 1, 2.0, 0.0, 2.0, "cash"),
            # s1; what was authorized only is not here.
            (JANUARY, "LA", "credit_card", "USD", 1, 60.0, 0.0, 60.0, "card"),
            # s2, of which reference data say the kind.
            (JANUARY, "LA", "voucher", "USD", 1, 40.0, 0.0, 40.0, "gift_card"),
            # l1 and w1: neither order has a location.
            (JANUARY, "unknown", "cash", "USD", 1, 5.0, 0.0, 5.0, "cash"),
            (JANUARY, "unknown", "credit_card", "USD", 1, 30.0, 0.0, 30.0, "card"),
            # m1 and w2.
            (FEBRUARY, "unknown", "cash", "USD", 1, 7.0, 0.0, 7.0, "cash"),
            (FEBRUARY, "unknown", "credit_card", "USD", 1, 0.0, 12.5, -12.5, "card"),
            # w2 for r, which says no instrument.
            (FEBRUARY, "unknown", "unknown", "USD", 1, 0.0, 3.0, -3.0, None),
        ]
        # No payment has made more of an order than it was.
        assert rows(con, "select order_id, status from marts.fct_orders order by order_id") == [
            ("lost", "unknown"),
            ("moved", "opened"),
            ("store", "created"),
            ("web", "created"),
        ]


def test_an_order_or_a_zone_that_comes_later_moves_its_money_alone(tmp_path: Path) -> None:
    settings = Settings.load({}, home=str(tmp_path))

    def after(*events: Envelope) -> dict[str, date]:
        deliver(settings, events)
        refresh(settings)
        with connect(tmp_path) as con:
            return days(con)

    payments = [event for event in SALES if event["name"].startswith("payment")]
    # Nothing is known, so all is in UTC.
    assert after(*payments) == dict.fromkeys(DAYS, FEBRUARY)
    # The store's zone alone moves nothing: whose order each payment is nobody knows.
    assert after(*ZONES[:2]) == dict.fromkeys(DAYS, FEBRUARY)
    in_the_store = {name: JANUARY if name[0] in "sx" else FEBRUARY for name in DAYS}
    assert after(SALES[0]) == in_the_store
    # The retailer's zone, Chicago, is of the orders without another: 20:30 on 31 January, and 00:30 on 1 February.
    assert after(ZONES[3]) == {**in_the_store, "w1": JANUARY, "l1": JANUARY}
    # moved is created in Los Angeles, where 06:30 is in January, and then opened in New York.
    assert after(SALES[2])["m1"] == JANUARY
    assert after(SALES[1], SALES[3], ZONES[2]) == DAYS
    # x1 was for an order of which nothing is known: 22:31 in Los Angeles is 00:31 in Chicago.
    elsewhere = {**DAYS, "x1": FEBRUARY}
    assert after(paid("captured", "second", "2026-02-01T06:31:00Z", ("x1", 2, "cash"), order_id="lost")) == elsewhere
    # The store was in Tokyo all along, and then nobody says where it is: New York, by its channel.
    tokyo = after(said("location", 3, location_id="LA", time_zone="Asia/Tokyo"))
    assert tokyo == {**elsewhere, **dict.fromkeys(("s0", "s1", "s2"), FEBRUARY)}
    assert after(said("location", 4, location_id="LA")) == elsewhere
    refresh(settings, full=True)
    with connect(tmp_path) as con:
        assert days(con) == elsewhere
