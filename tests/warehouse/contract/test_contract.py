"""The contract file as shipped, the keys it makes, and what a wrong file is told."""

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.contract import Contract, FieldType, KeyPart, ListOf, Record, Scalar, load_contract
from warehouse.contract.events import entity_kind
from warehouse.contract.keys import parse_key_part
from warehouse.contract.markdown_table import END, START, render_table
from warehouse.contract.reading import SHIPPED_FILE
from warehouse.errors import ContractError

# The enum of `name` in NewStore's event-stream webhook documentation, in its order.
EVENT_NAMES = (
    "fulfillment_request.assigned",
    "fulfillment_request.items_completed",
    "fulfillment_request.items_failed",
    "fulfillment_request.items_ready_for_handover",
    "order.created",
    "order.opened",
    "order.shipped",
    "order.completed",
    "order.cancelled",
    "order.items_swapped",
    "order.items_cancelled",
    "order.items_on_hold",
    "invoice.created",
    "return.processed",
    "refund_request.issued",
    "payment_account.amount_authorized",
    "payment_account.amount_captured",
    "payment_account.amount_refunded",
    "payment_account.amount_voided",
    "inventory_transaction.items_received",
    "inventory_transaction.items_ready_for_handover",
    "inventory_transaction.asn_created",
    "inventory_transaction.adjustment_created",
    "inventory_count.items_counted",
    "customer.created",
    "customer.updated",
    "customer.address_created",
    "customer.address_updated",
    "customer.address_deleted",
    "employee.created",
    "employee.updated",
)

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.created": json.loads((DATA / "order_created.json").read_text())["payload"],
    **json.loads((DATA / "payloads.json").read_text()),
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def test_the_shipped_contract_knows_all_events(contract: Contract) -> None:
    assert len(EVENT_NAMES) == 31
    events = contract.of_origin("newstore")
    assert sorted(events) == sorted(EVENT_NAMES) == sorted(EXAMPLES)
    assert {event.family for event in contract.events.values()} == set(contract.families)
    assert [event.name for event in events.values() if event.key_source == "documented"] == ["order.created"]


def test_reference_data_have_a_family_of_their_own_and_the_newest_wins(contract: Contract) -> None:
    events = contract.of_origin("reference")
    assert events.keys() | contract.of_origin("newstore").keys() == contract.events.keys()
    assert {event.family for event in events.values()} == {"reference"}
    assert {event.name.partition(".")[0] for event in events.values()} == {"reference"}
    assert {event.key_source for event in events.values()} == {"documented"}
    assert all("loaded_at" in event.fields.fields for event in events.values())


def test_the_contract_is_read_once() -> None:
    assert load_contract() is load_contract()


def test_importing_the_contract_does_not_import_duckdb() -> None:
    code = "import sys, warehouse.contract as c; c.load_contract(); print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# Structures


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_duckdb_reads_every_value_of_an_example(name: str, contract: Contract, con: duckdb.DuckDBPyConnection) -> None:
    event = contract.events[name]
    for structure in (event.duckdb_structure(), contract.family_structure(event.family)):
        read = from_json(con, EXAMPLES[name], structure)
        assert without_nulls(read) == typed(EXAMPLES[name], event.fields)


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_duckdb_reads_every_field_of_the_contract(
    name: str, contract: Contract, con: duckdb.DuckDBPyConnection
) -> None:
    event = contract.events[name]
    payload = filled(event.fields)
    assert isinstance(payload, dict)
    for structure in (event.duckdb_structure(), contract.family_structure(event.family)):
        assert without_nulls(from_json(con, payload, structure)) == typed(payload, event.fields)


def test_a_time_stays_text_and_a_number_sent_as_text_is_read(con: duckdb.DuckDBPyConnection) -> None:
    structure = load_contract().events["customer.updated"].duckdb_structure()
    read = from_json(con, {"revision": "10", "updated_at": "2019-04-11T13: 19: 01.255Z"}, structure)
    assert read["revision"] == 10
    assert read["updated_at"] == "2019-04-11T13: 19: 01.255Z"


