"""What a refresh remembers of earlier ones: who still waits for a parent, and which months a customer ordered in.

All goes into one home over four refreshes; each scenario is a tenant. After each refresh the tables are looked at, and
in the end they are what a full build of the same log gives.
"""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import warehouse
from tests.dbt_project.conftest import Envelope, deliver
from warehouse.build.compiled_project import load_plan
from warehouse.build.model import Run
from warehouse.build.scheduler import build
from warehouse.build.session import attach_build, log_position, open_session
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

REFRESHES = 4

Rows = list[tuple[Any, ...]]


def event(name: str, day: int, **payload: Any) -> Envelope:
    return {"name": name, "published_at": f"2026-03-{day:02}T12:00:00Z", "payload": payload}


def order(order_id: str, month: int, price: float = 10, step: str = "created", **fields: Any) -> Envelope:
    item = {"id": f"{order_id}-1", "item_type": "product", "product_id": "shoe", "pricebook_price": price}
    placed = {"placed_at": f"2026-{month:02}-10T09:00:00Z", "currency": "EUR", "items": [item]}
    return event(f"order.{step}", 20, id=order_id, **{**placed, **fields})


def invoice(order_id: str, day: int, number: int = 1) -> Envelope:
    return event("invoice.created", day, id=f"{order_id}-{number}", order_id=order_id)


def refund(account_id: str, day: int) -> Envelope:
    return event("refund_request.issued", day, id=f"r-{account_id}", order_id="o", payment_account_id=account_id)


CREATED = event("order.created", 1, id="o", items=[])

# What comes before each refresh, by scenario, and what then waits: (parent, its id, events, day of the first).
WAITING: dict[str, list[tuple[list[Envelope], list[tuple[str, str, int, int]]]]] = {
    "over three": [
        ([invoice("o", 3)], [("order", "o", 1, 3)]),
        ([invoice("o", 2, 2)], [("order", "o", 2, 2)]),
        ([invoice("o", 4, 3)], [("order", "o", 3, 2)]),
        ([CREATED], []),
    ],
    "one refresh": [
        ([invoice("o", 3), CREATED], []),
        ([event("order.opened", 1, id="p", items=[]), invoice("p", 3)], []),
        ([invoice("q", 3)], [("order", "q", 1, 3)]),
        ([invoice("q", 2, 2), event("order.opened", 5, id="q", items=[]), invoice("q", 1, 3)], []),
    ],
    "after its parent": [
        ([CREATED, event("customer.updated", 1, id="c", revision=2)], []),
        ([invoice("o", 3), event("customer.address_created", 3, id="a", customer_id="c")], []),
        ([event("payment_account.amount_captured", 3, id="o", transactions=[])], []),
        ([refund("o", 4)], []),
    ],
    # A repetition that was published earlier takes the row's place, whether it waits or has stopped to.
    "repeated": [
        ([invoice("o", 9), invoice("p", 9)], [("order", "o", 1, 9), ("order", "p", 1, 9)]),
        ([invoice("o", 7), {**CREATED, "payload": {"id": "p", "items": []}}], [("order", "o", 1, 7)]),
        ([invoice("o", 8), invoice("p", 6)], [("order", "o", 1, 7)]),
        ([invoice("o", 5), CREATED], []),
    ],
    # No step of an order but its first two is its header; parents of another kind and tenant have the same id.
    "one id": [
        ([refund("o", 3)], [("order", "o", 1, 3), ("payment_account", "o", 1, 3)]),
        (
            [event("order.completed", 4, id="o"), event("customer.created", 4, id="o")],
            [("order", "o", 1, 3), ("order", "o", 1, 4), ("payment_account", "o", 1, 3)],
        ),
        (
            [event("payment_account.amount_authorized", 5, id="o", transactions=[])],
            [("order", "o", 1, 3), ("order", "o", 1, 4), ("order", "o", 1, 5)],
        ),
        ([CREATED], []),
    ],
    # One return waits for two, which come one after the other.
    "two parents": [
        (
            [event("return.processed", 6, id="r", order_id="o", customer_id="c", items=[])],
            [("customer", "c", 1, 6), ("order", "o", 1, 6)],
        ),
        ([CREATED], [("customer", "c", 1, 6)]),
        ([], [("customer", "c", 1, 6)]),
        ([event("customer.created", 7, id="c")], []),
    ],
}

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))

