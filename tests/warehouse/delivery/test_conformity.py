"""The strict decoder says of a payload that nothing in it differs from the contract, and never so when it does."""

import json
from pathlib import Path
from typing import Any

import pytest

from warehouse.contract import load_contract
from warehouse.delivery.conformity import MOST_BYTES, Decode, holds, strict_decoder

DATA = Path(__file__).parents[2] / "data"
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.created": json.loads((DATA / "order_created.json").read_text())["payload"],
    **json.loads((DATA / "payloads.json").read_text()),
}
# There it is a text, as NewStore sends it, which is read and yet not what the contract says.
EXAMPLES["customer.updated"]["revision"] = 10
# And this one is without a zone.
EXAMPLES["return.processed"]["returned_at"] += "Z"


@pytest.fixture(scope="module")
def decoders() -> dict[str, Decode]:
    return {name: strict_decoder(event.fields) for name, event in load_contract().events.items()}


def body(payload: object) -> bytes:
    return json.dumps({"tenant": "acme", "name": "not looked at", "payload": payload}).encode()


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_all_events_conform(decoders: dict[str, Decode], name: str) -> None:
    assert holds(decoders[name], body(EXAMPLES[name]))
    assert holds(decoders[name], body({}))
    assert holds(decoders[name], body(dict.fromkeys(EXAMPLES[name])))
    assert not holds(decoders[name], body({**EXAMPLES[name], "unheard_of": 1}))


@pytest.mark.parametrize(
    "payload",
    [
        {"subtotal": "58"},
        {"subtotal": True},
        {"subtotal": 10**12},
        {"is_exchange": 0},
        {"associate_id": 4},
        {"placed_at": "yesterday"},
        {"placed_at": "2024-01-01T00:00:00"},
        {"placed_at": "2024-02-30T00:00:00Z"},
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
def test_what_differs_does_not(decoders: dict[str, Decode], payload: object) -> None:
    assert not holds(decoders["order.created"], body(payload))


def test_what_has_no_fields_of_its_own_may_hold_anything(decoders: dict[str, Decode]) -> None:
    free = {"external_identifiers": {"sku": 1, "more": [None, {}]}}
    assert holds(decoders["order.created"], body({"items": [free, None], "extended_attributes": [{"value": [1, {}]}]}))


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b'{"tenant": "acme"}', b'{"payload": {"id": "\xff"}}'])
def test_what_is_no_envelope_does_not(decoders: dict[str, Decode], data: bytes) -> None:
    assert not holds(decoders["order.created"], data)


def test_what_takes_too_long_to_find_out_does_not(decoders: dict[str, Decode]) -> None:
    assert holds(decoders["order.created"], body({"id": "x" * (MOST_BYTES // 2)}))
    assert not holds(decoders["order.created"], body({"id": "x" * MOST_BYTES}))
    deep = b'{"payload": {"extended_attributes": [{"value": ' + b"[" * 4000 + b"]" * 4000 + b"}]}}"
    assert holds(decoders["order.created"], deep) in (True, False)