def test_leaves_name_every_value(contract: Contract) -> None:
    leaves = dict(contract.events["order.created"].leaves())
    assert leaves["items[].discounts[].value"] is Scalar.NUMBER
    assert leaves["items[].discounts[].externalRef"] is Scalar.TEXT
    assert leaves["discounts[].trigger"] is Scalar.TEXT
    assert leaves["shipping_address.address_line1"] is Scalar.TEXT
    assert leaves["shipping_address.address_line_1"] is Scalar.TEXT
    assert leaves["extended_attributes[].value"] is Scalar.ANY
    assert leaves["grand_total"] is Scalar.MONEY
    assert dict(contract.events["employee.created"].leaves())["roles[]"] is Scalar.TEXT
    fields = contract.events["order.created"].fields
    assert all(fields.at(path) is leaf for path, leaf in leaves.items())


def test_a_family_has_the_fields_of_all_its_events(contract: Contract) -> None:
    for family, fields in contract.families.items():
        events = [event for event in contract.events.values() if event.family == family]
        in_events = {leaf for event in events for leaf in event.leaves()}
        assert set(fields.leaves()) == in_events


def test_an_entity_is_of_the_longest_kind_that_its_name_ends_in(contract: Contract) -> None:
    kinds = ("order", "location", "transaction", "inventory_transaction")
    assert contract.events["order.created"].entities["item"] == "items[].id"
    assert entity_kind("demand_location", kinds) == "location"
    assert entity_kind("inventory_transaction", kinds) == "inventory_transaction"
    assert entity_kind("border", kinds) is None


# Keys


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("order.created", "04d02325-f4ea-4a7b-bfeb-2ff74a0e1a0d"),
        ("order.items_cancelled", "8a1f6c1e-5d0a-4f61-9a55-0b8f3f2d7a10/a4c3c1a8-90e4-4f0a-8f5c-6c6d1a0a4a01"),
        ("payment_account.amount_captured", "8a1f6c1e-5d0a-4f61-9a55-0b8f3f2d7a10/capture:ch_1,capture:ch_2"),
        ("fulfillment_request.assigned", "f-1/175"),
        ("inventory_count.items_counted", "n-1/1"),
        ("customer.updated", "3dd42342-0937-4c12-b393-d2c849a590d5/10"),
        ("customer.address_updated", "ad-1/2/2024-01-02T00:00:00Z"),
        ("customer.address_deleted", "ad-1"),
    ],
)
def test_keys_of_the_examples(name: str, key: str, contract: Contract) -> None:
    assert contract.events[name].idempotency_key(EXAMPLES[name]) == key


def test_every_example_has_a_key(contract: Contract) -> None:
    for name, payload in EXAMPLES.items():
        assert contract.events[name].idempotency_key(payload), name


@pytest.mark.parametrize(
    ("revision", "text"),
    [
        (9, "9"),
        ("9", "9"),
        (9.0, "9"),
        (Decimal("9.00"), "9"),
        (Decimal("1E+2"), "100"),
        (9.5, "9.5"),
        (0, "0"),
        (-1, "-1"),
        (True, ""),
        (None, ""),
        ({"a": 1}, ""),
        ([9], ""),
        ("1/2,3%", "1%2F2%2C3%25"),
        (" 9\t", "9"),
        (1.2e1, "12"),
        (9007199254740993, "9007199254740993"),
        (Decimal("1E+999"), ""),
    ],
)
def test_a_value_has_one_text_however_it_is_sent(revision: object, text: str, contract: Contract) -> None:
    assert contract.events["customer.updated"].idempotency_key({"id": "c", "revision": revision}) == f"c/{text}"


def test_absent_parts(contract: Contract) -> None:
    updated = contract.events["customer.address_updated"]
    assert updated.idempotency_key({"id": "a"}) == "a//"
    assert updated.idempotency_key({"id": "a", "updated_at": "t"}) == "a//t"
    without_id: list[dict[str, object]] = [
        {},
        {"id": None},
        {"id": ""},
        {"id": " "},
        {"id": {}},
        {"id": ["a"]},
        {"revision": 1},
    ]
    for payload in without_id:
        assert updated.idempotency_key(payload) is None


def test_a_list_gives_its_distinct_values_in_order(contract: Contract) -> None:
    cancelled = contract.events["order.items_cancelled"]
    items: list[object] = [{"id": "b"}, {"id": "a,b"}, {"id": "b"}, {"id": None}, {}, "x", None]
    assert cancelled.idempotency_key({"id": "o", "items": items}) == "o/a%2Cb,b"
    without_items: list[object] = [[], None, {}, "items", [[]]]
    for none in without_items:
        assert cancelled.idempotency_key({"id": "o", "items": none}) == "o/"


