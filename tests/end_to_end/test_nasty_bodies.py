"""Bodies that break parsers, one of each kind and many by chance, in one home with a good event.

All are kept as they were sent and answered 200, each has its problem where it has one, and the refresh does not notice.
"""

import copy
import http.client
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from tests.live import Receiver, exchange, running
from warehouse.contract import load_contract
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

DATA = Path(__file__).parents[1] / "data"
SAMPLE = (DATA / "order_created.json").read_bytes()
CHANCES = 300
DEEP = 10_000


def nasty(payload: bytes, name: bytes = b"order.created", published_at: bytes = b'"2026-01-01T00:00:00Z"') -> bytes:
    """An envelope of another tenant than the good event's; what goes in is JSON already, or something like it."""
    return b'{"tenant":"nasty","name":"%s","published_at":%s,"payload":%s}' % (name, published_at, payload)


LEAST, GREATEST = b"-%d" % 2**63, b"%d" % (2**63 - 1)
MUCH_MONEY = b"90000000000000"
# Numbers that fit, and whose sums and differences do not.
SUMS: dict[str, tuple[bytes, str | None]] = {
    "a count beyond its stock": (
        nasty(
            b'{"id":"c","fulfillment_location_id":"L","completed_at":"2026-01-01T00:00:00Z","items":['
            b'{"product_id":"p","stock_on_hand":%s,"count":%s}]}' % (LEAST, GREATEST),
            b"inventory_count.items_counted",
        ),
        None,
    ),
    "stock found beyond a count": (
        nasty(
            b'{"id":"a","fulfillment_node_id":"L","processed_at":"2026-01-02T00:00:00Z","destination_stock_location_name"'
            b':"main","items":[{"product_id":"p","quantity":%s},{"product_id":"p","quantity":%s}]}'
            % (GREATEST, GREATEST),
            b"inventory_transaction.adjustment_created",
        ),
        None,
    ),
    "stock lost below nothing": (
        nasty(
            b'{"id":"b","fulfillment_node_id":"L","processed_at":"2026-01-03T00:00:00Z","origin_stock_location_name"'
            b':"main","items":[{"product_id":"q","quantity":%s}]}' % LEAST,
            b"inventory_transaction.adjustment_created",
        ),
        None,
    ),
    "a transfer of more than there is": (
        nasty(
            b'{"id":"t","origin_id":"L","items":[{"product_id":"p","quantity":%s},{"product_id":"q","quantity":%s}]}'
            % (GREATEST, GREATEST),
            b"inventory_transaction.asn_created",
        ),
        None,
    ),
    "an order of all money": (
        nasty(
            b'{"id":"rich","currency":"EUR","created_at":"2026-01-01T00:00:00Z","items":['
            b'{"id":"i","pricebook_price":%s,"item_discounts":-%s},{"id":"j","pricebook_price":%s,"tax":%s}]}'
            % (MUCH_MONEY, MUCH_MONEY, MUCH_MONEY, MUCH_MONEY)
        ),
        None,
    ),
}

