"""Worlds of events for the property tests: all 31 events, reference data, variants of some, few enough to be delivered
many times.

Everything is a function of one seed, so that a failing case can be made again from its number.
"""

import json
import random
import re
from collections import defaultdict
from copy import deepcopy
from typing import Any

from warehouse.contract import EventContract, Scalar, load_contract
from warehouse.simulator import simulate

Envelope = dict[str, Any]

# Of so many events of a bigger simulated world, those around a few of each kind are taken.
SIMULATED = 1_500
VARIANT_SHARE = 0.12
# Where a world has no event of a kind, so many other worlds are looked into for one.
OTHER_WORLDS = 12


def make_world(seed: int, size: int, *, equal_times: bool = False) -> list[Envelope]:
    """About `size` events in the order of publishing; for some of them also variants: the same key, another payload.

    With `equal_times` all of them were published, and happened, in one and the same moment.
    """
    chance = random.Random(f"world:{seed}")
    events = _choose(chance, seed, size)
    events += _reference(chance, events)
    variants = [variant for event in events if chance.random() < VARIANT_SHARE for variant in _variants(chance, event)]
    world = [*events, *variants]
    if equal_times:
        world = [_at_one_moment(event) for event in world]
    return sorted(world, key=lambda event: str(event["published_at"]))