@given(
    st.lists(st.tuples(st.text("ab%/,2F5C"), st.text("ab%/,2F5C")), min_size=2, max_size=2),
    st.lists(st.text("ab%/,2C", min_size=1), max_size=3),
)
def test_different_values_never_share_a_key(pairs: list[tuple[str, str]], ids: list[str]) -> None:
    updated = load_contract().events["customer.address_updated"]
    keys = [updated.idempotency_key({"id": "x", "revision": one, "updated_at": two}) for one, two in pairs]
    assert (keys[0] == keys[1]) == (pairs[0] == pairs[1])

    cancelled = load_contract().events["order.items_cancelled"]
    key = cancelled.idempotency_key({"id": "x", "items": [{"id": i} for i in ids]})
    joined = cancelled.idempotency_key({"id": "x", "items": [{"id": ",".join(ids)}]})
    assert (key == joined) == (len(ids) < 2)
    assert key == cancelled.idempotency_key({"id": "x", "items": [{"id": i} for i in reversed(ids)]})


def test_key_parts() -> None:
    assert parse_key_part("id") == KeyPart(("id",), through_list=False, optional=False)
    assert parse_key_part("items[].id?") == KeyPart(("items", "id"), through_list=True, optional=True)
    assert parse_key_part("source.location_id") == KeyPart(("source", "location_id"), False, False)
    assert parse_key_part("items[].discounts[].id") is None
    assert parse_key_part("roles[]") is None


# Wrong files

