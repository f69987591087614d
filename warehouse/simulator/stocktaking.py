"""Stock put right: adjustments by day, cycle counts by night, when nothing moves."""

from typing import Any, Final

from warehouse.simulator import clock
from warehouse.simulator.catalogue import Product
from warehouse.simulator.clock import DAY, MINUTE, STEP
from warehouse.simulator.places import Place
from warehouse.simulator.world import Course, World

LINES_PER_CHUNK: Final = 12
LOST_CHUNK_SHARE: Final = 0.04

_ADJUSTMENTS: Final = (
    ("Damage out", "Damaged in store", "main", "damaged"),
    ("Damage out", "Damaged in transport", "main", "damaged"),
    ("Display", "Window", "main", "display"),
    ("Write off", "Stolen", "main", None),
    ("Write off", None, "main", None),
)


def adjust(world: World, place: Place) -> Course:
    """inventory_transaction.adjustment_created: units go to another stock location of the place, or are gone."""
    chance, room = world.chance, world.stockroom
    products = {world.catalogue.wanted(chance) for _ in range(chance.pick((1, 1, 1, 2, 4)))}
    lines = sorted((product for product in products if room.free(place, product) > 0), key=lambda each: each.index)
    if not lines:
        return
    kind, reason, origin, destination = chance.pick(_ADJUSTMENTS)
    associate = world.associate_of(place)
    payload: dict[str, Any] = {
        "id": chance.uuid(),
        "fulfillment_node_id": place.id,
        "processed_at": clock.text(world.now),
        "chunk_number": 1,
        "total_chunks": 1,
        "adjustment_type": kind,
        "origin_stock_location_name": origin,
        "items": [{"product_id": product.id, "quantity": 1} for product in lines],
    }
    if reason:
        payload["adjustment_reason"] = reason
    if destination:
        payload["destination_stock_location_name"] = destination
    if associate:
        payload["associate_id"] = associate.associate_id
    if chance.happens(0.2):
        payload["note"] = "seen at the morning round"
    units = 0 if destination else -1
    for product in lines:
        room.set_aside(place, product)
        room.leave(place, product, -units)
    if world.tell("inventory_transaction.adjustment_created", payload):
        for product in lines:
            world.truth.move(place.id, product.id, units)
    yield from ()


def count(world: World, place: Place, products: list[Product]) -> Course:
    """inventory_count.items_counted: what is there, beside what the system thought; complete with its last chunk."""
    chance, room = world.chance, world.stockroom
    started = world.now
    yield started + chance.between(10 * MINUTE, 90 * MINUTE)
    common = {
        "id": chance.uuid(),
        "count_type": "cycle_count",
        "fulfillment_location_id": place.id,
        "associate_id": "unknown",
        "due_date": clock.text(started - started % DAY + 2 * DAY),
        "started_at": clock.text(started),
        "completed_at": clock.text(world.now),
    }
    associate = world.associate_of(place)
    if associate:
        common["associate_id"] = associate.associate_id
    chunks = -(-len(products) // LINES_PER_CHUNK)
    # Now and then a chunk never comes: the count stays incomplete, and what it found is put right nowhere.
    lost = world.asides.between(1, chunks) if world.asides.happens(LOST_CHUNK_SHARE) else None
    lines = []
    for product in products:
        thought = room.on_hand(place, product)
        # What was promised to somebody has been put aside, and is there.
        promised = thought - room.free(place, product)
        found = max(promised, thought + chance.pick((-2, -1, -1, 1))) if chance.happens(0.1) else thought
        if lost is None:
            room.arrive(place, product, found - thought)
        lines.append((product.id, thought, found))
    parts = [lines[begin : begin + LINES_PER_CHUNK] for begin in range(0, len(lines), LINES_PER_CHUNK)]
    told = 0
    for number, part in enumerate(parts, start=1):
        yield world.now + STEP
        items = [{"product_id": key, "stock_on_hand": thought, "count": found} for key, thought, found in part]
        chunk = {"chunk_number": number, "total_chunks": len(parts), "items": items}
        if number != lost and world.tell("inventory_count.items_counted", common | chunk):
            told += 1
            world.truth.chunk(common["id"], place.id, len(parts), len(part))
    if told == len(parts):
        world.truth.count(place.id, [(key, found) for key, _, found in lines])
