"""The worst orders of arrival, by hand: what must come out is worked out here, and comes out for every order.

Each scenario is delivered to a tenant for each order of its events, spread over the same three refreshes in many ways.
"""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

import warehouse
from tests.dbt_project.conftest import Envelope, deliver
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

REFRESHES = 3
# All orders of up to four events, and of more every so manyth.
ORDERS = 24
MOMENT = "2026-03-01T12:00:00Z"


def event(name: str, published_at: str = MOMENT, **payload: Any) -> Envelope:
    return {"name": name, "published_at": published_at, "payload": payload}


def unit(item_id: str, product_id: str = "shoe", price: float = 10) -> dict[str, Any]:
    return {"id": item_id, "item_type": "product", "product_id": product_id, "pricebook_price": price}


def order(published_at: str = MOMENT, *, name: str = "order.created", **fields: Any) -> Envelope:
    defaults = {"currency": "EUR", "channel_type": "web", "channel": "shop", "placed_at": MOMENT, "items": [unit("a")]}
    return event(name, published_at, **{"id": "o1", **defaults, **fields})


def captured(transaction_id: str, amount: float, published_at: str = MOMENT) -> Envelope:
    transactions = [{"id": transaction_id, "amount": amount, "currency": "EUR", "created_at": published_at}]
    return event("payment_account.amount_captured", published_at, id="o1", transactions=transactions)


def address(step: str, published_at: str, **fields: Any) -> Envelope:
    return event(f"customer.address_{step}", published_at, id="adr", customer_id="ada", **fields)


def received(transaction_id: str, day: int, quantity: int) -> Envelope:
    return event(
        "inventory_transaction.items_received",
        "2026-03-20T12:00:00Z",
        id=transaction_id,
        fulfillment_location_id="PIER",
        processed_at=f"2026-03-{day:02}T12:00:00Z",
        items=[{"product_id": "shoe", "quantity": quantity}],
    )


def counted(count_id: str, day: int, found: int) -> Envelope:
    return event(
        "inventory_count.items_counted",
        "2026-03-20T12:00:00Z",
        id=count_id,
        fulfillment_location_id="PIER",
        completed_at=f"2026-03-{day:02}T18:00:00Z",
        items=[{"product_id": "shoe", "stock_on_hand": 0, "count": found}],
    )


SCENARIOS: dict[str, list[Envelope]] = {
    # Everything happened, and was published, in one moment.
    "equal": [
        order(created_at=MOMENT),
        order(name="order.opened", created_at=MOMENT, opened_at=MOMENT),
        event("order.completed", id="o1", completed_at=MOMENT),
        captured("t1", 4),
        captured("t2", 6),
        event("customer.created", id="ada", first_name="Ada", created_at=MOMENT),
        event("customer.updated", id="ada", first_name="Augusta", revision=2, updated_at=MOMENT),
        event("customer.updated", id="ada", first_name="Countess", revision=3, updated_at=MOMENT),
    ],
    # Three times the same documented key; the one published last wins, whatever is in it.
    "variants": [
        order("2026-03-01T12:00:00Z", grand_total=1),
        order("2026-03-01T12:00:02Z", grand_total=2, items=[unit("a"), unit("b")]),
        order("2026-03-01T12:00:01Z", grand_total=3, items=[unit("c")]),
    ],
    # A payment years before the order it pays for.
    "orphan": [captured("t1", 10, "2019-05-05T08:00:00Z"), order(grand_total=10)],
    "deleted": [
        address("deleted", "2026-03-01T10:00:00Z", deleted_at="2026-03-01T10:00:00Z"),
        address("created", "2026-03-01T09:00:00Z", city="Turin", created_at="2026-03-01T11:00:00Z"),
        address("updated", "2026-03-01T12:00:00Z", city="Milan", revision=2, updated_at="2026-03-01T12:00:00Z"),
    ],
    # As numbers 10 is after 9, as texts and by their times it is before.
    "revisions": [
        event("customer.created", "2026-03-01T01:00:00Z", id="ada", first_name="one"),
        event("customer.updated", "2026-03-01T02:00:00Z", id="ada", first_name="ten", revision="10"),
        event("customer.updated", "2026-03-01T03:00:00Z", id="ada", first_name="nine", revision="9"),
    ],
    # The order was placed on another day than what came first said.
    "moved": [
        order("2026-03-01T12:00:00Z", placed_at="2026-03-01T12:00:00Z"),
        order("2026-03-09T12:00:00Z", placed_at="2026-02-20T12:00:00Z"),
        event("order.items_cancelled", "2026-03-02T12:00:00Z", id="o1", items=[{"id": "a"}]),
    ],
    # The last of a product's units is swapped for one of another product.
    "swapped": [
        order(items=[unit("a", "shoe", 10), unit("b", "hat", 5)]),
        event(
            "order.items_swapped",
            "2026-03-02T12:00:00Z",
            id="o1",
            items=[{"id": "a", "new_item_id": "z", "new_product_id": "boot"}],
        ),
        event("order.items_cancelled", "2026-03-03T12:00:00Z", id="o1", items=[{"id": "z"}]),
    ],
    # The winner says that it is another customer's order: the first customer has none, and was never seen.
    "given": [
        order("2026-03-01T12:00:00Z", customer_id="ada"),
        order("2026-03-01T13:00:00Z", customer_id="bob"),
    ],
    # What was told to be received on the 2nd was received on the 5th: nothing is left of the first day.
    "corrected": [
        received("a", 2, 7),
        received("a", 5, 7),
        received("b", 3, 1),
        received("c", 8, 2),
        counted("d", 6, 4),
    ],
    # From the 2nd on there is more than a column holds; a count ends that.
    "beyond": [received("a", 1, 2**63 - 1), received("b", 2, 5), received("c", 3, -9), counted("d", 5, 4)],
}