CREATED = '[events."order.created"]\n'
SWAPPED = 'payload = ["order_change"]\nentities = { item ='
TAX = 'tax_class = "text"'
KEY = 'key = ["id"]'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (TAX, 'tax_class = "cash"', "record order_item: field tax_class: unknown type 'cash'"),
        (TAX, 'tax_class = "list of list of x"', "record order_item: field tax_class: unknown type 'x'"),
        (TAX, 'tax_class = "order_item"', "record order_item contains itself"),
        (TAX, "tax_class = 1", "record order_item: field tax_class: a type is a text, not 1"),
        (TAX, 'tax_class = { a = "text" }', "record order_item: field tax_class: a type is a text, not {"),
        (TAX, 'TAX = "text"', "record order_item: field TAX is given twice"),
        (TAX, 'tax = "text"', "not TOML: Cannot overwrite a value (at line"),
        (TAX, '"tax.class" = "text"', "record order_item: field 'tax.class' cannot be part of a path"),
        ('grand_total = "money"', 'grand_total = "cash"', "payload order: field grand_total: unknown type 'cash'"),
        ('shipped_at = "time"  ', 'shipped_at = "date"', "event order.shipped: field shipped_at: unknown type 'date'"),
        ('swapped_at = "time"', 'external_id = "text"', "event order.items_swapped: field external_id is given twice"),
        ('extends = ["changed_item"]', 'extends = ["nothing"]', "record swapped_item: unknown type 'nothing'"),
        ("[records.exchange.fields]", "[records.exchange]", "record exchange: Object contains unknown field"),
        ("[records.attribute.fields]", "[records.text.fields]", "record text: has the name of a type"),
        ("[payloads.chunk.fields]", "[payload.chunk.fields]", "Object contains unknown field `payload`"),
        (KEY, 'key = ["ident"]', "event order.created: key names 'ident', which is not among the fields"),
        (KEY, 'key = ["id?"]', "event order.created: no part of the key is required"),
        (KEY, "key = []", "event order.created: no part of the key is required"),
        (KEY, 'key = ["id", "items[].discounts[].id?"]', "event order.created: key 'items[].discounts[].id?' goes"),
        (KEY, 'key = ["id", "items.id?"]', "event order.created: key names 'items.id', which is not among"),
        (KEY, 'key = ["id", "billing_address?"]', "key names 'billing_address', which has the wrong type"),
        (KEY, 'key = "id"', "event order.created: Expected `array`, got `str` - at `$.key`"),
        ('"documented"\n', '"guessed"\n', "event order.created: Invalid enum value 'guessed' - at `$.key_source`"),
        ('family = "order"', 'family = "orders"', "event order.created: unknown family 'orders'"),
        ('payload = ["order"]', 'payload = ["ordre"]', "event order.created: unknown payload 'ordre'"),
        (KEY, "most_values = 0\n" + KEY, "event order.created: most_values is not a number of values"),
        ('item_id = "id"\n', 'item_id = "ident"\n', "record fulfillment_item: alias item_id cannot stand for ident"),
        ('item_id = "id"\n', 'status = "id"\n', "record fulfillment_item: alias status cannot stand for id"),
        ('    "customer", "address"', '    "person", "customer", "address"', "family person: no event belongs to it"),
        ("future_location = ", "future_place = ", "event order.created: unknown entity 'future_place'"),
        ('customer = "customer_id"', 'customer = "buyer_id"', "entity customer names 'buyer_id', which is not among"),
        (SWAPPED, SWAPPED.replace("item", "order"), "event order.items_swapped: entity order is given twice"),
        (
            'external_id = "text"                # inferred',
            'external_id = "integer"',
            "event order.cancelled: field external_id is integer, but text elsewhere in family order",
        ),
        (
            'cancellation_reason = "text"\nreason',
            'item_type = "number"\nreason',
            "event order.cancelled: field items[].item_type is number, but text elsewhere in family order",
        ),
    ],
)
def test_a_wrong_file_is_refused(old: str, new: str, message: str, tmp_path: Path) -> None:
    text = SHIPPED_FILE.read_text()
    assert old in text
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractError) as caught:
        load_contract(wrong)
    assert message in caught.value.message
    assert "wrong.toml: " in caught.value.message
    assert caught.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="No such file"):
        load_contract(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'a = "\xe9"')
    with pytest.raises(ContractError, match="not UTF-8 at byte 5"):
        load_contract(tmp_path / "latin.toml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(ContractError, match="missing required field `families`"):
        load_contract(tmp_path / "empty.toml")


# The guide


def test_the_table_in_the_guide_is_current(contract: Contract) -> None:
    guide = (ROOT / "docs" / "contract.md").read_text()
    found = re.search(re.escape(START) + "\n(.*?)\n" + re.escape(END), guide, re.DOTALL)
    assert found, "docs/contract.md has lost the markers of its table"
    assert found[1] == render_table(contract), "Paste what `python -m warehouse.contract` prints between the markers"


def test_the_module_prints_the_table(contract: Contract) -> None:
    command = [sys.executable, "-m", "warehouse.contract"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == render_table(contract) + "\n"


# What a payload looks like once DuckDB has read it


def from_json(con: duckdb.DuckDBPyConnection, payload: dict[str, Any], structure: str) -> dict[str, Any]:
    row = con.execute("select from_json(?::json, ?)", [json.dumps(payload), structure]).fetchone()
    assert row is not None
    read: dict[str, Any] = row[0]
    return read


def without_nulls(read: object) -> object:
    if isinstance(read, dict):
        return {name: without_nulls(value) for name, value in read.items() if value is not None}
    return [without_nulls(value) for value in read] if isinstance(read, list) else read


def typed(value: Any, field: FieldType) -> object:
    """The value as DuckDB has to read it; fails on a field the contract does not know."""
    if isinstance(field, Record):
        return {name: typed(inner, field.fields[name]) for name, inner in value.items()}
    if isinstance(field, ListOf):
        return [typed(inner, field.element) for inner in value]
    match field:
        case Scalar.MONEY:
            return Decimal(str(value)).quantize(Decimal("0.0001"))
        case Scalar.INTEGER:
            return int(value)
        case Scalar.OBJECT | Scalar.ANY:
            return json.dumps(value, separators=(",", ":"))
        case _:
            return value


def filled(field: FieldType) -> object:
    """A value for a type, every field given."""
    if isinstance(field, Record):
        return {name: filled(inner) for name, inner in field.fields.items()}
    if isinstance(field, ListOf):
        return [filled(field.element), filled(field.element)]
    return {
        Scalar.TEXT: "é ☃",
        Scalar.UUID: "04d02325-f4ea-4a7b-bfeb-2ff74a0e1a0d",
        Scalar.INTEGER: 2**62,
        Scalar.NUMBER: 0.1,
        Scalar.MONEY: 1234567.8901,
        Scalar.BOOLEAN: False,
        Scalar.TIME: "2024-03-01T09:59:58.554206583Z",
        Scalar.OBJECT: {"sku": "1", "more": [1, None]},
        Scalar.ANY: "text",
    }[field]
