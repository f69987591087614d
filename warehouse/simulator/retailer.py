"""The retailer's days: how much happens on each, and when."""

from typing import Final

from warehouse.simulator import clock
from warehouse.simulator.chance import Weighted
from warehouse.simulator.clock import DAY
from warehouse.simulator.places import GERMANY, PLACES, STORES, UNITED_STATES
from warehouse.simulator.selling import historical_order, tablet_order, till_order, web_order
from warehouse.simulator.world import Course, World

# The world is older than the stream: orders and customers of these days are known only by what becomes of them.
DAYS_BEFORE: Final = 3
EVENTS_PER_ORDER: Final = 9.0
REGULARS: Final = 300

_STORE: Final = Weighted([store.share for store in STORES])


def open_retailer(world: World, orders_per_day: float) -> None:
    """Begin all that goes on from day to day."""
    begin = world.start - DAYS_BEFORE * DAY
    world.people.fill(REGULARS, begin)
    for place in PLACES:
        for product in world.catalogue.products:
            world.stockroom.change(place, product, 2000 if place.is_store else 100_000)
    world.begin(_days(world, orders_per_day), begin)


def _days(world: World, orders_per_day: float) -> Course:
    while True:
        _sell(world, orders_per_day * clock.season(world.now))
        yield world.now + DAY


def _sell(world: World, orders: float) -> None:
    chance, day = world.chance, world.now
    for _ in range(chance.count_around(orders * 0.56)):
        market = GERMANY if chance.happens(0.25) else UNITED_STATES
        world.begin(web_order(world, market), clock.web_moment(day, market.zone, chance))
    for _ in range(chance.count_around(orders * 0.43)):
        store = STORES[_STORE.pick(chance)]
        course = tablet_order if chance.happens(0.08) else till_order
        world.begin(course(world, store), clock.store_moment(day, store.market.zone, chance))
    for _ in range(chance.count_around(orders * 0.01)):
        world.begin(historical_order(world, UNITED_STATES), day + chance.below(DAY))
