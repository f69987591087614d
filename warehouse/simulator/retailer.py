"""The retailer's days: how much happens on each, and when."""

from typing import Final

from warehouse.simulator import clock
from warehouse.simulator.chance import Weighted
from warehouse.simulator.clock import DAY, HOUR, STEP
from warehouse.simulator.customers import edit_addresses, edit_customer, register
from warehouse.simulator.former import historical_order
from warehouse.simulator.places import CENTRE, GERMANY, MARKETS, PLACES, STORES, UNITED_STATES, Place
from warehouse.simulator.returning import after_sale, blind_return
from warehouse.simulator.selling import tablet_order, till_order, web_order
from warehouse.simulator.staff import change, fill_stores, hire
from warehouse.simulator.stocktaking import adjust, count
from warehouse.simulator.supply import help_out, open_stock, supply_centre, supply_store
from warehouse.simulator.world import Course, World

# The world is older than the stream: orders and customers of these days are known only by what becomes of them.
DAYS_BEFORE: Final = 1
# Customers from before, for each order of a day, and the share of them the stream begins by telling of.
REGULARS_PER_ORDER: Final = 5
INTRODUCED_SHARE: Final = 0.85
# How many lines are counted in a night.
COUNTED_IN_STORE: Final = 25
COUNTED_IN_CENTRE: Final = 40

_STORE: Final = Weighted([store.share for store in STORES])


def open_retailer(world: World, orders_per_day: float) -> None:
    """Begin all that goes on from day to day."""
    begin = world.now = world.start - DAYS_BEFORE * DAY
    world.people.fill(max(20, round(orders_per_day * REGULARS_PER_ORDER)), begin)
    for number, customer in enumerate(world.people.customers):
        if world.chance.happens(INTRODUCED_SHARE):
            world.begin(register(world, customer, None), world.start + number * STEP)
    fill_stores(world)
    for place in PLACES:
        for product in world.catalogue.products:
            target = _target(orders_per_day, place, world.catalogue.demand(product))
            world.stockroom.open_shelf(place, product, target)
        world.begin(open_stock(world, place), world.start)
    world.begin(_days(world, orders_per_day), begin)


def _target(orders_per_day: float, place: Place, demand: float) -> int:
    """Units a place wants to have: what it sells in three weeks, the centre what all need in a month."""
    if place is CENTRE:
        return max(10, round(orders_per_day * 2.5 * 30 * demand))
    return max(3, round(orders_per_day * (0.65 * place.share + 0.06) * 21 * demand))


def _days(world: World, orders_per_day: float) -> Course:
    while True:
        day = (world.now - world.start) // DAY
        orders = orders_per_day * clock.season(world.now)
        _sell(world, orders)
        _look_after(world, orders)
        _manage_stock(world, orders, day)
        _manage_staff(world, day)
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
        world.begin(historical_order(world, chance.pick(MARKETS)), day + chance.below(DAY))


def _look_after(world: World, orders: float) -> None:
    chance, day = world.chance, world.now
    closed, world.closed = world.closed, []
    for order in closed:
        after_sale(world, order)
    for _ in range(chance.count_around(orders * 0.005)):
        store = STORES[_STORE.pick(chance)]
        world.begin(blind_return(world, store), clock.store_moment(day, store.market.zone, chance))
    for _ in range(chance.count_around(orders * 0.07)):
        world.begin(edit_customer(world), day + chance.below(DAY))
    for _ in range(chance.count_around(orders * 0.08)):
        world.begin(edit_addresses(world), day + chance.below(DAY))


def _manage_stock(world: World, orders: float, day: int) -> None:
    chance = world.chance
    if day % 5 == 0:
        world.begin(supply_centre(world), world.now + 15 * HOUR)
    for store in STORES:
        morning = clock.at_work(world.now + 3 * HOUR, store.market.zone, chance)
        if (day + store.index) % 3 == 0:
            world.begin(supply_store(world, store), morning)
        if store.market is UNITED_STATES and chance.happens(min(1.0, 0.08 + orders * 0.001)):
            world.begin(help_out(world, store), morning + HOUR)
    for place in PLACES:
        for _ in range(chance.count_around(0.1 + orders * 0.002)):
            world.begin(adjust(world, place), clock.store_moment(world.now, place.market.zone, chance))
        if day > 0 and chance.happens(min(1.0, 0.12 + orders * 0.001)):
            lines = COUNTED_IN_STORE if place.is_store else COUNTED_IN_CENTRE
            products = [world.catalogue.products[index] for index in _shelf(world, lines)]
            world.begin(count(world, place, products), clock.at_night(world.now, place.market.zone, chance))


def _shelf(world: World, lines: int) -> range:
    """Products that lie side by side."""
    products = len(world.catalogue.products)
    first = world.chance.below(max(1, products - lines + 1))
    return range(first, min(products, first + lines))


def _manage_staff(world: World, day: int) -> None:
    chance = world.chance
    for _ in range(1 if day == 0 else chance.count_around(0.15)):
        world.begin(hire(world, chance.pick(STORES)), world.now + chance.below(DAY))
    for _ in range(1 if day == 1 else chance.count_around(0.3)):
        world.begin(change(world, chance.pick(STORES)), world.now + chance.below(DAY))
