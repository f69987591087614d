"""Every field whose name says that it holds something of a person is in the contract's list of what is personal."""

import re

import pytest

from warehouse.contract import EventContract, load_contract

TELLING = re.compile(
    r"email|phone|first_name|last_name|second_name|full_name|customer_name|associate_name|company_name|salutation"
    r"|address_line|zip_code|^city$|birth|message|last4|customer_id|associate_id"
)
EVENTS = load_contract().of_origin("newstore")


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_a_field_with_a_telling_name_is_personal(event: EventContract) -> None:
    personal = {field.path for field in event.personal}
    leaves = [path for path, _ in event.leaves() if TELLING.search(path.rpartition(".")[2])]
    assert [path for path in leaves if not any(path == one or path.startswith(f"{one}.") for one in personal)] == []


def test_nothing_that_is_counted_by_is_personal() -> None:
    money_and_things = {"grand_total", "product_id", "currency", "country", "country_code", "state", "items[].id"}
    assert not [field for event in EVENTS.values() for field in event.personal if field.path in money_and_things]
