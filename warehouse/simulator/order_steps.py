"""The seven events of an order, each told and booked in one place."""

from collections.abc import Sequence
from typing import Any

from warehouse.simulator import clock
from warehouse.simulator.money import number
from warehouse.simulator.orders import Order, Unit, order_body, with_status
from warehouse.simulator.truth import OrderTruth, SalesTruth
from warehouse.simulator.world import World


def create(world: World, order: Order) -> None:
    """order.created: the grace period begins."""
    order.body = order_body(world, order)
    if world.tell("order.created", order.body):
        _book_header(world, order, order.units)


def open_up(world: World, order: Order) -> None:
    """order.opened: the grace period is over; the body is that of order.created with another status."""
    if world.tell("order.opened", with_status(order.body, "opened", order.units)):
        _book_header(world, order, order.units).was_opened = True


def hold(world: World, order: Order, units: Sequence[Unit]) -> None:
    """order.items_on_hold: nobody can fulfil these units."""
    items = [{"id": unit.id, "product_id": unit.product.id, "quantity": 1, "status": "on_hold"} for unit in units]
    payload = {"id": order.id, "items": items}
    if world.tell("order.items_on_hold", payload):
        page, bits = _page(world, order, units)
        page.held |= bits


def cancel_units(world: World, order: Order, units: Sequence[Unit], reason: str | None) -> None:
    """order.items_cancelled: some units of the order, perhaps the last ones."""
    items = []
    for unit in units:
        unit.is_cancelled = True
        item = {"id": unit.id, "product_id": unit.product.id}
        items.append(item | {"cancellation_reason": reason} if reason else item)
    payload: dict[str, Any] = {"id": order.id, "items": items}
    if world.chance.happens(0.5):
        payload["channel_type"] = order.channel_type
    if world.tell("order.items_cancelled", payload):
        _book_cancellation(world, order, units)


def cancel(world: World, order: Order) -> None:
    """order.cancelled: the whole order."""
    items = []
    for unit in order.units:
        unit.is_cancelled = True
        items.append({"id": unit.id, "product_id": unit.product.id, "quantity": 1, "status": "cancelled"})
    if world.tell("order.cancelled", {"id": order.id, "items": items}):
        _book_cancellation(world, order, order.units).was_cancelled = True


def swap(world: World, order: Order, old: Unit, new: Unit) -> None:
    """order.items_swapped: another product takes a unit's place, with an id of its own."""
    order.units[order.units.index(old)] = new
    items = [{"id": old.id, "product_id": old.product.id, "new_item_id": new.id, "new_product_id": new.product.id}]
    if world.tell("order.items_swapped", {"id": order.id, "items": items}):
        page, _ = _page(world, order, (old, new))
        page.replaced |= old.bit


def complete(world: World, order: Order) -> None:
    """order.completed, and now and then the deprecated order.shipped; slim, or the whole order over again."""
    payload: dict[str, Any] = {"id": order.id, "capture_type": "pos" if order.store else "injection"}
    items = []
    for unit in order.units:
        item = {"id": unit.id, "product_id": unit.product.id, "quantity": 1}
        if unit.is_cancelled:
            item["status"] = "cancelled"
        else:
            item["status"] = "shipped"
            if unit.place is not None:
                item["fulfillment_location_id"] = unit.place.id
        items.append(item)
    payload["items"] = items
    is_whole = world.chance.happens(0.1)
    if is_whole:
        payload = _whole(world, order, payload)
    if world.chance.happens(0.006):
        shipped = {"id": order.id, "items": items}
        if world.tell("order.shipped", shipped):
            _book_completion(world, order)
    if world.tell("order.completed", payload):
        if is_whole:
            # All there is of an order placed before the stream began; units that came by a swap have no price in it.
            ordered = _ordered(order)
            _book_header(world, order, [unit for unit in order.units if unit.id in ordered])
        _book_completion(world, order)


def _whole(world: World, order: Order, slim: dict[str, Any]) -> dict[str, Any]:
    ordered = _ordered(order)
    items = [ordered.get(item["id"], {}) | item for item in slim["items"]]
    closing = {"items": items, "completed_at": clock.text(world.now), "payments": _payments(order)}
    return order.body | slim | closing


def _ordered(order: Order) -> dict[str, dict[str, Any]]:
    return {item["id"]: item for item in order.body["items"]}


def _payments(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "payment_method": each.method,
            "amount": number(each.authorized),
            "currency": order.market.currency,
            "status": "captured" if each.captured else "authorized",
        }
        for each in order.account.instruments
    ]


def _book_header(world: World, order: Order, priced: Sequence[Unit]) -> OrderTruth:
    page, _ = _page(world, order, order.units)
    if page.has_header:
        return page
    page.has_header = True
    page.external_id = order.external_id
    page.currency = order.market.currency
    page.total_cents = order.grand_total
    page.net_cents = sum(unit.net for unit in priced) if priced else None
    if order.customer is not None and not order.customer.is_guest:
        page.customer_id = order.customer.id
        world.truth.customer(page.customer_id).order_count += 1
    if not order.historical:
        sale = sale_of(world, order, order.placed_at)
        sale.orders += 1
        sale.units += len(order.units)
        sale.net_sales += page.net_cents or 0
        sale.tax += sum(unit.tax for unit in priced)
        sale.shipping += order.shipping
        for moment, count in page.cancelled_early:
            sale_of(world, order, moment).cancelled_units += count
    return page


def sale_of(world: World, order: Order, moment: int) -> SalesTruth:
    """The page of the books for that moment's day, on which an order's sales are booked."""
    return world.truth.sale(moment, order.channel_type, order.channel, order.market.currency)


def _book_cancellation(world: World, order: Order, units: Sequence[Unit]) -> OrderTruth:
    page = world.truth.order(order.id)
    already = page.cancelled
    page, bits = _page(world, order, units)
    page.cancelled |= bits
    _book_cancelled(world, order, world.told_at, (bits & ~already).bit_count())
    return page


def _book_cancelled(world: World, order: Order, moment: int, count: int) -> None:
    page = world.truth.order(order.id)
    if count and page.has_header and not order.historical:
        sale_of(world, order, moment).cancelled_units += count
    elif count:
        page.cancelled_early += ((moment, count),)


def _book_completion(world: World, order: Order) -> None:
    page, _ = _page(world, order, order.units)
    page.was_completed = True
    for unit in order.units:
        if unit.is_cancelled:
            _book_cancelled(world, order, world.now, (unit.bit & ~page.cancelled).bit_count())
            page.cancelled |= unit.bit
        else:
            page.fulfilled |= unit.bit


def _page(world: World, order: Order, units: Sequence[Unit]) -> tuple[OrderTruth, int]:
    page = world.truth.order(order.id)
    bits = 0
    for unit in units:
        bits |= unit.bit
    page.known |= bits
    return page, bits
