"""Scenarios delivered in many orders: a tenant for each, every event twice, spread over three refreshes."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import warehouse
from tests.dbt_project.conftest import Envelope, deliver
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

ORDERS = 10
REFRESHES = 3


def deliver_in_every_order(settings: Settings, scenarios: Mapping[str, Sequence[Envelope]], seed: int) -> None:
    """As they are written, backwards and shuffled; in some orders all of it comes before the last refresh."""
    chance = random.Random(seed)
    arrivals = dict[str, list[Envelope]]()
    for scenario, events in scenarios.items():
        for number in range(ORDERS):
            some = [*events] if number % 2 else [*reversed(events)]
            if number > 1:
                some = [*events, *events]
                chance.shuffle(some)
            arrivals[f"{scenario}-{number}"] = [{**one, "tenant": f"{scenario}-{number}"} for one in some]
    for part in range(REFRESHES):
        for number, arrival in enumerate(arrivals.values()):
            ends = [0, len(arrival) // 3, 2 * len(arrival) // 3, len(arrival)] if number % 3 else [0, 0, 0, len(arrival)]
            if ends[part] < ends[part + 1]:
                deliver(settings, arrival[ends[part] : ends[part + 1]])
        refresh(settings)


def rows_in_every_order(settings: Settings, scenario: str, mart: str, columns: str) -> list[tuple[Any, ...]]:
    """The rows, sorted, that every tenant of the scenario has; it is an error when they have not all the same."""
    with warehouse.connect(settings.home) as con:
        found = dict[str, list[tuple[Any, ...]]]({f"{scenario}-{number}": [] for number in range(ORDERS)})
        query = f"select tenant, {columns} from lake.{mart} order by all"
        for tenant, *row in con.execute(query).fetchall():
            if tenant in found:
                found[tenant].append(tuple(row))
    first = next(iter(found.values()))
    different = {tenant: rows for tenant, rows in found.items() if rows != first}
    assert not different, f"{first} but {different}"
    return first
