"""Stock put right: adjustments by day, cycle counts by night, when nothing moves, and some by day."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from warehouse.simulator import clock
from warehouse.simulator.catalogue import Product
from warehouse.simulator.clock import DAY, MINUTE, STEP
from warehouse.simulator.places import Place
from warehouse.simulator.shelves import CountedTruth
from warehouse.simulator.world import Course, World

LINES_PER_CHUNK: Final = 12
LOST_CHUNK_SHARE: Final = 0.04

# Type, reason, stock location they leave, and the one they go to.
Adjustment: TypeAlias = tuple[str, str | None, str, str | None]
_CAME_BACK_DAMAGED: Final[Adjustment] = ("Damage out", "Returned damaged", "main", "damaged")
_ADJUSTMENTS: Final[tuple[Adjustment, ...]] = (
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
    if lines:
        _adjust(world, place, lines, chance.pick(_ADJUSTMENTS))
    yield from ()


def set_apart(world: World, place: Place, products: Sequence[Product]) -> Course:
    """inventory_transaction.adjustment_created: units that came back damaged leave the shelf on which they were put."""
    lines = [product for product in dict.fromkeys(products) if world.stockroom.free(place, product) > 0]
    if lines:
        _adjust(world, place, lines, _CAME_BACK_DAMAGED)
    yield from ()


def _adjust(world: World, place: Place, lines: list[Product], what: Adjustment) -> None:
    chance, room = world.chance, world.stockroom
    kind, reason, origin, destination = what
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
            world.truth.shelf(place.id, product.id).set_apart(world.day_at(place), origin, destination)


def count(world: World, place: Place, products: list[Product]) -> Course:
    """inventory_count.items_counted: what is there, beside what the system thought; complete with its last chunk."""
    chance, room = world.chance, world.stockroom
    started, seen = world.now, world.truth.seen
    before = [seen(place.id, product.id) for product in products]
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
    after, day = [seen(place.id, product.id) for product in products], world.day_at(place)
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
        for (key, thought, found), (at_start, _), (at_end, moved) in zip(lines, before, after, strict=True):
            world.truth.shelf(place.id, key).count(day, found, moved)
            counted = CountedTruth(place.id, day, at_start, at_end, thought, found)
            world.truth.counted_lines[common["id"], key] = counted
