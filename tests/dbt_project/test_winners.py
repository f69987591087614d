"""Small inputs that once went wrong, each in many orders and over several refreshes: the facts are the same in all.

Every case is played by tenants of its own, each in an order and a split of its own, into one home. After the last
refresh all tenants of a case show the same, and a full build of the log shows it as well.
"""

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from tests.dbt_project.conftest import Envelope, deliver
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

CASES = Path(__file__).parents[1] / "data" / "cases"
REFRESHES = 3
ORDERS = 3

Rows = list[tuple[Any, ...]]


def read_case(name: str) -> list[Envelope]:
    return [json.loads(line) for line in (CASES / f"{name}.ndjson").read_text().splitlines()]


def event(name: str, day: int, **payload: Any) -> Envelope:
    return {"name": name, "published_at": f"2024-01-{day:02}T12:00:00Z", "payload": payload}


def opened(order_id: str, *item_ids: str, day: int = 1, **fields: Any) -> Envelope:
    items = [{"id": item_id, "item_type": "product", "product_id": "p", "pricebook_price": 10} for item_id in item_ids]
    placed = {"placed_at": f"2024-01-{day:02}T10:00:00Z", "currency": "EUR", "channel": "c", "items": items}
    return event("order.opened", day, id=order_id, **{**placed, **fields})


