"""Customers and their addresses, from the first to the last thing that is said of them."""

from typing import Any

from warehouse.simulator import clock
from warehouse.simulator.chance import Chance
from warehouse.simulator.clock import MINUTE, STEP
from warehouse.simulator.people import Address, Customer, new_address
from warehouse.simulator.places import Place
from warehouse.simulator.world import Course, World

# Share of all edits that are made to the few customers with most to change: their revisions pass 9 soon.
BUSY_SHARE = 0.15


def register(world: World, customer: Customer, store: Place | None) -> Course:
    """customer.created and their address; in a store it is somebody's doing."""
    associate = world.associate_of(store) if store else None
    payload = _customer_payload(customer) | {"created_at": clock.text(customer.created_at)}
    if store is not None and associate is not None:
        payload["source"] = {
            "location_id": store.id,
            "associate_id": associate.associate_id,
            "associate_name": f"{associate.first_name} {associate.last_name}",
            "associate_email": associate.email,
        }
    if world.tell("customer.created", payload):
        page = world.truth.customer(customer.id)
        page.is_complete = True
        if page.revision is None:
            # What says no revision is the beginning of all.
            page.revision, page.email = 0, customer.email
    yield world.now + STEP
    for address in customer.addresses:
        _tell_created(world, customer, address)


def edit_customer(world: World) -> Course:
    """customer.updated: somebody moves on, marries, finds a mistake. The revision tells which edit is newer."""
    customer = _somebody(world)
    if customer is None:
        return
    chance = world.chance
    customer.revision += 1
    if chance.happens(0.3):
        customer.phone = f"0{chance.between(7_000_000_000, 7_999_999_999)}"
    elif chance.happens(0.5):
        customer.email = f"{customer.number}.{customer.revision}@example.com"
    # Nobody promises whether a revision is a number or a text.
    revision: int | str = str(customer.revision) if chance.happens(0.3) else customer.revision
    payload = _customer_payload(customer) | {"revision": revision, "extended_attributes": []}
    if chance.happens(0.3):
        birthday = {"name": "birthday", "value": {"month": chance.between(1, 12), "day": chance.between(1, 28)}}
        payload["extended_attributes"] = [birthday, {"name": "newsletter", "value": "true"}]
    if chance.happens(0.5):
        payload["created_at"] = clock.text(customer.created_at)
    if world.tell("customer.updated", payload):
        page = world.truth.customer(customer.id)
        page.revision, page.email = customer.revision, customer.email
    yield from ()


def edit_addresses(world: World) -> Course:
    """customer.address_created, _updated or _deleted of somebody known."""
    customer = _somebody(world)
    if customer is None:
        return
    chance, fate = world.chance, world.chance.random()
    if fate < 0.4 or not customer.addresses:
        address = new_address(chance, customer.market, customer.first_name, customer.last_name)
        address.kind = "billing" if chance.happens(0.5) else "shipping"
        address.created_at = world.now
        customer.addresses.append(address)
        _tell_created(world, customer, address)
        return
    address = chance.pick(customer.addresses)
    if address.created_at + MINUTE > world.now:
        return
    if fate < 0.8:
        _update(world, customer, address)
    else:
        _delete(world, customer, address)
    yield from ()


def _tell_created(world: World, customer: Customer, address: Address) -> None:
    payload = _address_payload(world.chance, customer, address)
    payload |= {"created_at": clock.text(address.created_at)}
    if world.tell("customer.address_created", payload):
        world.truth.address(address.id, customer.id)


def _update(world: World, customer: Customer, address: Address) -> None:
    address.revision += 1
    moved = new_address(world.chance, customer.market, customer.first_name, customer.last_name)
    address.line_1, address.line_2 = moved.line_1, moved.line_2
    address.zip_code, address.city, address.state = moved.zip_code, moved.city, moved.state
    payload = _address_payload(world.chance, customer, address)
    payload |= {"revision": address.revision, "updated_at": clock.text(world.now)}
    if world.tell("customer.address_updated", payload):
        world.truth.address(address.id, customer.id)


def _delete(world: World, customer: Customer, address: Address) -> None:
    customer.addresses.remove(address)
    payload = {"id": address.id, "customer_id": customer.id, "deleted_at": clock.text(world.now)}
    if world.tell("customer.address_deleted", payload):
        world.truth.address(address.id, customer.id).is_deleted = True


def _somebody(world: World) -> Customer | None:
    people = world.people
    customer = world.chance.pick(people.busy if world.chance.happens(BUSY_SHARE) else people.customers)
    # Nobody is edited before the world has heard of them.
    return customer if customer.created_at + MINUTE < world.now else None


def _customer_payload(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "phone": customer.phone,
    }


def _address_payload(chance: Chance, customer: Customer, address: Address) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": address.id,
        "customer_id": customer.id,
        "type": address.kind,
        "first_name": address.first_name,
        "last_name": address.last_name,
        "address_line_1": address.line_1,
        "address_line1": address.line_1,
        "zip_code": address.zip_code,
        "city": address.city,
        "state": address.state,
        "country_code": address.country,
    }
    if address.line_2:
        payload["address_line_2"] = address.line_2
    return payload | {"phone": address.phone} if chance.happens(0.3) else payload