# As above: (month of the cohort, months since, currency, customers, active customers, net sales).
COHORTS: dict[str, list[tuple[list[Envelope], Rows]]] = {
    "an older order is late": [
        ([order("b", 3, customer_id="ada")], [(MARCH, 0, "EUR", 1, 1, 10)]),
        ([order("c", 3, 5, customer_id="bea")], [(MARCH, 0, "EUR", 2, 2, 15)]),
        (
            [order("a", 1, 7, customer_id="ada")],
            [(JANUARY, 0, "EUR", 1, 1, 7), (JANUARY, 2, "EUR", 1, 1, 10), (MARCH, 0, "EUR", 1, 1, 5)],
        ),
        (
            [order("d", 2, 2, customer_id="bea")],
            [
                (JANUARY, 0, "EUR", 1, 1, 7),
                (JANUARY, 2, "EUR", 1, 1, 10),
                (FEBRUARY, 0, "EUR", 1, 1, 2),
                (FEBRUARY, 1, "EUR", 1, 1, 5),
            ],
        ),
    ],
    "two currencies in the first month": [
        ([order("a", 1, customer_id="ada")], [(JANUARY, 0, "EUR", 1, 1, 10)]),
        (
            [order("b", 1, 4, customer_id="ada", currency="CHF")],
            [(JANUARY, 0, "CHF", 1, 1, 4), (JANUARY, 0, "EUR", 1, 1, 10)],
        ),
        (
            [order("c", 1, 1, customer_id="bea")],
            [(JANUARY, 0, "CHF", 2, 1, 4), (JANUARY, 0, "EUR", 2, 2, 11)],
        ),
        # Imported from another system: it tells when she came, and is no sale.
        (
            [order("d", 1, 50, customer_id="cleo", is_historical=True)],
            [(JANUARY, 0, "CHF", 3, 1, 4), (JANUARY, 0, "EUR", 3, 3, 11)],
        ),
    ],
    "a later header names another customer": [
        ([order("a", 1, customer_id="ada")], [(JANUARY, 0, "EUR", 1, 1, 10)]),
        ([order("b", 2, 3, customer_id="ada")], [(JANUARY, 0, "EUR", 1, 1, 10), (JANUARY, 1, "EUR", 1, 1, 3)]),
        (
            [order("a", 1, 10, "opened", customer_id="bea")],
            [(JANUARY, 0, "EUR", 1, 1, 10), (FEBRUARY, 0, "EUR", 1, 1, 3)],
        ),
        # And then nobody: ada has no order left.
        ([order("b", 2, 3, "opened")], [(JANUARY, 0, "EUR", 1, 1, 10)]),
    ],
    # Another variant of the header, a cancellation, which changes nothing, and the later header.
    "sales change later": [
        ([order("a", 1, customer_id="ada")], [(JANUARY, 0, "EUR", 1, 1, 10)]),
        (
            [{**order("a", 1, 8, customer_id="ada"), "published_at": "2026-03-21T12:00:00Z"}],
            [(JANUARY, 0, "EUR", 1, 1, 8)],
        ),
        ([event("order.cancelled", 22, id="a", items=[])], [(JANUARY, 0, "EUR", 1, 1, 8)]),
        ([order("a", 1, 6, "opened", customer_id="ada")], [(JANUARY, 0, "EUR", 1, 1, 6)]),
    ],
}

WAITS = """
select tenant, parent, parent_id, events, day(first_published_at)
from lake.trust.missing_parents
order by all
"""
COHORT_ROWS = """
select tenant, cohort_month, months_since, currency, customers, active_customers, net_sales
from lake.marts.customer_cohorts
order by all
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("remembered"), memory=10**9)


@pytest.fixture(scope="module")
def seen(settings: Settings) -> list[tuple[Rows, Rows]]:
    """What waits and the cohorts of all scenarios, after each refresh."""
    seen = list[tuple[Rows, Rows]]()
    for number in range(REFRESHES):
        for tenant, parts in {**WAITING, **COHORTS}.items():
            deliver(settings, [{**one, "tenant": tenant} for one in parts[number][0]])
        refresh(settings)
        seen.append(read(settings.home))
    return seen


def read(home: Path) -> tuple[Rows, Rows]:
    with warehouse.connect(home) as con:
        return con.execute(WAITS).fetchall(), con.execute(COHORT_ROWS).fetchall()


@pytest.mark.parametrize("number", range(REFRESHES))
@pytest.mark.parametrize("scenario", WAITING)
def test_what_waits_after_each_refresh(seen: list[tuple[Rows, Rows]], scenario: str, number: int) -> None:
    waits = [row[1:] for row in seen[number][0] if row[0] == scenario]
    assert waits == WAITING[scenario][number][1]


@pytest.mark.parametrize("number", range(REFRESHES))
@pytest.mark.parametrize("scenario", COHORTS)
def test_cohorts_after_each_refresh(seen: list[tuple[Rows, Rows]], scenario: str, number: int) -> None:
    cohorts = [row[1:] for row in seen[number][1] if row[0] == scenario]
    assert cohorts == [(*row[:-1], Decimal(row[-1])) for row in COHORTS[scenario][number][1]]


def test_a_full_build_gives_the_same(settings: Settings, seen: list[tuple[Rows, Rows]]) -> None:
    refresh(settings, full=True)
    assert read(settings.home) == seen[-1]


def test_a_parent_is_not_missed_when_models_are_built_apart(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", memory=10**9)
    parts = [[invoice("early", 2)], [event("order.created", 1, id="o", items=[])], [invoice("o", 3)]]
    for number, events in enumerate(parts):
        deliver(settings, [{**one, "tenant": "acme"} for one in events])
        if number == 0:
            refresh(settings)
        else:
            build_without_orders(settings)
    # The orders learn of the header only now, after what waits has been built beyond it twice.
    refresh(settings)
    waits, _ = read(settings.home)
    assert waits == [("acme", "order", "early", 1, 2)]


def build_without_orders(settings: Settings) -> None:
    """Build what waits and the staging models, as `dbt run --select` does, with int_orders where it was."""
    seal(settings)
    steps = load_plan(settings).steps
    chosen = {name: step for name, step in steps.items() if step.model.schema == "staging"}
    chosen["int_waiting_children"] = steps["int_waiting_children"]
    with open_session(settings) as session:
        attach_build(session, settings)
        build(session, chosen, Run("apart", log_position(session).batch))