def _choose(chance: random.Random, seed: int, size: int) -> list[Envelope]:
    """For each kind of event one with what was told of the same things, and at random as many as are wanted."""
    bodies = [body.decode() for body in simulate(events=SIMULATED, seed=seed, duplicates=0, late=0)]
    by_name = defaultdict(list)
    for place, body in enumerate(bodies):
        by_name[json.loads(body)["name"]].append(place)
    chosen: set[int] = set()
    for name in load_contract().of_origin("newstore"):
        if by_name[name]:
            center = chance.choice(by_name[name])
            ids = _ids(json.loads(bodies[center]))
            around = [place for place, body in enumerate(bodies) if any(one in body for one in ids)]
            chosen.update([center, *chance.sample(around, min(len(around), size // 31))])
    rest = sorted(set(range(len(bodies))) - chosen)
    chosen.update(chance.sample(rest, max(0, min(len(rest), size - len(chosen)))))
    missing = [name for name in load_contract().of_origin("newstore") if not by_name[name]]
    return [json.loads(bodies[place]) for place in sorted(chosen)] + _borrowed(seed, missing)


def _reference(chance: random.Random, events: list[Envelope]) -> list[Envelope]:
    """What a retailer says, once to three times, of some things that these events name and of one that none does."""
    found = []
    for name, column, things in (
        ("retailer", "tenant", ["retailer"]),
        ("location", "location_id", [*_named(events, "demand_location_id"), "nowhere"]),
        ("channel", "channel", [*_named(events, "channel"), "none"]),
        ("product", "product_id", [*_named(events, "product_id"), "nothing"]),
        ("tender", "payment_method", [*_named(events, "payment_method"), "shells"]),
        ("rate", "currency", ["EUR", "USD"]),
    ):
        for thing in chance.sample(things, min(len(things), 4)):
            for _ in range(chance.choice([1, 1, 2, 3])):
                at = f"2026-0{chance.randint(1, 9)}-{chance.randint(10, 28)}T00:00:00Z"
                payload = {column: thing, **_said(chance, name), "loaded_at": at}
                found.append({"tenant": "t", "name": f"reference.{name}", "published_at": at, "payload": payload})
    return found


def _said(chance: random.Random, name: str) -> dict[str, Any]:
    zone = chance.choice(["Europe/Berlin", "America/New_York", "Nowhere/Else", ""])
    calendar = chance.choice(["nrf-4-5-4", "4-4-5", "5-4-4", "gregorian", ""])
    said: dict[str, dict[str, Any]] = {
        "retailer": {"time_zone": zone, "fiscal_calendar": calendar, "fiscal_year_start": "02-01"},
        "location": {"time_zone": zone, "name": "A", "opened_on": "2020-02-29", "selling_area": 12.5},
        "channel": {"time_zone": zone, "name": "B"},
        "product": {"name": "C", "is_gift_card": chance.random() < 0.5, "unit_cost": 3.25, "cost_currency": "EUR"},
        "tender": {"kind": "card", "payment_provider": chance.choice(["", "adyen"])},
        "rate": {"to_currency": "GBP", "valid_from": "2026-01-01", "rate": "0.85"},
    }
    return said[name]


def _named(events: list[Envelope], field: str) -> list[str]:
    """The values of a field anywhere in these events, sorted."""
    found = re.findall(rf'"{field}": "([^"]+)"', json.dumps(events))
    return sorted(set(found))


def _borrowed(seed: int, names: list[str]) -> list[Envelope]:
    """One event of each of these names from other worlds."""
    found: dict[str, Envelope] = {}
    for other in range(1, OTHER_WORLDS + 1):
        if len(found) == len(names):
            break
        for body in simulate(events=SIMULATED, seed=seed + other, duplicates=0, late=0):
            event = json.loads(body)
            if event["name"] in names:
                found.setdefault(event["name"], event)
    return list(found.values())


def _ids(event: Envelope) -> set[str]:
    """What an event is about, so that others about the same are found by it."""
    payload, contract = event["payload"], load_contract().events[event["name"]]
    tops = [path for path in contract.entities.values() if "[" not in path and "." not in path]
    kinds = {"order_id", "id", "customer_id", "payment_account_id", "asn_id"}
    return {str(payload[path]) for path in tops if path in kinds and payload.get(path)}


def _variants(chance: random.Random, event: Envelope) -> list[Envelope]:
    """One or two events with the same key and another payload, published earlier, later or in the same moment."""
    contract = load_contract().events[event["name"]]
    key = contract.idempotency_key(event["payload"])
    found = []
    for number in range(chance.choice([1, 1, 2])):
        variant = deepcopy(event)
        paths = [leaf for leaf in contract.leaves() if _change(chance, deepcopy(variant["payload"]), *leaf)]
        for path, scalar in chance.sample(paths, min(len(paths), chance.choice([1, 1, 2, 5]))):
            draft = deepcopy(variant["payload"])
            _change(chance, draft, path, scalar)
            if contract.idempotency_key(draft) == key:
                variant["payload"] = draft
        # An unknown field is another payload too, and must change nothing but which variant wins.
        variant["payload"].setdefault("x_note", f"variant {number} {chance.random()}")
        variant["published_at"] = chance.choice(
            [event["published_at"], "2024-01-01T00:00:00Z", "2031-12-31T23:59:59.999999Z"]
        )
        found.append(variant)
    return found


def _change(chance: random.Random, payload: Any, path: str, scalar: Scalar) -> bool:
    """Give one value of the payload another of its type, or none; whether there was one."""
    step, _, rest = path.partition(".")
    name = step.removesuffix("[]")
    if not isinstance(payload, dict) or payload.get(name) is None:
        return False
    if rest or step.endswith("[]"):
        inner = payload[name]
        if step.endswith("[]"):
            if not isinstance(inner, list) or not inner:
                return False
            place = chance.randrange(len(inner))
            if not rest:
                inner[place] = _other(chance, inner[place], scalar)
                return True
            inner = inner[place]
        return _change(chance, inner, rest, scalar)
    payload[name] = None if chance.random() < 0.15 else _other(chance, payload[name], scalar)
    return True


def _other(chance: random.Random, value: Any, scalar: Scalar) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + chance.choice([1, 2, 7])
    if scalar is Scalar.TIME:
        return (
            f"20{chance.randint(10, 30)}-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T0{chance.randint(0, 9)}:00:00Z"
        )
    return f"{value}-{chance.randint(2, 4)}"


def _at_one_moment(event: Envelope) -> Envelope:
    """The event with every time in it the same, except those that are part of its key."""
    contract: EventContract = load_contract().events[event["name"]]
    moment = "2024-02-29T23:30:00Z"
    in_key = {part.path[-1] for part in contract.key_parts}
    times = {leaf.rpartition(".")[2] for leaf, scalar in contract.leaves() if scalar is Scalar.TIME} - in_key

    def same(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: moment if k in times and isinstance(v, str) else same(v) for k, v in value.items()}
        return [same(one) for one in value] if isinstance(value, list) else value

    return {**event, "published_at": moment, "payload": same(event["payload"])}
