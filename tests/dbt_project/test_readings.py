"""What a payload says is read in one way for the key in the log and for the facts, whatever the order and the split."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

import warehouse
from warehouse.contract import load_contract
from warehouse.contract.events import MOST_BYTES
from warehouse.delivery.delivery import Delivery
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

MOST_VALUES = load_contract().events["order.created"].most_values


def sent(name: str, payload: str, day: int = 1) -> bytes:
    return f'{{"tenant":"t","name":"{name}","published_at":"2026-01-{day:02}T00:00:00Z","payload":{payload}}}'.encode()


def lines(number: int) -> str:
    return ",".join(["{}"] * number)


# One order under every spelling of its id; the header published last counts, since NewStore documents this key.
SPELLINGS = ['"7"', "7", "7.0", "70e-1", '" 7"', '"7\\t"', '"\\u0037"', 'null,"id":7', '"8","id":"7"']
EVENTS = [
    *[sent("order.created", f'{{"id":{text},"channel":"c{day}","items":[{{"id":"i{day}"}}]}}', day)
      for day, text in enumerate(SPELLINGS, 1)],
    # The same key for two orders, if each were to be read in a way of its own.
    sent("order.created", '{"id":"8","channel":"of 8"}', 3),
    sent("order.items_cancelled", '{"id":7.0,"items":[{"id":"i9 "}]}', 20),
    sent("return.processed", '{"id":"r ","order_id":7,"order_id":" 8","items":[{"id":"i","quantity":1.0}]}', 20),
    sent("fulfillment_request.assigned",
         '{"id":1.5e1,"order_id":"7 ","logical_timestamp":"2","items":[{"item_id":"i9"}]}', 9),
    sent("fulfillment_request.items_failed",
         '{"id":15,"order_id":"7","logical_timestamp":3.0,"items":[{"id":"i9"}]}', 9),
    sent("inventory_count.items_counted", '{"id":"n","chunk_number":1.0,"total_chunks":"2","completed_at":"2026-01-01",'
         '"fulfillment_location_id":"L ","items":[{"product_id":" p","count":4}]}', 9),
    sent("inventory_count.items_counted",
         '{"id":"n ","chunk_number":2,"total_chunks":2,"completed_at":"2026-01-01t00:00:00z",'
         '"fulfillment_location_id":"L","items":[{"product_id":"q","count":5}]}', 9),
    sent("customer.updated", '{"id":" c","revision":"10","first_name":" Ann "}', 9),
    sent("customer.updated", '{"id":"c","revision":9.0,"first_name":"Anne"}', 10),
    # What is beyond all bounds is listed, and does not end what is told of others.
    sent("order.opened", f'{{"id":"large","items":[{lines(MOST_VALUES + 2)}]}}'),
    sent("order.opened", f'{{"id":"long","channel":"{"x" * MOST_BYTES}"}}'),
    sent("order.opened", f'{{"id":"fits","items":[{lines(1_000)}]}}'),
]  # fmt: skip


def deliver(settings: Settings, deliveries: Sequence[Delivery]) -> None:
    settings.home.mkdir(parents=True, exist_ok=True)
    with JournalWriter(settings.journal_dir) as journal:
        journal.append(list(deliveries))


def facts_of(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    with warehouse.connect(settings.home) as con:
        tables = con.execute("select table_name from duckdb_tables() where schema_name = 'marts' order by 1").fetchall()
        assert len(tables) > 20
        return {name: con.execute(f"from marts.{name} order by all").fetchall() for (name,) in tables}


def as_first_received(body: bytes) -> Delivery:
    """A delivery as a receiver took it that knew no bound, and no blanks around ids."""
    delivery = decode(body, 1)
    key = json.loads(body)["payload"].get("id")
    return msgspec.structs.replace(delivery, problem=None, idempotency_key=f"{key}")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("one") / "home"))
    deliver(settings, [decode(body, 1) for body in EVENTS])
    refresh(settings)
    return settings


@pytest.fixture(scope="module")
def con(home: Settings) -> Any:
    with warehouse.connect(home.home) as connection:
        yield connection


def test_any_order_and_split_gives_the_same_facts(home: Settings, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    other = Settings.load({}, home=str(tmp_path / "home"))
    shuffled = chance.sample([*EVENTS, *chance.choices(EVENTS[:-3], k=5)], k=len(EVENTS) + 5)
    for part in (shuffled[:10], shuffled[10:]):
        deliver(other, [decode(body, 1) for body in part])
        refresh(other)
    assert facts_of(other) == facts_of(home)


def test_a_log_of_another_reading_gives_the_same_facts(home: Settings, tmp_path: Path) -> None:
    other = Settings.load({}, home=str(tmp_path / "home"))
    deliver(other, [as_first_received(body) for body in EVENTS])
    refresh(other)
    ours, theirs = facts_of(home), facts_of(other)
    # The key itself, as the log has it, is what a change of status is known by.
    assert theirs == ours
    with warehouse.connect(other.home) as con:
        listed = con.execute("select problem, count(*) from trust.quarantined_events group by all").fetchall()
    assert listed == [("too_large", 2)]


def test_one_thing_has_one_id(con: duckdb.DuckDBPyConnection) -> None:
    orders = con.execute("select order_id, channel, status from marts.fct_orders order by all").fetchall()
    assert orders == [("7", "c9", "cancelled"), ("8", "of 8", "created"), ("fits", None, "opened")]
    assert con.execute("select order_id, return_id from marts.fct_returns").fetchall() == [("8", "r")]
    assert con.execute(
        "select fulfillment_request_id, item_id, status from marts.fct_fulfillment_items"
    ).fetchall() == [("15", "i9", "failed")]
    counts = "select location_id, product_id, is_complete from marts.fct_inventory_counts order by all"
    assert con.execute(counts).fetchall() == [("L", "p", True), ("L", "q", True)]
    assert con.execute("select customer_id, first_name, revision from marts.dim_customers").fetchall() == [
        ("c", "Ann", 10)
    ]
    conflicts = "select idempotency_key, variants from trust.event_conflicts where event_name = 'order.created'"
    (conflict,) = con.execute(conflicts).fetchall()
    assert conflict[0] == "7"


def test_what_is_too_large_is_listed(con: duckdb.DuckDBPyConnection) -> None:
    listed = con.execute("select name, problem, size > 300000 from trust.quarantined_events").fetchall()
    assert listed == [("order.opened", "too_large", True)] * 2
    ((quarantined,),) = con.execute("select sum(quarantined) from trust.deliveries").fetchall()
    assert quarantined == 2


def test_what_was_written_otherwise_is_drift(con: duckdb.DuckDBPyConnection) -> None:
    found = con.execute("select event_name, path, drift from trust.contract_drift").fetchall()
    expected = {
        ("order.created", "id", "repeated_field"),
        ("return.processed", "order_id", "repeated_field"),
        ("inventory_count.items_counted", "completed_at", "time_without_zone"),
        ("inventory_count.items_counted", "completed_at", "unusual_time"),
        ("order.created", "id", "wrong_type"),
        ("fulfillment_request.assigned", "id", "wrong_type"),
    }
    assert expected <= set(found)
    assert not [path for _, path, _ in found if path.endswith("item_id")]


def test_shapes_that_other_interfaces_have_are_read(tmp_path: Path) -> None:
    settings = Settings.load({}, home=str(tmp_path / "home"))
    deliver(settings, [decode(body, 1) for body in (
        sent("employee.created", '{"id":"e","roles":[{"id":"1","name":"manager","is_readonly":true}]}'),
        sent("employee.created", '{"id":"f","roles":["clerk"]}'),
        sent("customer.created", '{"id":"NS-EU-01H-01J","extended_attributes":{"vip":{"data_type":"b","value":true}}}'),
    )])  # fmt: skip
    refresh(settings)
    with duckdb.connect(str(settings.build_path), read_only=True) as con:
        roles = con.execute(
            "select employee_id, payload.roles from staging.stg_employee_events order by all"
        ).fetchall()
        assert roles == [("e", ["manager"]), ("f", ["clerk"])]
        attributes = "select a.name, a.value from (select unnest(payload.extended_attributes) as a from {})"
        assert con.execute(attributes.format("staging.stg_customer_events")).fetchall() == [("vip", "true")]
    with warehouse.connect(settings.home) as con:
        assert con.execute("select customer_id from marts.dim_customers").fetchall() == [("NS-EU-01H-01J",)]
        assert con.execute("from trust.contract_drift").fetchall() == []
