"""How orders come about: from home, at the till, from a store's tablet."""

from collections.abc import Sequence

from warehouse.simulator.accounts import authorize, void_rest
from warehouse.simulator.catalogue import Product
from warehouse.simulator.clock import MINUTE, SECOND, STEP
from warehouse.simulator.customers import register
from warehouse.simulator.fulfilment import assign, charge, hand_over, invoice
from warehouse.simulator.order_steps import cancel, cancel_units, complete, create, open_up
from warehouse.simulator.orders import Order, new_order
from warehouse.simulator.people import Customer
from warehouse.simulator.places import Market, Place
from warehouse.simulator.routing import route
from warehouse.simulator.world import Course, World

GRACE = 30 * MINUTE


def web_order(world: World, market: Market) -> Course:
    """An order from home: paid, kept open for changes, then routed."""
    customer = world.people.regular(market) if world.chance.happens(0.55) else None
    if customer is None and world.chance.happens(0.2):
        customer = world.people.guest(market, world.now)
    elif customer is None:
        customer = world.people.newcomer(market, world.now)
        yield from register(world, customer, None)
        yield world.now + STEP
    yield from _shipped_order(world, new_order(world, market, None, customer))


def tablet_order(world: World, store: Place) -> Course:
    """An order made in a store for what it does not have: shipped to the customer."""
    customer = world.people.regular(store.market)
    if customer is None:
        customer = world.people.newcomer(store.market, world.now)
        yield from register(world, customer, store)
        yield world.now + STEP
    yield from _shipped_order(world, new_order(world, store.market, store, customer))


def till_order(world: World, store: Place) -> Course:
    """An order taken away from the store at once, by somebody known or by nobody in particular."""
    products = _taken_from_shelf(world, store)
    if not products:
        return
    customer: Customer | None = None
    if world.chance.happens(0.4):
        customer = world.people.regular(store.market)
    elif world.chance.happens(0.08):
        customer = world.people.newcomer(store.market, world.now)
        yield from register(world, customer, store)
        yield world.now + STEP
    order = new_order(world, store.market, store, customer, takeaway=True, products=products)
    yield from take_away(world, order, order.grand_total)


def take_away(world: World, order: Order, to_pay: int) -> Course:
    """The steps at the till, its units in hand; only `to_pay` of the order is still to be paid."""
    chance, store = world.chance, order.store
    assert store is not None
    authorize(world, order.account, to_pay, in_store=True)
    yield world.now + STEP
    create(world, order)
    yield world.now + STEP + chance.below(SECOND)
    open_up(world, order)
    yield world.now + STEP + chance.below(SECOND)
    request = assign(world, order, store, order.units)
    yield world.now + STEP + chance.below(5 * SECOND)
    hand_over(world, request, order.units)
    yield world.now + STEP
    amount = charge(world, order, order.units)
    yield world.now + STEP
    invoice(world, order, order.units, amount)
    yield world.now + STEP + chance.below(2 * SECOND)
    complete(world, order)
    if order.exchanged is None:
        world.closed.append(order)
    order.body = {}


def _shipped_order(world: World, order: Order) -> Course:
    chance = world.chance
    authorize(world, order.account, order.grand_total, in_store=False)
    yield world.now + STEP + chance.below(3 * SECOND)
    create(world, order)
    opening = world.now + GRACE
    if chance.happens(0.02):
        yield world.now + chance.between(10 * SECOND, GRACE - MINUTE)
        yield from _cancel(world, order)
        return
    if len(order.units) > 1 and chance.happens(0.02):
        yield from _think_again(world, order)
    yield opening
    open_up(world, order)
    yield world.now + chance.between(20 * SECOND, 10 * MINUTE)
    if chance.happens(0.01):
        yield from _cancel(world, order)
        return
    wanted = [unit for unit in order.units if not unit.is_cancelled]
    order.waiting = len(wanted)
    route(world, order, wanted)


def _think_again(world: World, order: Order) -> Course:
    """The customer does without some units, and perhaps later without some more, but never without all."""
    chance, wanted = world.chance, order.units
    while len(wanted) > 1:
        yield world.now + chance.between(10 * SECOND, GRACE // 8)
        unwanted = chance.between(1, len(wanted) - 1)
        cancel_units(world, order, wanted[:unwanted], "customer_request")
        wanted = wanted[unwanted:]
        if chance.happens(0.6):
            return


def _cancel(world: World, order: Order) -> Course:
    cancel(world, order)
    yield world.now + STEP + world.chance.below(2 * SECOND)
    void_rest(world, order.account, "order_cancelled")


def _taken_from_shelf(world: World, store: Place) -> Sequence[Product]:
    chance = world.chance
    products: list[Product] = []
    for _ in range(chance.pick((1, 1, 1, 1, 2, 2, 3))):
        product = world.catalogue.wanted(chance)
        if world.stockroom.free(store, product) > 0:
            world.stockroom.set_aside(store, product)
            products.append(product)
    return products
