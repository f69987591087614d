"""What comes after a sale: goods that come back, exchanges, money given back without goods, returns without an order.

Of every return excl_tax + tax = amount, and its lines come to its totals. Nobody gets back more than was captured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from warehouse.simulator import clock
from warehouse.simulator.accounts import Account, Instrument, refund
from warehouse.simulator.clock import DAY, HOUR, MINUTE, SECOND, STEP
from warehouse.simulator.money import fraction, number, percent_of, tax_within
from warehouse.simulator.order_steps import sale_of
from warehouse.simulator.orders import Order, Unit, exchange_order
from warehouse.simulator.places import CENTRE, STORES, Place
from warehouse.simulator.selling import take_away
from warehouse.simulator.truth import RefundRequestTruth, ReturnTruth, SalesTruth
from warehouse.simulator.world import Course, World

REASONS: Final = (("Too small", 1), ("Too large", 2), ("Not as described", 3), ("Changed mind", 4), ("Defective", 5))
APPEASEMENT: Final = "Price adjustment"
CONDITIONS: Final = (("Sellable", 1), ("Sellable", 1), ("Sellable", 1), ("Damaged", 2))


@dataclass(slots=True)
class Line:
    """A line of a return, in cents; a line without a product is the shipping."""

    id: str
    product_id: str
    is_shipping: bool
    amount: int
    adjusted: int
    tax: int


def after_sale(world: World, order: Order) -> None:
    """Decide what becomes of a closed order, and let it begin."""
    chance, zone = world.chance, order.market.zone
    if chance.happens(0.06 if order.takeaway else 0.22):
        moment = world.now + chance.between(DAY, 26 * DAY)
        world.begin(_bring_back(world, order), clock.at_work(moment, zone, chance))
    elif chance.happens(0.02):
        moment = world.now + chance.between(HOUR, 9 * DAY)
        world.begin(_appease(world, order), clock.at_work(moment, zone, chance))


def blind_return(world: World, store: Place) -> Course:
    """Goods come back to a store without their receipt; the value goes to a store credit."""
    chance = world.chance
    product = world.catalogue.wanted(chance)
    tax = tax_within(product.price, store.market.tax_rate)
    lines = [Line(chance.uuid(), product.id, False, product.price, product.price, tax)]
    account = Account(chance.uuid(), store.market.currency)
    return_id = process(world, lines, store, account.currency, 0, {"blind_order_id": account.order_id})
    if page := world.truth.returns.get(return_id):
        world.truth.made_up.add(account.order_id)
        _book_sale(world.truth.sale(world.now, "unknown", "unknown", account.currency), page)
    world.stockroom.arrive(store, product, 1)
    yield world.now + STEP + chance.below(20 * SECOND)
    credit = Instrument(f"SC-{chance.hexadecimal(10)}", "store_credit", "store_credit", captured=product.price)
    account.instruments.append(credit)
    refund(world, account, product.price, return_id)


def _bring_back(world: World, order: Order) -> Course:
    chance = world.chance
    sold = [unit for unit in order.units if not unit.is_cancelled]
    units = sold if chance.happens(0.5) else sold[: chance.between(1, len(sold))]
    stores = [store for store in STORES if store.market is order.market]
    place = chance.pick(stores) if order.takeaway or chance.happens(0.5) else CENTRE
    lines = [line_of(world, order, unit) for unit in units]
    if len(units) == len(order.units) and order.shipping:
        included = order.market.price_method == "tax_included"
        tax = tax_within(order.shipping, order.market.tax_rate) if included else 0
        lines.append(Line(chance.uuid(), "shipping", True, order.shipping, order.shipping, tax))
    fee = 595 if place is CENTRE and chance.happens(0.1) else 0
    said = of_order(order)
    yield clock.at_work(world.now + STEP, place.market.zone, chance)
    return_id = process(world, lines, place, order.market.currency, fee, said)
    for unit in units:
        world.stockroom.arrive(place, unit.product, 1)
    book_return(world, order, return_id, units)
    to_refund = max(0, sum(line.adjusted for line in lines) - fee)
    if place.is_store and len(units) <= 2 and chance.happens(0.3):
        exchanged = exchange_order(world, order, place, units, return_id)
        if exchanged is not None:
            yield world.now + STEP + chance.between(MINUTE, 4 * MINUTE)
            yield from take_away(world, exchanged, exchanged.grand_total - to_refund)
            to_refund -= exchanged.grand_total
    if to_refund > 0:
        yield world.now + STEP + chance.below(SECOND)
        reason, code = chance.pick(REASONS)
        _request_refund(world, order, to_refund, reason, code)
        yield world.now + STEP + (chance.below(MINUTE) if chance.happens(0.7) else chance.between(HOUR, 2 * DAY))
        refund(world, order.account, to_refund, return_id, reason if world.asides.happens(0.5) else None)


def _appease(world: World, order: Order) -> Course:
    amount = min(percent_of(order.grand_total, world.chance.pick((5, 10, 15))), order.account.refundable)
    if amount:
        _request_refund(world, order, amount, APPEASEMENT, 99)
        yield world.now + world.chance.between(MINUTE, DAY)
        refund(world, order.account, amount, "", APPEASEMENT)


def line_of(world: World, order: Order, unit: Unit) -> Line:
    """A unit of an order that comes back, at what was paid for it or a little less."""
    amount = unit.gross(order.market)
    adjusted = amount - percent_of(amount, 10) if world.chance.happens(0.04) else amount
    return Line(unit.id, unit.product.id, False, amount, adjusted, unit.tax)


def of_order(order: Order) -> dict[str, Any]:
    """What a return says of the order it belongs to, and of its customer."""
    said = {"order_id": order.id, "external_order_id": order.external_id}
    if order.customer is not None and not order.customer.is_guest:
        said |= {"customer_id": order.customer.id, "customer_email": order.email}
    return said


def process(world: World, lines: Sequence[Line], place: Place, currency: str, fee: int, said: dict[str, Any]) -> str:
    """return.processed with its movements, told and booked; gives the return's id."""
    chance, return_id = world.chance, world.chance.uuid()
    total, adjusted = sum(line.amount for line in lines), sum(line.adjusted for line in lines)
    tax = sum(line.tax for line in lines)
    payload: dict[str, Any] = {
        "id": return_id,
        **said,
        "returned_at": said.get("returned_at") or _returned_at(world),
        "return_location_id": place.id,
        "currency": currency,
        "total_refund_amount": fraction(total),
        "total_refund_amount_adjusted": fraction(adjusted),
        "total_refund_excl_tax": fraction(total - tax),
        "total_refund_tax": fraction(tax),
        "items": [_line_payload(world, line) for line in lines],
    }
    if fee:
        payload["return_fee"] = number(fee)
    associate = world.associate_of(place)
    if associate is not None and chance.happens(0.8):
        payload |= {"associate_id": associate.associate_id, "associate_email": associate.email}
    if world.tell("return.processed", payload):
        goods = [line for line in lines if not line.is_shipping]
        order_id, historical = said.get("order_id"), said.get("is_historical", False)
        world.truth.returns[return_id] = ReturnTruth(
            order_id, place.id, currency, total, adjusted, tax, len(goods), historical
        )
        # What came back before anybody listened lies on no shelf of today that the first receipts did not tell of.
        for line in () if historical else goods:
            world.truth.move(place.id, line.product_id, 1)
    return return_id


