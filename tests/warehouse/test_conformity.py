"""The strict decoder says of a payload that nothing in it differs from the contract, and never so when it does."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.conformity import MOST_BYTES, Conformity, add_function
from warehouse.contract import load_contract
from warehouse.contract.names import EVENT_NAMES

DATA = Path(__file__).parents[1] / "data"
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.created": json.loads((DATA / "order_created.json").read_text())["payload"],
    **json.loads((DATA / "payloads.json").read_text()),
}
# There it is a text, as NewStore sends it, which is read and yet not what the contract says.
EXAMPLES["customer.updated"]["revision"] = 10


@pytest.fixture(scope="module")
def conformity() -> Conformity:
    return Conformity(load_contract())


def body(payload: object) -> bytes:
    return json.dumps({"tenant": "acme", "name": "not looked at", "payload": payload}).encode()


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_examples_of_all_events_conform(conformity: Conformity, name: str) -> None:
    assert conformity.holds(name, body(EXAMPLES[name]))
    assert conformity.holds(name, body({}))
    assert conformity.holds(name, body(dict.fromkeys(EXAMPLES[name])))
    assert not conformity.holds(name, body({**EXAMPLES[name], "unheard_of": 1}))


@pytest.mark.parametrize(
    "payload",
    [
        {"subtotal": "58"},
        {"subtotal": True},
        {"subtotal": 10**12},
        {"is_exchange": 0},
        {"associate_id": 4},
        {"placed_at": "yesterday"},
        {"placed_at": ""},
        {"placed_at": 20260301},
        {"billing_address": "Elm St 1"},
        {"billing_address": {"planet": "earth"}},
        {"items": {}},
        {"items": ["i"]},
        {"items": [{"quantity": 1.0}]},
        {"items": [{"quantity": "1"}]},
        {"items": [{"quantity": 2**63}]},
        {"items": [{"external_identifiers": []}]},
        {"items": [{"discounts": [{"value": 2**64}]}]},
        {"items": [{"a.b": 1}]},
        [],
        None,
        "text",
    ],
)
def test_what_differs_does_not(conformity: Conformity, payload: object) -> None:
    assert not conformity.holds("order.created", body(payload))


def test_what_has_no_fields_of_its_own_may_hold_anything(conformity: Conformity) -> None:
    free = {"external_identifiers": {"sku": 1, "more": [None, {}]}}
    assert conformity.holds("order.created", body({"items": [free, None], "extended_attributes": [{"value": [1, {}]}]}))


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"tenant": "acme"}', b'{"payload": {"id": "\xff"}}'])
def test_what_is_no_envelope_does_not(conformity: Conformity, data: bytes) -> None:
    assert not conformity.holds("order.created", data)


def test_what_takes_too_long_to_find_out_does_not(conformity: Conformity) -> None:
    assert not conformity.holds("consumer_profile.deleted", body({}))
    assert not conformity.holds(None, body({}))
    assert conformity.holds("order.created", body({"id": "x" * (MOST_BYTES // 2)}))
    assert not conformity.holds("order.created", body({"id": "x" * MOST_BYTES}))
    deep = b'{"payload": {"extended_attributes": [{"value": ' + b"[" * 4000 + b"]" * 4000 + b"}]}}"
    assert conformity.holds("order.created", deep) in (True, False)


def test_queries_ask_the_same_of_rows(conformity: Conformity) -> None:
    rows: list[tuple[str | None, str | None]] = [
        *((name, body(payload).decode()) for name, payload in EXAMPLES.items()),
        ("order.created", "{"),
        ("order.created", None),
        (None, body({}).decode()),
        ("nobody's", "{}"),
    ]
    with duckdb.connect() as con:
        add_function(con)
        con.execute("create table deliveries (name varchar, body varchar)")
        con.executemany("insert into deliveries values (?, ?)", rows)
        with con.cursor() as other:
            found = other.execute("select name, body, conforms_to_contract(name, body) from deliveries").fetchall()
    said = {(name, text): holds for name, text, holds in found}
    assert {pair: bool(holds) for pair, holds in said.items()} == {
        (name, text): conformity.holds(name, None if text is None else text.encode()) for name, text in rows
    }
