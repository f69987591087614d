"""Who is named in a delivery: by ids, e-mail addresses and phone numbers, and through the orders that are theirs.

Of an event the contract says where these stand. A delivery that is no event is searched for whatever may be one.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from warehouse.contract import EventContract, load_contract
from warehouse.contract.keys import value_text
from warehouse.delivery.exact_json import parse_exactly
from warehouse.personal.texts import comparable, email_key, emails_in, ids_in, leaves, phone_key, phones_in, readable

# The entities through which what belongs to a person's order is found.
ORDER_KINDS: Final = ("order", "blind_order", "payment_account")

_decode: Final = msgspec.json.Decoder().decode

Steps = tuple[tuple[str, bool], ...]


class Named(msgspec.Struct):
    """What a delivery names. `loose` is what may be any of these, of a delivery that no contract describes."""

    customers: set[str]
    addresses: set[str]
    employees: set[str]
    emails: set[str]
    staff_emails: set[str]
    phones: set[str]
    orders: set[str]
    loose: set[str]


class Parsed(msgspec.Struct):
    """A body as JSON, None for what is none, and the contract of the event that it is, if it is one."""

    envelope: Any
    event: EventContract | None


def parse(body: bytes, name: str | None, *, exact: bool = False) -> Parsed:
    """Read a body; where it has to be `exact`, so is every number in it, which takes far longer."""
    event = load_contract().events.get(name or "")
    if event is not None and (event.origin != "newstore" or event.is_too_large(body)):
        event = None
    try:
        envelope = parse_exactly(body)[0] if exact else _decode(body)
    except (ValueError, RecursionError):
        # Of some numbers only the exact reading makes anything.
        return Parsed(None, None) if exact else parse(body, name, exact=True)
    if not isinstance(envelope, dict):
        return Parsed(envelope, None)
    return Parsed(envelope, event if isinstance(envelope.get("payload"), dict) else None)


def named_in(parsed: Parsed, body: bytes) -> Named:
    """Whom a delivery names."""
    named = Named(set(), set(), set(), set(), set(), set(), set(), set())
    if parsed.event is None:
        text = readable(body)
        plain = comparable(text)
        named.emails = named.staff_emails = emails_in(text)
        named.phones = phones_in(plain)
        named.loose = ids_in(text) | ids_in(plain) | set(leaves(parsed.envelope))
        return named
    payload = parsed.envelope["payload"]
    places: Mapping[str, tuple[set[str], Any]] = {
        "customer": (named.customers, value_text),
        "address": (named.addresses, value_text),
        "employee": (named.employees, value_text),
        "email": (named.emails, email_key),
        "phone": (named.phones, phone_key),
        "staff": (named.staff_emails, email_key),
        "order": (named.orders, value_text),
    }
    for kind, steps in _places(parsed.event.name):
        values, key_of = places[kind]
        values.update(key_of(value_text(value)) for value in values_at(payload, steps))
    for values, _ in places.values():
        values.discard("")
    return named


def steps_of(path: str) -> Steps:
    """A path as the names that lead to it, each with whether a list follows."""
    return tuple((step.removesuffix("[]"), step.endswith("[]")) for step in path.split("."))


def values_at(value: Any, steps: Steps) -> Iterator[Any]:
    """Everything that stands at a path; an object in a list's place is the list of its members."""
    if not steps:
        yield value
        return
    (name, is_list), *rest = steps
    if not isinstance(value, dict) or name not in value:
        return
    inner = value[name]
    if not is_list:
        yield from values_at(inner, tuple(rest))
        return
    for each in inner if isinstance(inner, list) else inner.values() if isinstance(inner, dict) else ():
        yield from values_at(each, tuple(rest))


@cache
def _places(name: str) -> list[tuple[str, Steps]]:
    event = load_contract().events[name]
    found = [
        ("staff" if field.who == "employee" and field.kind == "email" else field.kind, steps_of(field.path))
        for field in event.personal
        if field.kind in ("customer", "address", "employee", "email", "phone")
    ]
    return found + [("order", steps_of(event.entities[kind])) for kind in ORDER_KINDS if kind in event.entities]