def orders_of(events: Sequence[Envelope]) -> list[list[Envelope]]:
    """Orders of arrival, each event twice: at once, or the whole log once more at the end."""
    everything = list(itertools.islice(itertools.permutations(events), 5_000))
    chosen = everything[:: max(1, len(everything) // ORDERS)][:ORDERS]
    return [
        [*some, *some] if number % 2 else [one for one in some for _ in range(2)] for number, some in enumerate(chosen)
    ]


def part_of(arrival: Sequence[Envelope], number: int, part: int) -> Sequence[Envelope]:
    """What of it comes before one of the refreshes: by turns a third, or nothing before one or two of them."""
    ways = [(0.0, 1 / 3, 2 / 3, 1.0), (0.0, 0.0, 1.0, 1.0), (0.0, 0.5, 0.5, 1.0), (0.0, 0.0, 0.5, 1.0)]
    ends = ways[number // 2 % len(ways)]
    return arrival[round(ends[part] * len(arrival)) : round(ends[part + 1] * len(arrival))]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a tenant for each order of arrival of each scenario, after three refreshes."""
    settings = Settings(home=tmp_path_factory.mktemp("adversarial"), memory=10**9)
    for part in range(REFRESHES):
        for scenario, events in SCENARIOS.items():
            for number, arrival in enumerate(orders_of(events)):
                deliveries = [{"tenant": f"{scenario}-{number}", **one} for one in part_of(arrival, number, part)]
                if deliveries:
                    deliver(settings, deliveries)
        refresh(settings)
    return settings


@pytest.fixture(scope="module")
def con(settings: Settings) -> duckdb.DuckDBPyConnection:
    return warehouse.connect(settings.home)


def rows_of(con: duckdb.DuckDBPyConnection, scenario: str, mart: str, columns: str) -> list[tuple[Any, ...]]:
    """The rows that every tenant of the scenario has; it is an error when they have not all the same."""
    query = f"select tenant, list(({columns}) order by ({columns})) from lake.{mart} group by tenant"
    found = {tenant: rows for tenant, rows in con.execute(query).fetchall() if tenant.startswith(f"{scenario}-")}
    expected = len(orders_of(SCENARIOS[scenario]))
    assert len(found) in (0, expected), f"{expected - len(found)} of {expected} orders give no row at all"
    different = {tenant: rows for tenant, rows in found.items() if rows != next(iter(found.values()))}
    assert not different, f"{next(iter(found.items()))} but {different}"
    return next(iter(found.values()), [])


def test_with_equal_times_the_lifecycle_and_the_revision_decide(con: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(con, "equal", "marts.fct_orders", "order_id, status, item_count") == [("o1", "completed", 1)]
    accounts = rows_of(con, "equal", "marts.fct_payment_accounts", "captured, net_captured")
    assert accounts == [(Decimal(10), Decimal(10))]
    assert rows_of(con, "equal", "marts.dim_customers", "first_name, revision") == [("Countess", 3)]
    history = rows_of(con, "equal", "marts.dim_customer_history", "first_name, is_current")
    assert [name for name, is_current in history if is_current] == ["Countess"]


def test_of_conflicting_variants_the_one_published_last_wins_and_the_conflict_is_listed(
    con: duckdb.DuckDBPyConnection,
) -> None:
    assert rows_of(con, "variants", "marts.fct_orders", "grand_total, item_count") == [(Decimal(2), 2)]
    assert rows_of(con, "variants", "marts.fct_order_items", "item_id, status") == [("a", "created"), ("b", "created")]
    conflicts = rows_of(con, "variants", "trust.event_conflicts", "event_name, key_source, variants")
    assert conflicts == [("order.created", "documented", 3)]


def test_a_child_that_came_years_before_its_parent_is_found_by_it(con: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(con, "orphan", "marts.fct_payment_transactions", "order_id, transaction_id") == [("o1", "t1")]
    balance = rows_of(con, "orphan", "trust.order_reconciliation", "order_id, ordered, captured")
    assert balance == [("o1", Decimal(10), Decimal(10))]
    assert rows_of(con, "orphan", "trust.missing_parents", "parent_id") == []


def test_an_address_deleted_before_it_was_created_stays_deleted(con: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of(con, "deleted", "marts.dim_customer_addresses", "address_id, city, is_deleted, deleted_at")
    assert rows == [("adr", "Milan", True, datetime(2026, 3, 1, 10, tzinfo=UTC))]


def test_revision_10_is_after_9_whenever_they_come(con: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(con, "revisions", "marts.dim_customers", "first_name, revision") == [("ten", 10)]
    history = rows_of(con, "revisions", "marts.dim_customer_history", "revision, first_name, is_current")
    assert history == [(0, "one", False), (9, "nine", False), (10, "ten", True)]


def test_a_late_event_moves_an_order_to_the_day_it_was_placed_on(con: duckdb.DuckDBPyConnection) -> None:
    rows = rows_of(con, "moved", "marts.daily_sales", "date, orders, units, cancelled_units, gross_sales")
    # No row is left of the first of March, on which the order was thought to be placed.
    assert rows == [(date(2026, 2, 20), 1, 1, 0, Decimal(10)), (date(2026, 3, 2), 0, 0, 1, Decimal(0))]


def test_a_swap_takes_the_old_product_out_of_what_was_sold(con: duckdb.DuckDBPyConnection) -> None:
    items = rows_of(con, "swapped", "marts.fct_order_items", "item_id, product_id, swapped_to_item_id, status")
    assert [(item, product, swapped) for item, product, swapped, _ in items] == [
        ("a", "shoe", "z"),
        ("b", "hat", None),
        ("z", "boot", None),
    ]
    rows = rows_of(con, "swapped", "marts.daily_sales", "date, units, cancelled_units, gross_sales")
    assert rows == [(date(2026, 3, 1), 2, 0, Decimal(15)), (date(2026, 3, 3), 0, 1, Decimal(0))]


def test_an_order_that_was_another_customers_leaves_nothing_with_the_first(con: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(con, "given", "marts.dim_customers", "customer_id, order_count") == [("bob", 1)]
    assert rows_of(con, "given", "marts.fct_orders", "order_id, customer_id") == [("o1", "bob")]


def test_a_correction_moves_stock_to_another_day(con: duckdb.DuckDBPyConnection) -> None:
    days = rows_of(con, "corrected", "marts.daily_inventory", "date, opening, received, counted_variance, closing")
    assert days == [
        (date(2026, 3, 3), 0, 1, 0, 1),
        (date(2026, 3, 5), 1, 7, 0, 8),
        (date(2026, 3, 6), 8, 0, -4, 4),
        (date(2026, 3, 8), 4, 2, 0, 6),
    ]


def test_a_stock_beyond_all_columns_is_unknown_until_it_is_counted(con: duckdb.DuckDBPyConnection) -> None:
    days = rows_of(con, "beyond", "marts.daily_inventory", "date, opening, received, counted_variance, closing")
    assert days == [
        (date(2026, 3, 1), 0, 2**63 - 1, 0, 2**63 - 1),
        (date(2026, 3, 2), 2**63 - 1, 5, None, None),
        (date(2026, 3, 3), None, -9, None, None),
        (date(2026, 3, 5), None, 0, None, 4),
    ]


def test_a_replay_of_the_whole_log_changes_no_fact(settings: Settings) -> None:
    def everything() -> dict[str, list[tuple[Any, ...]]]:
        with warehouse.connect(settings.home) as con:
            marts = con.execute(
                "select table_name from duckdb_tables() where database_name = 'lake' and schema_name = 'marts'"
            ).fetchall()
            return {mart: con.execute(f"from lake.marts.{mart} order by all").fetchall() for (mart,) in marts}

    before = everything()
    with warehouse.connect(settings.home) as con:
        bodies = con.execute("select body from lake.log.events order by hash(body), journal, position").fetchall()
    deliver(settings, [json.loads(body) for (body,) in bodies])
    refresh(settings)
    assert everything() == before
    assert before["fct_orders"]
