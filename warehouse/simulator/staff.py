"""Employees: hired, promoted, gone."""

from typing import Any, Final

from warehouse.simulator import clock
from warehouse.simulator.people import Employee, new_employee
from warehouse.simulator.places import STORES, Place
from warehouse.simulator.truth import EmployeeTruth
from warehouse.simulator.world import Course, World

AT_FIRST: Final = 4
_ROLES: Final = (["associate"], ["associate", "stock"], ["associate", "manager"])


def fill_stores(world: World) -> None:
    """Those who work there since before anybody listened; only what changes about them will be told."""
    for store in STORES:
        world.staff[store] = []
        for _ in range(AT_FIRST):
            _hire(world, store)


def hire(world: World, store: Place) -> Course:
    """employee.created."""
    employee = _hire(world, store)
    if world.tell("employee.created", _payload(employee)):
        world.truth.employees[employee.id] = EmployeeTruth(True, employee.phone)
    yield from ()


def change(world: World, store: Place) -> Course:
    """employee.updated: another role, or the last day of somebody who is not needed to keep the store open."""
    staff = world.staff[store]
    employee = world.chance.pick(staff)
    if employee.created_at + clock.DAY > world.now:
        return
    if len(staff) > AT_FIRST and world.chance.happens(0.4):
        staff.remove(employee)
        employee.is_active = False
    else:
        employee.roles = list(world.chance.pick(_ROLES))
        if world.asides.happens(0.3):
            employee.phone = _new_phone(world)
    payload = _payload(employee) | {"updated_at": clock.text(world.now)}
    if world.tell("employee.updated", payload):
        world.truth.employees[employee.id] = EmployeeTruth(employee.is_active, employee.phone)
    yield from ()


def _hire(world: World, store: Place) -> Employee:
    employee = new_employee(world.chance, store, world.next_number("employee"), world.now)
    if world.asides.happens(0.6):
        employee.phone = _new_phone(world)
    world.staff[store].append(employee)
    return employee


def _new_phone(world: World) -> str:
    return f"0{world.asides.between(6_000_000_000, 6_999_999_999)}"


def _payload(employee: Employee) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": employee.id,
        "associate_id": employee.associate_id,
        "email": employee.email,
        "first_name": employee.first_name,
        "last_name": employee.last_name,
        "is_active": employee.is_active,
        "roles": employee.roles,
        "created_at": clock.text(employee.created_at),
    }
    return payload | {"phone": employee.phone} if employee.phone else payload