def book_return(world: World, order: Order, return_id: str, units: Sequence[Unit]) -> None:
    """Book units that came back on their order, their customer and, unless the return is historical, its day."""
    if (booked := world.truth.returns.get(return_id)) is None:
        return
    page = world.truth.order(order.id)
    for unit in units:
        page.known |= unit.bit
        page.returned |= unit.bit
    if order.customer is not None and not order.customer.is_guest:
        world.truth.customer(order.customer.id).return_count += 1
    if booked.is_historical:
        return
    if page.has_header:
        _book_sale(sale_of(world, order, world.now), booked)
    else:
        # Where an order was sold that was never told of, nobody can say.
        _book_sale(world.truth.sale(world.now, "unknown", "unknown", booked.currency), booked)


def _book_sale(sale: SalesTruth, booked: ReturnTruth) -> None:
    sale.returns += 1
    sale.returned_units += booked.item_count
    sale.refunds += booked.adjusted


def _line_payload(world: World, line: Line) -> dict[str, Any]:
    chance = world.chance
    payload: dict[str, Any] = {
        "id": line.id,
        "product_id": line.product_id,
        "quantity": 1,
        "refund_amount": fraction(line.amount),
        "refund_amount_adjusted": fraction(line.adjusted),
        "refund_excl_tax": fraction(line.amount - line.tax),
        "refund_tax": fraction(line.tax),
    }
    if line.is_shipping:
        return payload | {"item_type": "shipping"}
    if line.adjusted != line.amount:
        payload["adjustment_reason"] = "Restocking"
    if chance.happens(0.9):
        (reason, code), (condition, condition_code) = chance.pick(REASONS), chance.pick(CONDITIONS)
        payload |= {"return_reason": reason, "return_code": code}
        payload |= {"item_condition": condition, "condition_code": condition_code}
    return payload | {"item_type": "product"} if chance.happens(0.8) else payload


def _returned_at(world: World) -> str:
    luck = world.chance.random()
    if luck < 0.1:
        return clock.without_zone(world.now)
    return clock.nine_digits(world.now, world.chance) if luck < 0.3 else clock.text(world.now)


def _request_refund(world: World, order: Order, amount: int, reason: str, code: int) -> None:
    payload: dict[str, Any] = {
        "id": world.chance.uuid(),
        "order_id": order.id,
        "payment_account_id": order.account.order_id,
        "amount": fraction(amount),
        "currency": order.market.currency,
        "requested_at": clock.text(world.now),
        "return_reason": reason,
    }
    if world.chance.happens(0.7):
        payload["reason_code"] = code
    if world.chance.happens(0.2):
        payload["note"] = "agreed with the customer"
    # Somebody of the store asks for it, or of any store of the market; web shops also pay back by themselves.
    place = order.store or world.asides.pick([store for store in STORES if store.market is order.market])
    associate = world.asides.pick(world.staff[place]) if world.asides.happens(0.75) else None
    if associate is not None:
        payload |= {"associate_id": associate.associate_id, "associate_email": associate.email}
    if world.tell("refund_request.issued", payload):
        world.truth.order(order.id)
        world.truth.refund_requests[payload["id"]] = RefundRequestTruth(
            order.id, order.market.currency, amount, reason, associate.associate_id if associate else None
        )
