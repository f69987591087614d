"""A believable small retailer on NewStore: all 31 events of its stream, and the truth of what they add up to.

The same arguments give the same bytes. Nobody in it exists, and its addresses lead nowhere.
"""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final

from warehouse.errors import SettingsError
from warehouse.simulator import clock
from warehouse.simulator.clock import DAY
from warehouse.simulator.delivery import write_ndjson
from warehouse.simulator.retailer import open_retailer
from warehouse.simulator.simulation import Delivering, Simulation
from warehouse.simulator.truth import AccountTruth, OrderTruth, ReturnTruth, StockTruth, Truth
from warehouse.simulator.world import World

__all__ = [
    "AccountTruth",
    "OrderTruth",
    "ReturnTruth",
    "Simulation",
    "StockTruth",
    "Truth",
    "simulate",
    "write_ndjson",
]

START: Final = date(2024, 1, 1)
ORDERS_PER_DAY: Final = 60
# Events for one order, counted in a simulated half year; those of stock and staff are few and hardly depend on orders.
EVENTS_PER_ORDER: Final = {
    "order": 3.02,
    "fulfillment": 2.36,
    "payment": 2.23,
    "invoice": 1.06,
    "customer": 0.31,
    "address": 0.31,
    "return": 0.14,
    "refund": 0.14,
}
# Of stock and staff, a day.
EVENTS_BESIDE_ORDERS: Final = 14
DISORDER: Final = timedelta(seconds=20)


def simulate(  # noqa: PLR0913
    *,
    events: int | None = None,
    days: int | None = None,
    seed: int = 1,
    duplicates: float = 0.05,
    disorder: float | timedelta = DISORDER,
    late: float = 0.01,
    bad: float = 0.0,
    tenant: str = "demo",
    start: date = START,
    end: datetime | None = None,
    families: Collection[str] | None = None,
) -> Simulation:
    """Simulate deliveries of so many distinct events, or of so many days of a shop with 60 orders a day.

    With `events` the retailer is as large as it takes to tell them in `days`, or in a span that suits their number.
    `duplicates` is the number of further deliveries for each event, `late` the share of events that come hours to days
    late, `bad` the share of deliveries that are no events at all, `disorder` the mean lag of the others (seconds),
    `families` those of the contract to tell of.

    With `end` the days are those before that moment, whatever `start` says: nothing happens or is published after it,
    what would still be on its way then arrives at once, and `events` is about how many there are. Raises SettingsError.
    """
    _check(events, days, duplicates, late, bad)
    if not isinstance(disorder, timedelta):
        disorder = timedelta(seconds=disorder)
    if disorder < timedelta(0):
        raise SettingsError("disorder cannot be below zero.", "0 for deliveries in order")
    span = days or _days_for(events or 0)
    last = None if end is None else _moment(end)
    first = clock.start_of(start) if last is None else (last - span * DAY) // DAY * DAY
    orders_per_day = float(ORDERS_PER_DAY)
    if events is not None:
        of_orders = events if last is None else max(events / 5, events - span * EVENTS_BESIDE_ORDERS)
        orders_per_day = _orders_per_day(of_orders, first, span, families)
    until = last
    expected = events
    if last is not None:
        # Nobody says how many there will be when a moment ends them.
        events = None
    elif events is None:
        until = first + span * DAY

    colours = min(5, 1 + int(orders_per_day) // 15)

    def make_world() -> World:
        world = World(seed, first, events, families, colours)
        open_retailer(world, orders_per_day)
        return world

    return Simulation(seed, Delivering(tenant, duplicates, disorder, late, bad, last), make_world, until, expected)


def _moment(end: datetime) -> int:
    if end.tzinfo is None:
        raise SettingsError(f"{end.isoformat()} names no zone.", "an end with its zone, such as 2026-03-01T12:00:00Z")
    return int(end.timestamp() * clock.SECOND)


def _days_for(events: int) -> int:
    """Two weeks for a few events, a year for a million and more."""
    return min(365, max(14, int(events**0.5) // 3))


def _orders_per_day(events: float, first: int, days: int, families: Collection[str] | None) -> float:
    """Orders on a usual day of a retailer whose wanted events in these days are about so many."""
    per_order = sum(count for family, count in EVENTS_PER_ORDER.items() if families is None or family in families)
    usual_days = sum(clock.season(first + day * DAY) for day in range(days))
    return events / per_order / usual_days if per_order else 1.0


def _check(events: int | None, days: int | None, duplicates: float, late: float, bad: float) -> None:
    if events is None and days is None:
        raise SettingsError("a simulation needs an end.", "a number of events, or of days")
    for name, number in (("events", events), ("days", days)):
        if number is not None and number < 1:
            raise SettingsError(f"{name} is {number}, which is none at all.", f"{name} of 1 or more")
    if duplicates < 0:
        raise SettingsError("duplicates cannot be below zero.", "0.05 for one event in twenty")
    for name, share in (("late", late), ("bad", bad)):
        if not 0 <= share < 1:
            raise SettingsError(f"{name} is {share}, which is no share of the events.", "a number from 0 to below 1")