# What a case delivers, and what queries of a tenant's rows then show.
CASE: dict[str, tuple[list[Envelope], dict[str, Rows]]] = {
    "two currencies in one month are one customer": (
        [
            opened("a", "i1", customer_id="ada"),
            opened("b", "i2", customer_id="ada", currency="CHF"),
            opened("c", "i3", customer_id="bea"),
            opened("d", "i4", customer_id="ada", placed_at="2024-02-03T10:00:00Z", currency="CHF"),
        ],
        {
            "select months_since, currency, customers, active_customers, all_active_customers "
            "from marts.customer_cohorts where tenant = $tenant": [
                (0, "CHF", 2, 1, 2),
                (0, "EUR", 2, 2, 2),
                (1, "CHF", 2, 1, 1),
            ],
        },
    ),
    "a sum that no column can hold": (
        [
            *read_case("sum-overflow"),
            # Nor may what can be held stand for the whole of a day.
            opened("small", "s1", customer_id="c2", channel=None),
        ],
        {
            "select net_sales from marts.customer_cohorts where tenant = $tenant": [(None,)],
            "select gross_sales, discounts, net_sales from marts.daily_sales where tenant = $tenant": [
                (31, None, None)
            ],
        },
    ),
    "a discount off an unknown price": (
        read_case("discount-without-price"),
        {
            "select gross_sales, discounts, net_sales from marts.daily_sales where tenant = $tenant": [(20, 0, 20)],
            "select item_id, item_discounts, net_amount from marts.fct_order_items where tenant = $tenant": [
                ("i1", 5, None),
                ("i2", 0, 20),
            ],
            "select net_sales from marts.customer_cohorts where tenant = $tenant": [(20,)],
        },
    ),
    "a refund of a blind return": (
        read_case("blind-return-refunded"),
        {
            "select order_id from marts.fct_orders where tenant = $tenant": [],
            "select * from trust.missing_parents where tenant = $tenant": [],
            "select order_id, has_header, refunded, returned, returned_not_refunded, requested_not_refunded "
            "from trust.order_reconciliation where tenant = $tenant": [("b1", False, 106, 106, 0, 0)],
            "select order_id, amount from marts.fct_payment_transactions where tenant = $tenant": [("b1", 106)],
        },
    ),
    "a blind return that is found to have an order": (
        [
            *read_case("blind-return-refunded"),
            event("invoice.created", 5, id="v1", order_id="b1", total=106, currency="EUR"),
            event("return.processed", 9, id="r1", order_id="o1", returned_at="2024-01-09T10:00:00Z", currency="EUR"),
        ],
        {
            # Nothing makes b1 up any more, so it is an order of which the header is missing.
            "select order_id, has_header from marts.fct_orders where tenant = $tenant": [("b1", False), ("o1", False)],
            "select parent_id, event_name from trust.missing_parents where tenant = $tenant": [
                ("b1", "invoice.created"),
                ("b1", "payment_account.amount_refunded"),
                ("b1", "refund_request.issued"),
                ("o1", "return.processed"),
            ],
        },
    ),
    "an order that a blind return calls made up and that has a header": (
        [*read_case("blind-return-refunded"), opened("b1", "u1")],
        {
            "select order_id, has_header, item_count, returned_item_count from marts.fct_orders "
            "where tenant = $tenant": [("b1", True, 1, 0)],
            "select order_id, refunded, returned from trust.order_reconciliation where tenant = $tenant": [
                ("b1", 106, 106)
            ],
        },
    ),
    "a return that is corrected to another order": (
        read_case("return-corrected-to-another-order"),
        {
            "select order_id, item_id, status, refund_amount from marts.fct_order_items where tenant = $tenant": [
                ("o1", "i1", "opened", None),
                ("o2", "i2", "returned", 10),
            ],
            "select order_id, returned_item_count from marts.fct_orders where tenant = $tenant": [("o1", 0), ("o2", 1)],
            "select order_id, returned from trust.order_reconciliation where tenant = $tenant and returned != 0": [
                ("o2", 10)
            ],
        },
    ),
    "all that belongs to an order is corrected to another": (
        [
            opened("o2", "i1", customer_id="ada"),
            *[
                one
                for order_id, day in (("o1", 3), ("o2", 4))
                for one in (
                    event("invoice.created", day, id="v", order_id=order_id, total=10, currency="EUR"),
                    event("refund_request.issued", day, id="q", order_id=order_id, amount=9, currency="EUR"),
                    event(
                        "fulfillment_request.items_completed",
                        day,
                        id="f",
                        order_id=order_id,
                        logical_timestamp=day,
                        fulfillment_location_id="L",
                        items=[{"id": "i1", "product_id": "p"}],
                    ),
                    event(
                        "return.processed",
                        day,
                        id="r",
                        order_id=order_id,
                        total_refund_amount=8,
                        currency="EUR",
                        items=[{"id": "i1", "product_id": "p", "refund_amount": 8}],
                    ),
                )
            ],
        ],
        {
            "select order_id, status, fulfilled_item_count, returned_item_count from marts.fct_orders "
            "where tenant = $tenant": [("o2", "opened", 1, 1)],
            "select order_id, item_id, status from marts.fct_order_items where tenant = $tenant": [
                ("o2", "i1", "returned")
            ],
            "select order_id, invoiced, refund_requested, returned from trust.order_reconciliation "
            "where tenant = $tenant": [("o2", 10, 9, 8)],
            "select order_id, split from marts.fulfillment_times where tenant = $tenant": [("o2", 1)],
            "select order_id from marts.fct_fulfillment_items where tenant = $tenant": [("o2",)],
            "select order_ref from marts.fct_inventory_movements where tenant = $tenant": [("o2",), ("o2",)],
            "select parent, parent_id from trust.missing_parents where tenant = $tenant": [("customer", "ada")],
            "select customer_id, order_count, return_count from marts.dim_customers where tenant = $tenant": [
                ("ada", 1, 1)
            ],
        },
    ),
    "a step of a fulfilment request that names no order": (
        read_case("items-completed-without-order-id"),
        {
            "select item_id, status, fulfillment_location_id from marts.fct_order_items where tenant = $tenant": [
                ("i1", "fulfilled", "L")
            ],
            "select fulfilled_item_count from marts.fct_orders where tenant = $tenant": [(1,)],
            "select order_id, status from marts.fct_fulfillment_items where tenant = $tenant": [("o1", "completed")],
            "select order_id, placed_to_completed is not null from marts.fulfillment_times where tenant = $tenant": [
                ("o1", True)
            ],
            "select order_ref from marts.fct_inventory_movements where tenant = $tenant": [("o1",)],
        },
    ),
    "a completion without units": (
        [
            *read_case("cancelled-unit-then-completed-without-items"),
            opened("s", "s1"),
            event("order.items_swapped", 3, id="s", items=[{"id": "s1", "old_item_id": "s1", "new_item_id": "s2"}]),
            event("order.completed", 4, id="s"),
        ],
        {
            "select item_id, status, fulfilled_at is not null from marts.fct_order_items where tenant = $tenant": [
                ("i1", "fulfilled", True),
                ("i2", "cancelled", False),
                ("s1", "cancelled", False),
                ("s2", "fulfilled", True),
            ],
            "select order_id, fulfilled_item_count from marts.fct_orders where tenant = $tenant": [("o1", 1), ("s", 1)],
        },
    ),
    "units that no header names": (
        read_case("unit-not-in-header"),
        {
            "select item_id, status from marts.fct_order_items where tenant = $tenant": [
                ("i1", "opened"),
                ("i2", "fulfilled"),
                ("i3", "cancelled"),
            ],
        },
    ),
    "several units in one line": (
        read_case("quantity"),
        {
            "select quantity, returned_quantity, net_amount, status from marts.fct_order_items "
            "where tenant = $tenant": [(3, 2, 30, "returned")],
            "select item_count, fulfilled_item_count, returned_item_count from marts.fct_orders "
            "where tenant = $tenant": [(3, 3, 2)],
            "select item_count from marts.fct_returns where tenant = $tenant": [(2,)],
            "select item_count, completed_item_count from marts.fct_fulfillment_requests where tenant = $tenant": [
                (3, 3)
            ],
            "select on_hand from marts.fct_inventory_on_hand where tenant = $tenant": [(-1,)],
            "select sum(units), sum(gross_sales), sum(net_sales), sum(returned_units) from marts.daily_sales "
            "where tenant = $tenant": [(3, 30, 30, 2)],
            "select event_name, path, drift, expected_type, seen_type from trust.contract_drift "
            "where tenant = $tenant and drift = 'not_one_unit'": [
                (name, "items[].quantity", "not_one_unit", "integer", "integer")
                for name in ("fulfillment_request.items_completed", "order.opened", "return.processed")
            ],
        },
    ),
    "more units than any amount can be of": (
        [opened("o", "i"), opened("o", items=[{"id": "i", "pricebook_price": 9e13, "quantity": 2**62}] * 1, day=2)],
        {
            "select quantity, net_amount from marts.fct_order_items where tenant = $tenant": [(2**62, None)],
            "select units, gross_sales from marts.daily_sales where tenant = $tenant": [(2**62, None)],
        },
    ),
    "a completion that is all there is of an order": (
        [
            event(
                "order.completed",
                3,
                id="late",
                currency="EUR",
                customer_id="ada",
                placed_at="2024-01-02T10:00:00Z",
                grand_total=10,
                items=[{"id": "i1", "product_id": "p", "pricebook_price": 10, "item_discounts": 1}],
            ),
            event("order.completed", 3, id="slim", customer_id="bea", items=[{"id": "i2"}]),
            event("invoice.created", 4, id="v", order_id="late"),
            event("order.completed", 3, id="both", currency="CHF", grand_total=1),
            event("order.created", 1, id="both", currency="EUR", grand_total=2, items=[]),
        ],
        {
            "select order_id, status, has_header, header_source, currency, customer_id, is_sale from marts.fct_orders "
            "where tenant = $tenant": [
                ("both", "completed", True, "created", "EUR", None, True),
                ("late", "completed", True, "completed", "EUR", "ada", True),
                ("slim", "completed", False, None, None, "bea", False),
            ],
            "select order_id, item_id, status, net_amount from marts.fct_order_items where tenant = $tenant": [
                ("late", "i1", "fulfilled", 9),
                ("slim", "i2", "fulfilled", None),
            ],
            "select parent, parent_id, event_name from trust.missing_parents where tenant = $tenant": [
                ("customer", "ada", "order.completed"),
                ("customer", "bea", "order.completed"),
                ("order", "slim", "order.completed"),
            ],
            "select customer_id, order_count from marts.dim_customers where tenant = $tenant": [("ada", 1), ("bea", 1)],
        },
    ),
    "a hold ends when the unit is routed again": (
        [
            opened("o", "held", "again", "both"),
            event("order.items_on_hold", 3, id="o", items=[{"id": "held", "reason": "no_stock"}, {"id": "again"}]),
            event(
                "fulfillment_request.assigned",
                4,
                id="f",
                order_id="o",
                logical_timestamp=1,
                items=[{"id": "again"}, {"id": "both"}],
            ),
            event("order.items_on_hold", 5, id="o", items=[{"id": "both", "reason": "fraud"}]),
        ],
        {
            "select item_id, status, hold_reason, on_hold_at is null from marts.fct_order_items "
            "where tenant = $tenant": [
                ("again", "assigned", None, False),
                ("both", "on_hold", "fraud", False),
                ("held", "on_hold", "no_stock", False),
            ],
            "select status from marts.fct_orders where tenant = $tenant": [("on_hold",)],
        },
    ),
    "a unit that its only location turned down": (
        [
            opened("o", "i"),
            *[
                event(
                    f"fulfillment_request.{step}",
                    day,
                    id="f",
                    order_id="o",
                    logical_timestamp=day,
                    fulfillment_location_id="L",
                    items=[{"id": "i"}],
                )
                for step, day in (("assigned", 2), ("items_failed", 3))
            ],
        ],
        {
            "select status, fulfillment_location_id, assigned_at is null from marts.fct_order_items "
            "where tenant = $tenant": [("opened", None, False)],
            "select status, failures from marts.fct_fulfillment_requests where tenant = $tenant": [("failed", 1)],
        },
    ),
    "reasons of cancellations": (
        [
            opened("part", "a", "b"),
            event("order.items_cancelled", 2, id="part", items=[{"id": "a", "reason": "damaged"}]),
            opened("whole", "c", "d"),
            event(
                "order.cancelled",
                2,
                id="whole",
                cancellation_reason="customer",
                items=[{"id": "c", "cancellation_reason": "insufficient_stock"}, {"id": "d"}],
            ),
        ],
        {
            "select item_id, cancellation_reason from marts.fct_order_items where tenant = $tenant": [
                ("a", "damaged"),
                ("b", None),
                ("c", "insufficient_stock"),
                ("d", "customer"),
            ],
        },
    ),
    "a variant that lost names nobody": (
        [
            opened("o", "i", customer_id="won"),
            event("order.created", 1, id="o", customer_id="lost", demand_location_id="lost", items=[]),
            event("order.created", 2, id="o", customer_id="won", demand_location_id="won", items=[]),
        ],
        {
            "select parent_id, event_name, events from trust.missing_parents where tenant = $tenant": [
                ("won", "order.created", 1),
                ("won", "order.opened", 1),
            ],
        },
    ),
    "payments that come again": (
        [
            opened("o", "i"),
            *[
                event(
                    f"payment_account.amount_{step}",
                    day,
                    id="o",
                    order_id="o",
                    transactions=[{"id": "x", "amount": amount, "currency": "EUR", "correlation_id": correlation}],
                )
                for step, day, amount, correlation in (
                    ("captured", 2, 10, None),
                    ("refunded", 3, 4, "r1"),
                    ("refunded", 4, 6, "r2"),
                    ("refunded", 6, 7, "r2"),
                )
            ],
            event("payment_account.amount_captured", 5, id="early", transactions=[]),
        ],
        {
            # No payment changes a status. What one id does for several returns is as many transactions, what is said of
            # one of them again is a correction.
            "select order_id, status from marts.fct_orders where tenant = $tenant": [
                ("early", "unknown"),
                ("o", "opened"),
            ],
            "select transaction_type, transaction_id, amount, correlation_id from marts.fct_payment_transactions "
            "where tenant = $tenant": [
                ("captured", "x", 10, None),
                ("refunded", "x", 4, "r1"),
                ("refunded", "x", 7, "r2"),
            ],
            "select captured, refunded from marts.fct_payment_accounts where tenant = $tenant": [(10, 11)],
            "select captured, refunded from trust.order_reconciliation where tenant = $tenant": [(10, 11)],
        },
    ),
    "one id with two correlations in one event": (
        [
            event(
                "payment_account.amount_refunded",
                2,
                id="o",
                transactions=[
                    {"id": "x", "amount": amount, "currency": "EUR", "correlation_id": correlation}
                    for amount, correlation in ((1, "r1"), (2, "r2"), (4, "r2"))
                ],
            ),
        ],
        {
            "select amount, correlation_id from marts.fct_payment_transactions where tenant = $tenant": [
                (1, "r1"),
                (2, "r2"),
            ],
        },
    ),
    "a payment that is corrected to another order": (
        [
            opened("o2", "i"),
            # Money of each kind was booked on o1 and belongs to o2; a second capture stays where it is.
            *[
                event(
                    f"payment_account.amount_{step}",
                    day,
                    id="a",
                    order_id=order_id,
                    transactions=[{"id": step, "amount": 10, "currency": "EUR"}],
                )
                for order_id, day in (("o1", 3), ("o2", 4))
                for step in ("authorized", "captured", "refunded", "voided")
            ],
            event(
                "payment_account.amount_captured",
                5,
                id="a",
                order_id="o3",
                transactions=[{"id": "other", "amount": 3, "currency": "EUR"}],
            ),
            # An account without money is an order's as well, and can be corrected.
            *[
                event("payment_account.amount_authorized", day, id="b", order_id=order_id, transactions=[])
                for order_id, day in (("b1", 3), ("b2", 4))
            ],
        ],
        {
            "select distinct payment_account_id, order_id from marts.fct_payment_transactions where tenant = $tenant": [
                ("a", "o2"),
                ("a", "o3"),
            ],
            "select order_id, authorized, captured, refunded, voided from marts.fct_payment_accounts "
            "where tenant = $tenant": [("o2", 10, 10, 10, 10), ("o3", 0, 3, 0, 0)],
            "select order_id, has_header from marts.fct_orders where tenant = $tenant": [
                ("b2", False),
                ("o2", True),
                ("o3", False),
            ],
            "select order_id, authorized, captured, refunded from trust.order_reconciliation where tenant = $tenant": [
                ("o2", 10, 10, 10),
                ("o3", 0, 3, 0),
            ],
            "select parent, parent_id, event_name, events from trust.missing_parents where tenant = $tenant": [
                ("order", "b2", "payment_account.amount_authorized", 1),
                ("order", "o3", "payment_account.amount_captured", 1),
            ],
        },
    ),
    "what is corrected to another customer or account waits for that one": (
        [
            *[
                one
                for number, day in ((1, 3), (2, 4))
                for one in (
                    opened("o", "i", customer_id=f"buyer{number}", day=day),
                    event("return.processed", day, id="r", order_id="o", customer_id=f"sender{number}", items=[]),
                    event("customer.address_created", day, id="adr", customer_id=f"lodger{number}"),
                    event("refund_request.issued", day, id="q", order_id="o", payment_account_id=f"account{number}"),
                )
            ],
            # Known only to the variants that lost: nobody waits for them, and nobody has waited.
            event("customer.created", 2, id="sender1"),
        ],
        {
            "select parent, parent_id, event_name, events from trust.missing_parents where tenant = $tenant": [
                ("customer", "buyer2", "order.opened", 1),
                ("customer", "lodger2", "customer.address_created", 1),
                ("customer", "sender2", "return.processed", 1),
                ("payment_account", "account2", "refund_request.issued", 1),
            ],
        },
    ),
    "what moves while it is counted": (
        [
            *[
                event(
                    "inventory_transaction.items_received",
                    day,
                    id=f"t{day}",
                    fulfillment_location_id="L",
                    processed_at=f"2024-01-{day:02}T12:00:00Z",
                    items=[{"product_id": "p", "quantity": quantity}],
                )
                for day, quantity in ((1, 1), (3, 10), (5, 100))
            ],
            event(
                "inventory_count.items_counted",
                4,
                id="c",
                fulfillment_location_id="L",
                started_at="2024-01-02T12:00:00Z",
                completed_at="2024-01-04T12:00:00Z",
                items=[{"product_id": "p", "count": 7, "stock_on_hand": 11}],
            ),
        ],
        {
            "select last_counted_quantity, movements_since_count, on_hand from marts.fct_inventory_on_hand "
            "where tenant = $tenant": [(7, 100, 107)],
        },
    ),
    "a time without a zone is utc": (
        [
            event("return.processed", 9, id="r", order_id="o", returned_at="2024-01-03T10:00:00", items=[]),
            opened("o", placed_at="2024-01-02T23:30:00"),
        ],
        {
            "select strftime(placed_at, '%H:%M') from marts.fct_orders where tenant = $tenant": [("23:30",)],
            "select date, orders, returns from marts.daily_sales where tenant = $tenant": [
                (date(2024, 1, 2), 1, 0),
                (date(2024, 1, 3), 0, 1),
            ],
        },
    ),
}


