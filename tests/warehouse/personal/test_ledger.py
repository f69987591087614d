"""Whoever is in the ledger is taken out of a delivery; nobody else is, and nothing of it is changed twice."""

import json
from typing import Any

import pytest

from tests.erased_home import ADDRESS, CUSTOMER, EMAIL, envelope, order
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.delivery.erased_mark import erased_mark, received_hash
from warehouse.delivery.payload_hash import payload_hash
from warehouse.errors import NoteError
from warehouse.personal.ledger import Identity, Ledger, ledger_path
from warehouse.personal.named import Named
from warehouse.settings import Settings

NOBODY: dict[str, set[str]] = {name: set() for name in Named.__struct_fields__}
LONG_AGO = 1_700_000_000_000_000


@pytest.fixture
def ledger(settings: Settings) -> Ledger:
    """A ledger that is read again after a customer was put into it."""
    customer = {"customers": {CUSTOMER}, "addresses": {ADDRESS}, "emails": {EMAIL.casefold()}, "orders": {"o-mine"}}
    Ledger(settings).add([Identity("customer", "acme", Named(**{**NOBODY, **customer}))])
    return Ledger(settings)


def erased(ledger: Ledger, name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(ledger.applied(delivered(name, payload)).body)["payload"])


def delivered(name: str, payload: dict[str, Any]) -> Delivery:
    return decode(envelope(name, payload), LONG_AGO)


def test_the_ledger_has_no_value_of_the_person(settings: Settings, ledger: Ledger) -> None:
    written = ledger_path(settings).read_text()
    assert ledger.open
    assert not [value for value in (CUSTOMER, ADDRESS, EMAIL, EMAIL.casefold(), "o-mine") if value in written]


def test_numbers_and_products_stay_as_they_are(ledger: Ledger) -> None:
    payload = order("o-1", customer_id=CUSTOMER, customer_email=EMAIL)
    body = envelope("order.created", payload).replace(b"58.1,", b"58.10000000000000000001,")
    left = ledger.applied(decode(body, LONG_AGO)).body
    assert b'"grand_total":58.10000000000000000001,' in left or b"58.10000000000000000001" in left
    assert json.loads(left)["payload"]["items"] == json.loads(body)["payload"]["items"]


def test_an_erased_body_has_the_hash_of_what_was_received(ledger: Ledger) -> None:
    before = delivered("customer.created", {"id": CUSTOMER, "email": EMAIL})
    after = ledger.applied(before)
    assert received_hash(after.body) == payload_hash(before.body) != payload_hash(after.body)
    assert after.idempotency_key == decode(after.body, 0).idempotency_key != before.idempotency_key
    broken = after.body.replace(b"erased.invalid", b"erased.invalyd")
    assert erased_mark(broken) is None
    assert received_hash(broken) == payload_hash(broken)


def test_to_erase_twice_changes_nothing(ledger: Ledger) -> None:
    once = ledger.applied(delivered("order.created", order("o-mine", customer_id=CUSTOMER, customer_name="Anna")))
    assert ledger.applied(once) is once


def test_an_id_has_one_pseudonym_everywhere(ledger: Ledger) -> None:
    customer = erased(ledger, "customer.created", {"id": CUSTOMER, "email": EMAIL})
    address = erased(ledger, "customer.address_created", {"id": ADDRESS, "customer_id": CUSTOMER, "city": "Bonn"})
    mine = erased(ledger, "order.created", order("o-1", customer_id=CUSTOMER, customer_email=EMAIL.upper()))
    assert customer["id"] == address["customer_id"] == mine["customer_id"]
    assert customer["email"] == mine["customer_email"]
    assert (address["city"], mine["grand_total"]) == (None, 58.1)


def test_what_belongs_to_the_order_is_found_by_it(ledger: Ledger) -> None:
    refund = {"id": "r", "order_id": "o-mine", "amount": 5, "note": "call her"}
    assert erased(ledger, "refund_request.issued", refund) == refund | {"note": None}


@pytest.mark.parametrize(
    "more",
    [
        {"customer_id": "somebody-else", "shipping_address": {"first_name": "Bo"}},
        {"customer_email": "bo@example.com"},
        {"customer_id": CUSTOMER[:-1], "customer_name": "Zz"},
    ],
)
def test_others_are_left_alone(ledger: Ledger, more: dict[str, Any]) -> None:
    one = delivered("order.created", order("o-2", **more))
    assert ledger.applied(one) is one


def test_an_address_in_an_order_of_somebody_else_goes_alone(ledger: Ledger) -> None:
    more = {"customer_id": "somebody-else", "customer_name": "Bo", "shop_note": f"for {EMAIL}"}
    assert erased(ledger, "order.created", order("o-2", **more)) == order("o-2", **more | {"shop_note": ""})


@pytest.mark.usefixtures("ledger")
def test_a_ledger_that_cannot_be_read_is_an_error(settings: Settings) -> None:
    ledger_path(settings).write_bytes(b"{")
    with pytest.raises(NoteError, match="cannot be read"):
        Ledger(settings)
