"""What a former system left: orders of the years before, told long after they were placed, and some of their returns.

They are facts and no sales. Their goods and money moved where nobody listened: no stock and no account changes.
"""

from warehouse.simulator import clock
from warehouse.simulator.clock import DAY, STEP
from warehouse.simulator.order_steps import complete, create
from warehouse.simulator.orders import Order, new_order
from warehouse.simulator.places import STORES, Market
from warehouse.simulator.returning import book_return, line_of, of_order, process
from warehouse.simulator.world import Course, World

RETURNED_SHARE = 0.3


def historical_order(world: World, market: Market) -> Course:
    """An order of a former system, and now and then what came back of it."""
    chance = world.chance
    customer = world.people.regular(market)
    order = new_order(world, market, None, customer)
    order.historical = True
    order.placed_at = world.now - chance.between(60 * DAY, 900 * DAY)
    create(world, order)
    yield world.now + STEP
    complete(world, order)
    if world.asides.happens(RETURNED_SHARE):
        yield world.now + STEP
        _return(world, order)


def _return(world: World, order: Order) -> None:
    """A return that was processed in the former system, weeks after its order was placed."""
    chance = world.asides
    units = order.units[: chance.between(1, len(order.units))]
    place = chance.pick([store for store in STORES if store.market is order.market])
    returned_at = order.placed_at + chance.between(2 * DAY, 40 * DAY)
    said = of_order(order) | {"is_historical": True, "returned_at": clock.text(returned_at)}
    lines = [line_of(world, order, unit) for unit in units]
    book_return(world, order, process(world, lines, place, order.market.currency, 0, said), units)
