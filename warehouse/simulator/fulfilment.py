"""Fulfilment requests: one place's share of an order, told from the assignment to the last unit that leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from warehouse.simulator import clock
from warehouse.simulator.accounts import capture
from warehouse.simulator.money import number
from warehouse.simulator.orders import Order, Unit
from warehouse.simulator.places import Place
from warehouse.simulator.world import World

_CARRIERS: Final = ("ups", "fedex", "dhl")
_REJECTIONS: Final = ("Item not found", "Item damaged", "Store too busy", "Reserved for a customer")


@dataclass(slots=True)
class Request:
    """What a place was asked to fulfil of an order."""

    id: str
    order: Order
    place: Place
    service_level: str
    associate_id: str | None
    units: list[Unit]


def assign(world: World, order: Order, place: Place, units: list[Unit]) -> Request:
    """fulfillment_request.assigned: the place, which has promised the units, is asked to fulfil them."""
    associate_id: str | None = None
    if place.is_store:
        associate = world.associate_of(place)
        associate_id = associate.associate_id if associate else "unknown"
    request = Request(world.chance.uuid(), order, place, order.service_level, associate_id, units)
    for unit in units:
        unit.place = place
    if _tell(world, request, "assigned", [_named(unit) for unit in units]):
        bits = _know(world, request, units)
        # A place was found for them.
        world.truth.order(order.id).held &= ~bits
    return request


def reject(world: World, request: Request, units: Sequence[Unit]) -> None:
    """fulfillment_request.items_failed: the place does not have these units, or not the time."""
    reason = world.chance.pick(_REJECTIONS)
    for unit in units:
        world.stockroom.release(request.place, unit.product)
        unit.place = None
        request.units.remove(unit)
    lines = [_named(unit) | {"rejection_reason": reason, "status": "failed"} for unit in units]
    if _tell(world, request, "items_failed", lines):
        _know(world, request, units)


def make_ready(world: World, request: Request) -> None:
    """fulfillment_request.items_ready_for_handover: all that is left of the request is packed."""
    if _tell(world, request, "items_ready_for_handover", [_named(unit) for unit in request.units]):
        _know(world, request, request.units)


def hand_over(world: World, request: Request, units: Sequence[Unit]) -> None:
    """fulfillment_request.items_completed: these units leave the place for good."""
    carrier, tracking = world.chance.pick(_CARRIERS), f"1Z{world.chance.hexadecimal(16).upper()}"
    lines = []
    for unit in units:
        line = _named(unit)
        if not request.order.takeaway:
            line |= {"tracking_code": tracking, "carrier": carrier, "shipped_at": _shipped_at(world)}
        lines.append(line)
        world.stockroom.leave(request.place, unit.product)
    if _tell(world, request, "items_completed", lines):
        bits = _know(world, request, units)
        world.truth.order(request.order.id).fulfilled |= bits
        for unit in units:
            world.truth.move(request.place.id, unit.product.id, -1)


def charge(world: World, order: Order, units: Sequence[Unit]) -> int:
    """Capture what these units cost, the shipping with the first of them; gives what is to be invoiced."""
    amount = sum(unit.gross(order.market) for unit in units)
    if not order.shipping_captured:
        order.shipping_captured = True
        amount += order.shipping
    capture(world, order.account, amount)
    return amount


def invoice(world: World, order: Order, units: Sequence[Unit], amount: int) -> None:
    """invoice.created for the units of one shipment."""
    invoice_number = f"{order.market.country}-{world.next_number(f'invoice {order.market.country}'):08}"
    payload: dict[str, Any] = {
        "id": world.chance.uuid(),
        "order_id": order.id,
        "external_order_id": order.external_id,
        "invoice_number": invoice_number,
        "created_at": clock.text(world.now),
        "currency": order.market.currency,
        "grand_total": number(amount),
        "items": [{"id": unit.id, "product_id": unit.product.id, "quantity": 1} for unit in units],
    }
    if world.chance.happens(0.5):
        payload["url"] = f"https://documents.example.com/{invoice_number}.pdf"
    if world.tell("invoice.created", payload):
        world.truth.order(order.id)


def _tell(world: World, request: Request, step: str, lines: list[dict[str, Any]]) -> bool:
    payload: dict[str, Any] = {
        "id": request.id,
        "order_id": request.order.id,
        "logical_timestamp": world.next_logical_timestamp(),
        "fulfillment_location_id": request.place.id,
        "service_level": request.service_level,
        "items": lines,
    }
    if request.associate_id is not None:
        payload["associate_id"] = request.associate_id
    return world.tell(f"fulfillment_request.{step}", payload)


def _know(world: World, request: Request, units: Sequence[Unit]) -> int:
    bits = 0
    for unit in units:
        bits |= unit.bit
    world.truth.order(request.order.id).known |= bits
    return bits


def _named(unit: Unit) -> dict[str, Any]:
    return {"id": unit.id, "product_id": unit.product.id}


def _shipped_at(world: World) -> str:
    if world.chance.happens(0.2):
        return clock.nine_digits(world.now, world.chance)
    return clock.text(world.now)
