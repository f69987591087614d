"""The scenarios of the other files, delivered in other orders, repeated, and spread over refreshes: the same facts.

All go into one home. A scenario that came as it is written, at once, is a tenant, and so is each other way it came.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

import warehouse
from tests.dbt_project import (
    test_customers,
    test_dailies,
    test_fulfillment,
    test_inventory,
    test_order_lines,
    test_orders,
    test_payments,
    test_returns,
)
from tests.dbt_project.conftest import Envelope, deliver
from tests.dbt_project.scenarios import event
from tests.properties.cases import Digest, digests
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

SCENARIOS: Mapping[str, Sequence[Envelope]] = {
    "customers": test_customers.EVENTS,
    "dailies": test_dailies.EVENTS,
    "fulfillment": test_fulfillment.EVENTS,
    "inventory": test_inventory.EVENTS,
    "order lines": test_order_lines.EVENTS,
    "orders": test_orders.EVENTS,
    "payments": test_payments.EVENTS,
    "returns": test_returns.EVENTS,
}


class Way(NamedTuple):
    """The deliveries of a scenario in some order, and over how many refreshes they are spread."""

    scenario: str
    name: str
    deliveries: Sequence[Envelope]
    refreshes: int = 3

    @property
    def tenant(self) -> str:
        return f"{self.scenario}, {self.name}"

    def part(self, number: int) -> list[Envelope]:
        """What comes before the refresh of this number."""
        start, end = (len(self.deliveries) * each // self.refreshes for each in (number, number + 1))
        return [{**one, "tenant": self.tenant} for one in self.deliveries[start:end]]


def ways_of(scenario: str, events: Sequence[Envelope]) -> list[Way]:
    # Neighbours come in different refreshes, so that one builds what the next has to mend, and backwards the reverse.
    by_thirds = [*events[::3], *events[1::3], *events[2::3]]
    ways = [
        Way(scenario, "backwards and half of it twice", [*events[::-1], *events[::2]]),
        Way(scenario, "every second and then all backwards", [*events[::2], *events[::-1]]),
        Way(scenario, "by thirds", by_thirds),
        Way(scenario, "by thirds backwards", [*by_thirds[::-1], *events[:9]]),
        Way(scenario, "backwards in four parts", [*events[::-1], *events[::2]], 4),
    ]
    if scenario == "payments":
        # A replay sends the invoice again, later and with its fields in another order.
        again = event("invoice.created", 20, **dict(reversed(test_payments.INVOICE.items())))
        ways.append(Way(scenario, "the invoice again", [again, *events[::-1], *events]))
    return ways


AS_WRITTEN = {scenario: Way(scenario, "as written", events, 1) for scenario, events in SCENARIOS.items()}
OTHER_WAYS = [way for scenario, events in SCENARIOS.items() for way in ways_of(scenario, events)]

Digests = dict[str, dict[str | None, Digest]]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a tenant for each way of each scenario, after as many refreshes as the longest of them takes."""
    settings = Settings(home=tmp_path_factory.mktemp("arrival"), memory=10**9)
    ways = [*AS_WRITTEN.values(), *OTHER_WAYS]
    for number in range(max(way.refreshes for way in ways)):
        deliver(settings, [one for way in ways if number < way.refreshes for one in way.part(number)])
        refresh(settings)
    return settings


@pytest.fixture(scope="module")
def marts(settings: Settings) -> Digests:
    return digests(settings)


@pytest.mark.parametrize("way", OTHER_WAYS, ids=lambda way: way.tenant)
def test_facts_do_not_depend_on_the_order_of_arrival(marts: Digests, settings: Settings, way: Way) -> None:
    written = AS_WRITTEN[way.scenario].tenant
    assert marts["marts.fct_orders"].keys() | marts["marts.dim_customers"].keys() >= {way.tenant, written}
    differing = [mart for mart, by_tenant in marts.items() if by_tenant.get(way.tenant) != by_tenant.get(written)]
    for mart in differing:
        assert rows(settings, mart, way.tenant) == rows(settings, mart, written), mart
    assert differing == []


def rows(settings: Settings, mart: str, tenant: str) -> list[tuple[Any, ...]]:
    query = f"select * exclude (tenant) from lake.{mart} where tenant = ? order by all"
    with warehouse.connect(settings.home) as con:
        return con.execute(query, [tenant]).fetchall()