def arrangements(events: list[Envelope], chance: random.Random) -> list[list[tuple[int, Envelope]]]:
    """Several orders of the events, each event with the refresh before which it comes."""
    orders = [events, events[::-1]]
    orders += [chance.sample(events, len(events)) for _ in range(ORDERS - len(orders))]
    found = [[(0, event) for event in events]]
    for order in orders:
        parts = sorted(chance.randrange(REFRESHES) for _ in order)
        found.append(list(zip(parts, order, strict=True)))
        # One event a refresh as far as they reach, the rest with the last.
        found.append([(min(place, REFRESHES - 1), event) for place, event in enumerate(order)])
    return found


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]:
    """A connection to the home in which all cases were played, and each of its tenants with the case it plays."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - a failure must be repeatable
    chance = random.Random(seed)
    settings = Settings(home=tmp_path_factory.mktemp("winners"), memory=10**9)
    parts: list[list[Envelope]] = [[] for _ in range(REFRESHES)]
    tenants = dict[str, str]()
    for name, (events, _) in CASE.items():
        for number, arrangement in enumerate(arrangements(events, chance)):
            tenant = f"{name} {number}"
            tenants[tenant] = name
            for part, one in arrangement:
                parts[part].append({**one, "tenant": tenant})
    for deliveries in parts:
        deliver(settings, deliveries)
        refresh(settings)
    with warehouse.connect(settings.home) as con:
        yield con, tenants


@pytest.mark.parametrize("case", CASE)
def test_a_case_shows_the_same_in_every_order_and_split(
    homes: tuple[duckdb.DuckDBPyConnection, dict[str, str]], case: str
) -> None:
    con, tenants = homes
    for query, expected in CASE[case][1].items():
        for tenant in [tenant for tenant, name in tenants.items() if name == case]:
            rows = con.execute(f"{query} order by all", {"tenant": tenant}).fetchall()
            assert rows == expected, (tenant, query)
