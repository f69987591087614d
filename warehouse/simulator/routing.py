"""How an order's units find a place: split, rejected, sent elsewhere, held, swapped, cancelled.

Every unit ends fulfilled or cancelled, and the order ends with its last unit.
"""

from collections.abc import Sequence
from dataclasses import replace

from warehouse.simulator import clock
from warehouse.simulator.accounts import void_rest
from warehouse.simulator.clock import HOUR, MINUTE, STEP
from warehouse.simulator.fulfilment import Request, assign, charge, hand_over, invoice, make_ready, reject
from warehouse.simulator.order_steps import cancel, cancel_units, complete, hold, swap
from warehouse.simulator.orders import Order, Unit
from warehouse.simulator.places import CENTRE, STORES, Place
from warehouse.simulator.world import Course, World


def route(world: World, order: Order, units: Sequence[Unit], besides: Sequence[Place] = ()) -> None:
    """Ask places other than `besides` for the units; those nobody has are put on hold."""
    chance = world.chance
    stores = [store for store in STORES if store.market is order.market]
    chance.shuffle(stores)
    places = [CENTRE, *stores] if chance.happens(0.7) else [*stores, CENTRE]
    shares: dict[Place, list[Unit]] = {}
    nowhere = []
    for unit in units:
        place = world.stockroom.place_with(unit.product, places, besides)
        # What the system knows and what lies on the shelf are not always the same.
        if chance.happens(0.01):
            place = None
        # Orders are split for reasons of their own now and then.
        if place is CENTRE and chance.happens(0.06):
            place = world.stockroom.place_with(unit.product, stores, besides) or place
        if place is None:
            nowhere.append(unit)
        else:
            world.stockroom.set_aside(place, unit.product)
            shares.setdefault(place, []).append(unit)
    for number, (place, share) in enumerate(shares.items()):
        world.begin(_fulfil(world, order, place, share, besides), world.now + STEP * (number + 1))
    if nowhere:
        world.begin(_resolve(world, order, nowhere), world.now + STEP * (len(shares) + 1))


def _fulfil(world: World, order: Order, place: Place, units: list[Unit], besides: Sequence[Place]) -> Course:
    chance, zone = world.chance, place.market.zone
    request = assign(world, order, place, units)
    if place.is_store:
        yield clock.at_work(world.now + chance.between(5 * MINUTE, 3 * HOUR), zone, chance)
        if chance.happens(0.12):
            rejected = list(units) if chance.happens(0.7) else [chance.pick(units)]
            reject(world, request, rejected)
            yield world.now + chance.between(MINUTE, 8 * MINUTE)
            route(world, order, rejected, (*besides, place))
            if not request.units:
                return
            yield clock.at_work(world.now + STEP, zone, chance)
        yield clock.at_work(world.now + chance.between(10 * MINUTE, 90 * MINUTE), zone, chance)
        make_ready(world, request)
        yield clock.at_work(world.now + chance.between(20 * MINUTE, 6 * HOUR), zone, chance)
    else:
        yield clock.at_work(world.now + chance.between(HOUR, 16 * HOUR), zone, chance)
    parts = [request.units]
    if len(request.units) > 1 and chance.happens(0.06):
        parts = [request.units[:1], request.units[1:]]
    for number, part in enumerate(parts):
        if number:
            yield clock.at_work(world.now + chance.between(HOUR, 6 * HOUR), zone, chance)
        yield from _ship(world, request, part)
    yield from _settle(world, order, len(request.units))


def _ship(world: World, request: Request, units: Sequence[Unit]) -> Course:
    order = request.order
    hand_over(world, request, units)
    yield world.now + STEP + world.chance.below(2000)
    amount = charge(world, order, units)
    yield world.now + STEP
    invoice(world, order, units, amount)
    yield world.now + STEP


def _resolve(world: World, order: Order, units: Sequence[Unit]) -> Course:
    chance = world.chance
    # Nobody is asked twice to decide on a unit.
    undecided = [unit for unit in units if not unit.was_held]
    if undecided:
        hold(world, order, undecided)
        for unit in undecided:
            unit.was_held = True
        yield world.now + chance.between(2 * HOUR, 40 * HOUR)
    fate = chance.random()
    if fate < 0.3:
        replacements = []
        for unit in units:
            replacements.append(_swapped(world, order, unit))
            yield world.now + STEP
        route(world, order, replacements)
    elif fate < 0.55 and undecided:
        route(world, order, units)
    else:
        cancel_units(world, order, units, "insufficient_stock" if chance.happens(0.8) else None)
        yield world.now + STEP
        yield from _settle(world, order, len(units))


def _swapped(world: World, order: Order, unit: Unit) -> Unit:
    order.bits_used += 1
    product = world.catalogue.instead_of(unit.product, world.chance)
    new = replace(
        unit, bit=1 << (order.bits_used - 1), id=world.chance.uuid(), product=product, place=None, was_held=False
    )
    swap(world, order, unit, new)
    return new


def _settle(world: World, order: Order, units: int) -> Course:
    order.waiting -= units
    if order.waiting:
        return
    sold = any(not unit.is_cancelled for unit in order.units)
    yield world.now + world.chance.between(1000, 5000)
    if sold:
        complete(world, order)
    elif world.chance.happens(0.5):
        cancel(world, order)
    if order.account.uncaptured:
        yield world.now + world.chance.between(1000, 60_000)
        void_rest(world, order.account)
    if sold:
        world.closed.append(order)
    order.body = {}