# Each with its problem; None is an event, to be built into the marts.
LISTED: dict[str, tuple[bytes, str | None]] = {
    **SUMS,
    "empty": (b"", "not_json"),
    "blanks": (b" \r\n\t ", "not_json"),
    "a NUL": (b"\x00", "not_json"),
    "NULs around": (b"\x00" + nasty(b'{"id":"nul-around"}') + b"\x00", "not_json"),
    "byte order mark": (b"\xef\xbb\xbf" + nasty(b'{"id":"bom"}'), "not_json"),
    "UTF-16": (nasty(b'{"id":"utf-16"}').decode().encode("utf-16"), "not_utf8"),
    "invalid UTF-8 in a text": (nasty(b'{"id":"utf-8","channel":"\xc3\x28"}'), "not_utf8"),
    "overlong UTF-8": (nasty(b'{"id":"overlong","channel":"\xc0\x80"}'), "not_utf8"),
    "a surrogate in UTF-8": (nasty(b'{"id":"cesu","channel":"\xed\xa0\x80"}'), "not_utf8"),
    "NaN": (nasty(b'{"id":"nan","subtotal":NaN}'), "not_json"),
    "Infinity": (nasty(b'{"id":"infinity","subtotal":-Infinity}'), "not_json"),
    "single quotes": (b"{'tenant':'nasty'}", "not_json"),
    "a comment": (b"/* */" + nasty(b'{"id":"comment"}'), "not_json"),
    "a trailing comma": (nasty(b'{"id":"comma",}'), "not_json"),
    "two documents": (nasty(b'{"id":"first"}') + nasty(b'{"id":"second"}'), "not_json"),
    "cut off": (SAMPLE[:-30], "not_json"),
    "a raw line feed in a text": (nasty(b'{"id":"line\nfeed"}'), "not_json"),
    "a bad escape": (nasty(b'{"id":"\\x41"}'), "not_json"),
    "leading zeros": (nasty(b'{"id":"zeros","subtotal":007}'), "not_json"),
    "form": (b"tenant=nasty&name=order.created", "not_json"),
    "XML": (b'<?xml version="1.0"?><order id="1"/>', "not_json"),
    "an array": (b"[" + nasty(b'{"id":"in-array"}') + b"]", "not_an_envelope"),
    "a number": (b"1e400", "not_an_envelope"),
    "a text": (b'"order.created"', "not_an_envelope"),
    "true": (b"true", "not_an_envelope"),
    "null": (b"null", "not_an_envelope"),
    "an empty object": (b"{}", "not_an_envelope"),
    "a payload that is an array": (nasty(b"[]"), "not_an_envelope"),
    "a payload in a text": (nasty(b'"{\\"id\\":1}"'), "not_an_envelope"),
    "no name": (b'{"tenant":"nasty","published_at":"2026-01-01T00:00:00Z","payload":{"id":"x"}}', "not_an_envelope"),
    "an unknown name": (nasty(b'{"id":"x"}', name=b"order.teleported"), "unknown_name"),
    "a name that is SQL": (nasty(b'{"id":"x"}', name=b"'; drop table log.events; --"), "unknown_name"),
    "a name of 100 kB": (nasty(b'{"id":"x"}', name=b"n" * 100_000), "unknown_name"),
    "no id": (nasty(b'{"di":"x"}'), "missing_key"),
    "an id that is null": (nasty(b'{"id":null}'), "missing_key"),
    "yesterday": (nasty(b'{"id":"yesterday"}', published_at=b'"yesterday"'), "bad_published_at"),
    "a time that is a number": (nasty(b'{"id":"epoch"}', published_at=b"1767225600"), "bad_published_at"),
    "the 30th of February": (nasty(b'{"id":"feb"}', published_at=b'"2026-02-30T00:00:00Z"'), "bad_published_at"),
    "the year 9999": (nasty(b'{"id":"y9999"}', published_at=b'"9999-12-31T23:59:59.999999Z"'), None),
    "the year 1": (nasty(b'{"id":"y1"}', published_at=b'"0001-01-01T00:00:00Z"'), None),
    "duplicate keys": (nasty(b'{"id":"twice-1","id":"twice-2","channel":"a","channel":"b"}'), None),
    "a duplicate envelope": (b'{"name":"x","payload":{},' + nasty(b'{"id":"envelope-twice"}')[1:], None),
    "a lone surrogate": (nasty(b'{"id":"surrogate","channel":"\\ud800","external_id":"\\udc00\\ud800"}'), "not_json"),
    "NUL in a text": (nasty(b'{"id":"nul","channel":"a\\u0000b","external_id":"\\u0000"}'), None),
    "a lone surrogate in an id": (nasty(b'{"id":"\\udfff"}'), "not_json"),
    "NUL in an id": (nasty(b'{"id":"n\\u0000ul"}'), None),
    "2^53 + 1": (nasty(b'{"id":"precise","subtotal":123456789012.34,"grand_total":9007199254740993}'), None),
    "an integer of 5,000 digits": (nasty(b'{"id":"digits","subtotal":' + b"9" * 5_000 + b"}"), None),
    "1e999": (nasty(b'{"id":"1e999","subtotal":1e999,"grand_total":-1e999}'), None),
    "1e-999": (nasty(b'{"id":"1e-999","subtotal":1e-999}'), None),
    "money of 40 digits": (
        nasty(b'{"id":"40","grand_total":' + b"1" * 40 + b'.5,"subtotal":0.' + b"1" * 40 + b"}"),
        None,
    ),
    "every type where another belongs": (
        nasty(b'{"id":"types","items":"none","discounts":{},"is_exchange":"yes","subtotal":[1],"created_at":{"a":1}}'),
        None,
    ),
    "an id that is a number": (nasty(b'{"id":9007199254740993}'), None),
    "an id that is 1 MB": (nasty(b'{"id":"' + b"i" * 10**6 + b'"}'), None),
    "an empty id": (nasty(b'{"id":""}'), "missing_key"),
    "10 MB in a text": (nasty(b'{"id":"10-mb","channel":"' + b"x" * 10_000_000 + b'"}'), None),
    "20 MB in a text": (nasty(b'{"id":"20-mb","channel":"' + b"x" * 20_000_000 + b'"}'), "too_large"),
    "10,000 items": (nasty(b'{"id":"items","items":[' + b",".join([b'{"id":"i"}'] * 10_000) + b"]}"), None),
    "10,000 levels deep": (nasty(b'{"id":"deep","x":' + b"[" * DEEP + b"]" * DEEP + b"}"), "not_json"),
    "10,000 objects deep": (
        nasty(b'{"id":"deeper","items":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}"),
        "not_json",
    ),
    "800 levels deep": (nasty(b'{"id":"800","x":' + b"[" * 800 + b"]" * 800 + b"}"), None),
    "800 objects deep": (nasty(b'{"id":"800-o","items":' + b'{"a":' * 800 + b"1" + b"}" * 800 + b"}"), None),
    "only deep": (b"[" * DEEP + b"]" * DEEP, "not_json"),
    "50,000 keys": (nasty(b'{"id":"keys",' + b",".join(b'"k%d":1' % i for i in range(50_000)) + b"}"), None),
    "3,000,000 items": (nasty(b'{"id":"3-million","items":[' + b",".join([b"{}"] * 3_000_000) + b"]}"), "too_large"),
    "a million ids": (
        nasty(b'{"id":"ids","items":[' + b",".join([b'{"id":1}'] * 10**6) + b"]}", b"order.items_swapped"),
        "too_large",
    ),
    "the end of a day": (nasty(b'{"id":"24:00"}', published_at=b'"2026-01-01T24:00:00Z"'), None),
    "an exponent of 20 digits": (nasty(b'{"id":"exponent ","subtotal":1e99999999999999999999}'), None),
    "keys that are none": (nasty(b'{"id":"strange","":1,"a.b":2,"$":3,"a\\"b":4,"\\u0000":5,"__proto__":6}'), None),
    "right to left": (nasty('{"id":"rtl","channel":"\u202egnp.exe\u202c \U0001f600 é"}'.encode()), None),
    "clocks that disagree": (
        nasty(
            b'{"id":"f","order_id":"clocks","logical_timestamp":2,"items":[{"id":"i"}]}',
            b"fulfillment_request.assigned",
        ),
        None,
    ),
    "an order from the future": (
        nasty(b'{"id":"clocks","placed_at":"2096-01-01T00:00:00Z","items":[{"id":"i"}]}'),
        None,
    ),
}

VALUES: list[Any] = [
    *(None, True, False, 0, -1, 2**53 + 1, -(2**63), 2**64, 10**30, 1.5e308, 5e-324, 0.1),
    *("", " ", "null", "NaN", "1e999", "-0", "'; --", "\u0000", "\ud800", "\ufeff", "x" * 10_000),
    *("2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"),
    *([], [None], [[]], [1, "a", {}], {}, {"": {}}, {"id": {"id": []}}, [{"id": None}], [{"id": [1]}, 7]),
]


def by_chance(chance: random.Random) -> Iterator[bytes]:
    """Payloads of every event NewStore sends, each with some of its values replaced by what does not belong there."""
    payloads = {"order.created": json.loads(SAMPLE)["payload"], **json.loads((DATA / "payloads.json").read_text())}
    names = sorted(load_contract().of_origin("newstore"))
    for number in range(CHANCES):
        name = names[number % len(names)]
        payload = copy.deepcopy(payloads[name])
        for _ in range(chance.randint(1, 6)):
            _spoil(payload, chance)
        published_at = f"2026-01-{chance.randint(1, 28):02}T00:00:00Z"
        event = {"tenant": "chance", "name": name, "published_at": published_at, "payload": payload}
        body = json.dumps(event, ensure_ascii=True).encode()
        if chance.random() < 0.1:
            # Some are damaged as bytes, too.
            place = chance.randrange(len(body))
            body = body[:place] + bytes([chance.randrange(256)]) + body[place + chance.randrange(3) :]
        yield body


def _spoil(node: Any, chance: random.Random) -> None:
    while True:
        keys: list[Any] = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(node[key], dict | list) and chance.random() < 0.7:
            node = node[key]
            continue
        node[key] = copy.deepcopy(chance.choice(VALUES))
        return


@pytest.fixture(scope="module")
def seed() -> int:
    return random.randrange(2**32)


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[bytes]]]:
    """The lake of a home that was sent all of it, the good event in the middle; and the bodies in their order."""
    sys.stdout.write(f"seed {seed}\n")
    home = tmp_path_factory.mktemp("nasty") / "home"
    bodies = [body for body, _ in LISTED.values()] + list(by_chance(random.Random(seed)))
    bodies.insert(len(LISTED) // 2, SAMPLE)
    with running(home, workers=1) as receiver:
        assert _post(receiver, bodies) == [200] * len(bodies)
        assert [delivery.body for delivery in receiver.stored()] == bodies
        assert "Traceback" not in receiver.errors()
        refresh(Settings(home=home, memory=10**9))
    with warehouse.connect(home) as con:
        yield con, bodies


def _post(receiver: Receiver, bodies: list[bytes]) -> list[int]:
    connection: http.client.HTTPConnection = receiver.connect()
    statuses = [exchange(connection, body=body).status for body in bodies]
    connection.close()
    return statuses


Told = tuple[duckdb.DuckDBPyConnection, list[bytes]]


def test_every_body_is_in_the_log_as_it_was_sent(told: Told) -> None:
    con, bodies = told
    rows = con.execute("select coalesce(raw_body, encode(body)) from log.events order by position").fetchall()
    assert [bytes(row[0]) for row in rows] == bodies


def test_each_has_its_problem(told: Told) -> None:
    con, bodies = told
    problems = dict(con.execute("select position, problem from log.events").fetchall())
    found = {case: problems[bodies.index(body)] for case, (body, _) in LISTED.items()}
    expected = {case: problem for case, (_, problem) in LISTED.items()}
    assert found == expected


def test_every_delivery_is_an_event_a_duplicate_or_listed_with_its_problem(told: Told) -> None:
    con, bodies = told
    (sums,) = con.execute(
        "select sum(deliveries), sum(events + duplicates + quarantined) from trust.deliveries"
    ).fetchall()
    assert sums == (len(bodies), len(bodies))
    (listed,) = con.execute("select count(*) from trust.quarantined_events where problem is not null").fetchall()
    (flawed,) = con.execute("select count(*) from log.events where problem is not null").fetchall()
    assert listed[0] >= flawed[0]


def test_the_good_event_is_right_in_the_marts(told: Told) -> None:
    con, _ = told
    orders = con.execute(
        "select external_id, status, currency, grand_total::varchar from marts.fct_orders where tenant = 'businessname'"
    ).fetchall()
    assert orders == [("NSD000000001", "created", "USD", "320.0800")]
    assert con.execute("select count(*) from marts.fct_order_items where tenant = 'businessname'").fetchall() == [(1,)]


def test_what_no_column_can_hold_is_not_told_and_stops_nothing(told: Told) -> None:
    con, _ = told
    nasty_rows = "where tenant = 'nasty'"
    assert con.execute(
        f"select counted_quantity, variance from marts.fct_inventory_counts {nasty_rows}"
    ).fetchall() == [(2**63 - 1, None)]
    on_hand = "select product_id, on_hand from marts.fct_inventory_on_hand"
    assert con.execute(f"{on_hand} {nasty_rows} order by product_id").fetchall() == [("p", None), ("q", 0)]
    closing = "select product_id, date::varchar, closing from marts.daily_inventory"
    assert con.execute(f"{closing} {nasty_rows} order by product_id, date").fetchall() == [
        ("p", "2026-01-01", 2**63 - 1),
        ("p", "2026-01-02", None),
        # What cannot be told to have moved has moved nothing.
        ("q", "2026-01-03", 0),
    ]
    assert con.execute(f"select shipped_quantity from marts.fct_transfers {nasty_rows}").fetchall() == [(None,)]
    amounts = "select item_id, net_amount::varchar from marts.fct_order_items"
    assert con.execute(f"{amounts} {nasty_rows} and order_id = 'rich' order by item_id").fetchall() == [
        ("i", None),
        ("j", "90000000000000.0000"),
    ]


def test_events_with_strange_values_are_orders_all_the_same(told: Told) -> None:
    con, _ = told
    orders = {row[0] for row in con.execute("select order_id from marts.fct_orders where tenant = 'nasty'").fetchall()}
    named = {
        "y9999",
        "y1",
        "precise",
        "digits",
        "1e999",
        "40",
        "types",
        "10-mb",
        "24:00",
        "exponent",
        "twice-2",
        "9007199254740993",
        "items",
        "keys",
        "strange",
        "rtl",
        "clocks",
    }
    assert named <= orders
    # Money is exact up to 900 billion; what is too great for its type is none, and is reported.
    precise = con.execute("select subtotal::varchar, grand_total from marts.fct_orders where order_id = 'precise'")
    assert precise.fetchall() == [("123456789012.3400", None)]
    drift = set(con.execute("select path, drift from trust.contract_drift where tenant = 'nasty'").fetchall())
    assert {("grand_total", "does_not_fit"), ("", "not_compared"), ("items", "wrong_type")} <= drift
