"""Goods on their way in: deliveries of suppliers, and transfers between places, which do not always arrive complete."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from warehouse.simulator import clock
from warehouse.simulator.catalogue import Product
from warehouse.simulator.clock import DAY, HOUR, MINUTE
from warehouse.simulator.places import CENTRE, STORES, Place
from warehouse.simulator.world import Course, World

LINES_PER_CHUNK: Final = 40
LINES_PER_TRANSFER: Final = 120

Lines: TypeAlias = list[tuple[Product, int]]


def open_stock(world: World, place: Place) -> Course:
    """The stream's first receipts: all that is in the place, filled up to what it wants to have of each product.

    So the stream tells of every unit there is, and its movements add up to what lies on the shelves.
    """
    room = world.stockroom
    lines = []
    for product in world.catalogue.products:
        there = room.on_hand(place, product)
        lines.append((product, max(there, room.target(place, product))))
        room.arrive(place, product, -there)
    yield from _receive(world, place, lines)


def supply_centre(world: World) -> Course:
    """A supplier brings the centre what has become rare there; nothing announces it."""
    lines = _missing(world, CENTRE)
    if lines:
        yield clock.at_work(world.now, CENTRE.market.zone, world.chance)
        yield from _receive(world, CENTRE, lines)


def supply_store(world: World, store: Place) -> Course:
    """The centre sends a store what has become rare there."""
    lines = []
    for product, wanted in _missing(world, store)[:LINES_PER_TRANSFER]:
        units = min(wanted, world.stockroom.free(CENTRE, product))
        if units > 0:
            lines.append((product, units))
    if lines:
        yield from _transfer(world, CENTRE, store, lines)


def help_out(world: World, origin: Place) -> Course:
    """A store sends another one of its market a few units."""
    chance = world.chance
    others = [store for store in STORES if store.market is origin.market and store is not origin]
    products = {world.catalogue.wanted(chance) for _ in range(3)}
    spare = sorted((p for p in products if world.stockroom.free(origin, p) > 2), key=lambda product: product.index)
    if spare:
        yield from _transfer(world, origin, chance.pick(others), [(product, 1) for product in spare])


def _missing(world: World, place: Place) -> Lines:
    lines = []
    for product in world.catalogue.products:
        target, free = world.stockroom.target(place, product), world.stockroom.free(place, product)
        if free * 2 < target and (place.index, product.index) not in world.stockroom.awaited:
            lines.append((product, target - max(free, 0)))
    return lines


def _transfer(world: World, origin: Place, destination: Place, lines: Lines) -> Course:
    chance = world.chance
    awaited = {(destination.index, product.index) for product, _ in lines}
    world.stockroom.awaited |= awaited
    # What is to go is nobody else's any more.
    for product, units in lines:
        world.stockroom.set_aside(origin, product, units)
    number = world.next_number("transfer")
    references = {"transfer_order_ref": f"TO-{number:07}", "shipment_ref": f"SH-{number:07}"}
    yield clock.at_work(world.now + chance.between(20 * MINUTE, 3 * HOUR), origin.market.zone, chance)
    said = {"fulfillment_location_id": origin.id, "processed_at": _processed_at(world), **references}
    for payload, chunk in _chunks(world, chance.uuid(), origin, said, lines):
        if world.tell("inventory_transaction.items_ready_for_handover", payload):
            for product, units in chunk:
                world.truth.move(origin.id, product.id, -units)
    for product, units in lines:
        world.stockroom.leave(origin, product, units)
    yield clock.at_work(world.now + chance.between(10 * MINUTE, 2 * HOUR), origin.market.zone, chance)
    asn_id = chance.uuid()
    sent = clock.text(world.now)
    said = {
        "origin_id": origin.id,
        "destination_id": destination.id,
        "shipment_date": sent,
        "processed_at": sent,
        **references,
    }
    for payload, chunk in _chunks(world, asn_id, origin, said, lines):
        if world.tell("inventory_transaction.asn_created", payload):
            world.truth.announce(asn_id, origin.id, destination.id, sum(units for _, units in chunk))
    yield clock.at_work(world.now + chance.between(14 * HOUR, 3 * DAY), destination.market.zone, chance)
    world.stockroom.awaited -= awaited
    yield from _receive(world, destination, _on_arrival(world, lines), {**references, "asn_id": asn_id})


def _on_arrival(world: World, lines: Lines) -> Lines:
    """What is in the boxes: mostly what was put into them."""
    chance = world.chance
    arrived = []
    for product, units in lines:
        lost = 1 if chance.happens(0.02) else 0
        if units > lost:
            arrived.append((product, units - lost))
    if chance.happens(0.05):
        stray = world.catalogue.wanted(chance)
        if all(product is not stray for product, _ in lines):
            arrived.append((stray, 1))
    return arrived


def _receive(world: World, place: Place, lines: Lines, references: dict[str, str] | None = None) -> Course:
    """inventory_transaction.items_received, with the announcement it answers or none at all."""
    chance = world.chance
    if references is None:
        number = world.next_number("purchase")
        references = {"shipment_ref": f"SUP-{number:06}", "order_ref": f"PO-{number:06}"}
        if chance.happens(0.5):
            references["asn_id"] = ""
    said = {"fulfillment_location_id": place.id, "processed_at": _processed_at(world), **references}
    for payload, chunk in _chunks(world, chance.uuid(), place, said, lines):
        if world.tell("inventory_transaction.items_received", payload):
            if asn_id := references.get("asn_id"):
                world.truth.receive(asn_id, place.id, sum(units for _, units in chunk))
            for product, units in chunk:
                world.truth.move(place.id, product.id, units)
    for product, units in lines:
        world.stockroom.arrive(place, product, units)
    yield from ()


def _chunks(
    world: World, transaction_id: str, place: Place, said: dict[str, Any], lines: Lines
) -> list[tuple[dict[str, Any], Sequence[tuple[Product, int]]]]:
    """The payloads of one transaction, each with the lines it carries."""
    associate = world.associate_of(place)
    common = {"id": transaction_id, "associate_id": associate.associate_id if associate else "unknown", **said}
    parts = [lines[begin : begin + LINES_PER_CHUNK] for begin in range(0, len(lines), LINES_PER_CHUNK)]
    return [
        (
            common | {"chunk_number": number, "total_chunks": len(parts), "items": [_line(*line) for line in part]},
            part,
        )
        for number, part in enumerate(parts, start=1)
    ]


def _line(product: Product, units: int) -> dict[str, Any]:
    line: dict[str, Any] = {"product_id": product.id, "quantity": units}
    return line | {"external_identifiers": {"sku": product.sku}} if product.index % 3 == 0 else line


def _processed_at(world: World) -> str:
    return clock.nine_digits(world.now, world.chance) if world.chance.happens(0.2) else clock.text(world.now)
