"""One reading of a payload for the key in the log and for the values in the facts."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.build.sql_functions import add_functions
from warehouse.contract import load_contract
from warehouse.contract.events import MOST_BYTES
from warehouse.contract.keys import escape, list_text, value_text
from warehouse.delivery.delivery import Problem
from warehouse.delivery.envelope import decode
from warehouse.delivery.payload_reading import AS_IT_STANDS, Drift, Reader, Reading

DATA = Path(__file__).parents[2] / "data"
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.created": json.loads((DATA / "order_created.json").read_text())["payload"],
    **json.loads((DATA / "payloads.json").read_text()),
}
# As NewStore sends it, it is without a zone.
EXAMPLES["return.processed"]["returned_at"] += "Z"
CONTRACT = load_contract()
READER = Reader(CONTRACT)
EVENT = "order.created"


def body(payload: str, name: str = EVENT) -> bytes:
    return f'{{"tenant":"t","name":"{name}","published_at":"2026-01-01T00:00:00Z","payload":{payload}}}'.encode()


def read(payload: str, name: str = EVENT) -> Reading | None:
    return READER.read(name, body(payload, name))


def rewritten(payload: str, name: str = EVENT) -> str:
    reading = read(payload, name)
    assert reading is not None
    assert reading.body is not None
    return reading.body.decode().removeprefix('{"payload":')[:-1]


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_are_read_as_they_stand(name: str) -> None:
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps(EXAMPLES[name], separators=separators, ensure_ascii=False)
        reading = read(text, name)
        assert reading is None or reading.body is None
    assert read(json.dumps(EXAMPLES[name] | {"unheard_of": 1}), name) == AS_IT_STANDS


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('{"id":7.0}', '{"id":"7"}'),
        ('{"id":1.2e1}', '{"id":"12"}'),
        ('{"id":"o "}', '{"id":"o"}'),
        ('{"id":"o\\t\\n"}', '{"id":"o"}'),
        ('{"id":"o","id":"p"}', '{"id":"p"}'),
        ('{"id":"o","x":{"a":1,"a":2}}', '{"id":"o","x":{"a":2}}'),
        ('{"id":"o","channel":true,"customer_id":{"id":"c"}}', '{"id":"o","channel":null,"customer_id":null}'),
        ('{"id":"o","subtotal":true,"grand_total":1.50}', '{"id":"o","subtotal":null,"grand_total":1.50}'),
        ('{"id":"o","channel":1.5,"tax_total":1e999}', '{"id":"o","channel":"1.5","tax_total":1E+999}'),
        (
            '{"id":"o","items":[{"quantity":1.6},{"quantity":2.0}]}',
            '{"id":"o","items":[{"quantity":null},{"quantity":2}]}',
        ),
        ('{"id":"o","placed_at":"2024-01-01t12:00:00z"}', '{"id":"o","placed_at":"2024-01-01T12:00:00.000000Z"}'),
        ('{"id":"o","placed_at":"soon"}', '{"id":"o","placed_at":null}'),
    ],
)
def test_what_is_written_otherwise_is_rewritten(sent: str, expected: str) -> None:
    assert rewritten(sent) == expected


def test_of_a_repeated_member_of_the_envelope_the_last_one_counts() -> None:
    twice = body('{"id":"o1"}')[:-1] + b',"payload":{"id":"o2"},"name":"order.opened"}'
    delivery = decode(twice, 0)
    assert (delivery.name, delivery.idempotency_key) == ("order.opened", "o2")
    assert READER.read(delivery.name, twice) == Reading(
        None, "o2", b'{"payload":{"id":"o2"}}', (Drift("", "repeated_field", None, "object"),)
    )


def test_findings_name_the_field_and_are_bounded() -> None:
    reading = read('{"id":"o","placed_at":"2024-01-01","created_at":"soon","items":[{"id":"i","id":"j"}]}')
    assert reading is not None
    assert set(reading.findings) == {
        Drift("placed_at", "time_without_zone", "time", "text"),
        Drift("created_at", "unreadable_time", "time", "text"),
        Drift("items[].id", "repeated_field", None, "text"),
    }
    many = read('{"id":"o",' + ",".join(f'"k{n}":1,"k{n}":2' for n in range(1000)) + "}")
    assert many is not None
    assert len(many.findings) == 100


def test_what_is_known_by_its_name() -> None:
    roles = '{"id":"e","roles":[{"id":"1","name":"manager","is_readonly":true},"clerk",null]}'
    assert json.loads(rewritten(roles, "employee.created"))["roles"] == ["manager", "clerk", None]
    attributes = '{"id":"c","extended_attributes":{"vip":{"data_type":"boolean","value":true},"size":"M"}}'
    assert json.loads(rewritten(attributes, "customer.created"))["extended_attributes"] == [
        {"data_type": "boolean", "value": True, "name": "vip"},
        {"value": "M", "name": "size"},
    ]


@pytest.mark.parametrize(
    ("item", "identity"),
    [
        ('{"item_id":"i"}', "i"),
        ('{"item_id":"i","id":null}', "i"),
        ('{"item_id":"i","id":" "}', "i"),
        ('{"item_id":7.0}', "7"),
        ('{"item_id":"i","id":"j "}', "j"),
    ],
)
def test_another_name_of_a_field_counts_where_it_says_nothing(item: str, identity: str) -> None:
    sent = f'{{"id":"f","items":[{item}]}}'
    assert json.loads(rewritten(sent, "fulfillment_request.assigned"))["items"][0]["id"] == identity


def test_what_is_too_large_is_no_event() -> None:
    most = CONTRACT.events[EVENT].most_values
    lines = ",".join(["{}"] * (most + 1))
    for data in (body(f'{{"id":"o","items":[{lines}]}}'), body(f'{{"id":"o","channel":"{"x" * MOST_BYTES}"}}')):
        assert decode(data, 0).problem is Problem.TOO_LARGE
        # Also of a delivery that was taken for an event when there was no such bound.
        assert READER.read(EVENT, data) == Reading(Problem.TOO_LARGE)
    fits = body(f'{{"id":"o","items":[{",".join(["{}"] * (most - 5))}]}}')
    assert decode(fits, 0).problem is None
    assert CONTRACT.events["inventory_count.items_counted"].most_values >= 4 * 50_000


def test_a_key_of_blanks_is_none() -> None:
    assert decode(body('{"id":" "}'), 0).problem is Problem.MISSING_KEY
    assert read('{"id":" "}') == Reading(Problem.MISSING_KEY)


# What stands for a value by chance, as it is written.
VALUES = [
    *("null", "true", "false", "0", "-0", "-0.0", "7", "7.0", "70e-1", "1.2e1", "12", "1.5", "1e22", "1e999", "1e-999"),
    *("1e99999999999999999999", "-1e-99999999999999999999", "0e99999999999999999999", "1E+5", "0.1e-500"),
    *("9007199254740993", "9007199254740993.0", "18446744073709551616", "1" * 30, "9" * 5_000, "-9223372036854775809"),
    *('""', '" "', '"7"', '" 7 "', '"7.0"', '"a"', '"a "', '"\\ta"', '"a\\u0020"', '"\\u0061"', '"a b"', '"a\\"  b"'),
    *('"é"', '"\\u00e9"', '"a/b,c%"', '"\\/"', "[]", "{}", '["a"]', '{"id":"a"}', '{"a":1,"a":2}', "[1.0,{}]"),
    *('"2024-01-01T00:00:00Z"', '"2024-01-01"', '"2024-01-01T24:00:00 UTC"', '"\u00a0a"', '"\\u2003"'),
]


def written(chance: random.Random, names: list[str], depth: int = 0) -> Iterator[str]:
    """The members of an object by chance, some of them twice, with blanks between them or without."""
    blank = chance.choice(["", "", " ", "\n "])
    for name in chance.choices(names, k=chance.randint(0, 5)):
        label = f'"{name}"' if chance.random() < 0.9 else f'"\\u{ord(name[0]):04x}{name[1:]}"'
        if name in ("items", "transactions") and depth == 0 and chance.random() < 0.9:
            lines = [
                "{" + ",".join(written(chance, ["id", "item_id", "product_id"], 1)) + "}"
                for _ in range(chance.randint(0, 3))
            ]
            if chance.random() < 0.1:
                lines.append(chance.choice(VALUES))
            yield f"{blank}{label}{blank}:{blank}[{','.join(lines)}]"
        else:
            yield f"{blank}{label}:{blank}{chance.choice(VALUES)}"


def text_of(part: Any) -> str:
    return "" if part is None else value_text(part)


def test_the_receiver_and_duckdb_read_the_same(seed: int) -> None:
    """Of every key that the receiver makes, the values that DuckDB reads in its place make the same one."""
    chance = random.Random(seed)
    deliveries = []
    for _ in range(3_000):
        event = chance.choice(list(CONTRACT.events.values()))
        tops = sorted({part.path[0] for part in event.key_parts} | {"order_id", "unheard_of", "items"})
        members = list(written(chance, tops))
        if chance.random() < 0.8:
            members.append(f'"id":{chance.choice(VALUES)}')
        deliveries.append(decode(body("{" + ",".join(members) + "}", event.name), 0, with_reference=True))
    assert {delivery.problem for delivery in deliveries} == {None, Problem.MISSING_KEY}
    compared = 0
    with duckdb.connect() as con:
        add_functions(con)
        for event in CONTRACT.events.values():
            # What has a problem is not read any further.
            some = [one for one in deliveries if one.name == event.name and one.problem is None]
            rows = con.execute(
                """
                with log as materialized (select unnest($keys) as key, unnest($bodies) as body),
                read as materialized (select *, read_delivery($name, body) as reading from log)
                select
                    reading.problem,
                    coalesce(reading.idempotency_key, key),
                    from_json(body_as_read($name, body), $structure).payload
                from read
                """,
                {
                    "name": event.name,
                    "keys": [one.idempotency_key for one in some],
                    "bodies": [one.body.decode() for one in some],
                    "structure": f'{{"payload": {event.duckdb_structure()}}}',
                },
            ).fetchall()
            for one, (problem, key, payload) in zip(some, rows, strict=True):
                assert (problem, key) == (None, one.idempotency_key), one.body
                # Whole numbers stay what they were sent as in keys: what is none reads as nothing.
                of_text = [part for part in event.key_parts if str(event.fields.at(path(part))) in ("text", "uuid")]
                texts = dict(zip(event.key_parts, key.split("/"), strict=True))
                for part in of_text:
                    assert texts[part] == typed_key(part, payload), (one.body, payload)
                    compared += 1
    assert compared > 1_500


def path(part: Any) -> str:
    return ".".join(part.path) if not part.through_list else f"{part.path[0]}[].{'.'.join(part.path[1:])}"


def typed_key(part: Any, payload: dict[str, Any]) -> str:
    first = payload[part.path[0]]
    if part.through_list:
        return list_text((line or {}).get(part.path[1]) for line in first or [])
    return escape(text_of(first))
