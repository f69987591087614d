"""Whatever an id holds, it is a value and nothing else: in the log, in the marts, in what DuckLake asks its catalog."""

import json
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.build.session import open_session
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.pipeline.refresh import refresh_in
from warehouse.settings import Settings

SIGN = "\N{SYMBOL FOR NULL}"
# What each value of an event is marked with, to be found in a statement.
MARK = "Qz"
FILE = "made-by-an-event.csv"
ODD = [
    *("\0", "a\0", "\0b", "a\0b\0\0c", "\\u0000", "\\\0", "\\\\\0\\", "\\\\u0000\0"),
    *(
        "'",
        "''",
        "'; --",
        "a' or '1' = '1",
        '"',
        "\\",
        "\\'",
        "`",
        "$1",
        "?",
        ":x",
        "%s",
        "{SNAPSHOT_ID}",
        "{METADATA_CATALOG}",
    ),
    *(
        "\n",
        "\r\n",
        "\t",
        "\x01",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\u2028",
        "\u200b",
        "\u202e",
        "\ufeff",
        "\ufffd",
        "\uffff",
    ),
    *(
        "\U0001f600",
        "\U0010ffff",
        "e\u0301",
        "\u00e9",
        SIGN,
        " ",
        "  a  ",
        "null",
        "NULL",
        "x" * 5_000,
        "/* */",
        "--",
        ";",
    ),
]


def delivery(tenant: str, name: str, **payload: Any) -> bytes:
    envelope = {"tenant": tenant, "name": name, "published_at": "2026-01-01T00:00:00Z", "payload": payload}
    return json.dumps(envelope, ensure_ascii=False).encode()


def marked(id_: str) -> str:
    """The id between marks, so that nothing trims it."""
    return f"{MARK}{id_}{MARK}"


def some(chance: random.Random) -> str:
    kinds = [range(0x20), range(0x80), range(0x100, 0xD800), range(0xE000, 0x110000)]
    return "".join(chr(chance.choice(chance.choice(kinds))) for _ in range(chance.randint(1, 8)))


def deliveries(ids: list[str], turn: int, folder: Path) -> list[bytes]:
    """Of every id an order, a product that is counted and a customer, each told of in every turn."""
    attack = f" union all select 1); copy (select 1) to '{folder / FILE}'; --"
    bodies = []
    for id_ in map(marked, ids):
        for tenant in (id_, marked(attack)):
            amount = 10 + turn
            items = [{"id": id_, "product_id": id_, "pricebook_price": amount}]
            bodies += [
                delivery(tenant, "order.created" if turn == 0 else "order.opened", id=id_, items=items),
                delivery(
                    tenant,
                    "inventory_count.items_counted",
                    id=f"{id_}{turn}",
                    fulfillment_location_id=id_,
                    completed_at=f"2026-01-0{1 + turn}T00:00:00Z",
                    items=[{"product_id": id_, "stock_on_hand": 0, "count": amount}],
                ),
            ]
    return bodies


def select_statements(con: duckdb.DuckDBPyConnection) -> list[str]:
    messages = con.execute("select message from duckdb_logs where type = 'DuckLakeMetadata'").fetchall()
    return [message for (message,) in messages if "INSERT INTO" not in message and "UPDATE " not in message]


def test_no_id_of_an_event_becomes_part_of_a_question_to_the_catalog(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr("warehouse.build.session.SMALL_CHANGE_ROWS", 0)
    chance = random.Random(seed)
    ids = [*ODD, *(some(chance) for _ in range(40))]
    settings = Settings(home=home, memory=10**9)
    with open_session(settings) as con, JournalWriter(settings.journal_dir) as journal:
        con.execute("call enable_logging('DuckLakeMetadata')")
        for turn in range(3):
            journal.append([decode(body, turn) for body in deliveries(ids, turn, tmp_path)])
            refresh_in(con, settings)
        asked = select_statements(con)
        assert len(asked) > 100
        assert [statement for statement in asked if MARK in statement] == []
    assert not (tmp_path / FILE).exists()
    expected = sorted({marked(id_).replace("\0", SIGN) for id_ in ids})
    with open_lake(settings, read_only=True) as con:
        assert con.execute("select count(*) from log.events where problem is not null").fetchall() == [(0,)]
        for query in (
            "select order_id from marts.fct_orders",
            "select product_id from marts.fct_inventory_on_hand",
            "select tenant from log.events where not contains(tenant, 'union all')",
        ):
            assert sorted({value for (value,) in con.execute(query).fetchall()}) == expected, query
        wrong = "select count(*) from marts.fct_inventory_on_hand where on_hand is distinct from 12"
        assert con.execute(wrong).fetchall() == [(0,)]
        # An analyst's join asks the catalog for each of the ids.
        joined = "select count(distinct order_id) from marts.fct_orders join log.events using (tenant) where batch = 3"
        assert con.execute(joined).fetchall() == [(len(expected),)]
        drift = "select distinct path from trust.contract_drift where drift = 'does_not_fit'"
        assert {("id",), ("items[].product_id",)} <= set(con.execute(drift).fetchall())


def test_a_body_with_a_zero_byte_is_kept_as_bytes(settings: Settings) -> None:
    bodies = [b"\0", b'{"tenant":"a\0b"}', b"{}", b"\xff\0"]
    with open_session(settings) as con:
        with JournalWriter(settings.journal_dir) as journal:
            journal.append([decode(body, 0) for body in bodies])
        refresh_in(con, settings)
    with open_lake(settings, read_only=True) as con:
        rows = con.execute("select body, raw_body from log.events order by position").fetchall()
    assert rows == [(None, bodies[0]), (None, bodies[1]), ("{}", None), (None, bodies[3])]
