"""A simulation is reproducible, legal and adds up, and in it happens everything that happens to a retailer on NewStore.

Whether its ledger is right is the business of tests/end_to_end/test_ledger.py.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from warehouse.contract import FieldType, ListOf, Record, load_contract
from warehouse.delivery.envelope import decode
from warehouse.errors import SettingsError
from warehouse.simulator import Simulation, simulate, write_ndjson

Event = dict[str, Any]

HOUR = timedelta(hours=1)


def events_of(simulation: Simulation) -> list[Event]:
    """The distinct events of a simulation by their keys, the earliest published of each, in the order of publishing."""
    contract = load_contract()
    first: dict[tuple[str, str | None], Event] = {}
    for body in simulation:
        delivery = decode(body, 0)
        if delivery.problem is not None:
            continue
        event = json.loads(body, parse_float=Decimal)
        key = (event["name"], contract.events[event["name"]].idempotency_key(event["payload"]))
        if key not in first or event["published_at"] < first[key]["published_at"]:
            first[key] = event
    return sorted(first.values(), key=lambda event: str(event["published_at"]))


@pytest.fixture(scope="module")
def world() -> dict[str, list[Event]]:
    """The payloads of a retailer's events by name, in the order of publishing."""
    by_name: dict[str, list[Event]] = defaultdict(list)
    for event in events_of(simulate(events=30_000, seed=3)):
        by_name[event["name"]].append(event["payload"])
    return by_name


def test_one_seed_gives_the_same_bytes_and_truth() -> None:
    one, other = simulate(events=2000, seed=5, bad=0.02), simulate(events=2000, seed=5, bad=0.02)
    assert list(one) == list(other)
    assert one.truth.to_json() == other.truth.to_json()
    assert list(one) == list(other)
    assert list(simulate(events=2000, seed=6)) != list(one)


@pytest.mark.parametrize("events", [1, 37, 3000])
def test_as_many_distinct_events_as_asked_for(events: int) -> None:
    simulation = simulate(events=events, seed=2)
    found = events_of(simulation)
    assert len(found) == simulation.truth.counts.events == events
    assert Counter(event["name"] for event in found) == simulation.truth.counts.by_name


def test_days_end_where_they_should_and_events_fill_them() -> None:
    assert {event["published_at"][:10] for event in events_of(simulate(days=3, seed=4))} == {
        "2024-01-01",
        "2024-01-02",
        "2024-01-03",
    }
    last = max(event["published_at"] for event in events_of(simulate(events=6000, days=20, seed=4)))
    assert "2024-01-18" <= last < "2024-01-23"


END = datetime(2026, 3, 7, 14, 30, tzinfo=UTC)


def test_with_an_end_everything_is_over_by_then_and_goes_on_until_then() -> None:
    simulation = simulate(events=5000, seed=4, duplicates=0.3, late=0.05, bad=0.02, end=END)
    bodies = list(simulation)
    assert bodies == list(simulate(events=5000, seed=4, duplicates=0.3, late=0.05, bad=0.02, end=END))
    assert bodies != list(simulate(events=5000, seed=4, duplicates=0.3, late=0.05, bad=0.02, end=END + HOUR))
    found = events_of(simulation)
    assert 0.9 < len(found) / 5000 < 1.1
    assert len(found) == simulation.truth.counts.events
    published = [
        datetime.fromisoformat(json.loads(body)["published_at"]) for body in bodies if not decode(body, 0).problem
    ]
    assert END - HOUR < max(published) <= END
    placed = [
        datetime.fromisoformat(event["payload"]["placed_at"])
        for event in found
        if event["name"] == "order.created" and not event["payload"]["is_historical"]
    ]
    assert END - 2 * HOUR < max(placed) <= END
    assert END - timedelta(days=26) < min(placed) < END - timedelta(days=20)
    # By the hour of the day: there is no store open at night, and few order from home.
    by_hour = Counter(moment.hour for moment in placed)
    assert by_hour[7] * 3 < by_hour[17]


def test_days_may_end_at_any_moment() -> None:
    published = [event["published_at"] for event in events_of(simulate(days=2, seed=4, end=END))]
    assert (min(published)[:10], max(published)[:13]) == ("2026-03-05", "2026-03-07T14")
    with pytest.raises(SettingsError, match="names no zone"):
        simulate(days=2, end=END.replace(tzinfo=None))


def test_families() -> None:
    simulation = simulate(events=500, families=("order",))
    assert {event["name"].split(".")[0] for event in events_of(simulation)} == {"order"}
    with pytest.raises(SettingsError, match="no family of events named toys"):
        next(iter(simulate(events=10, families=("toys",))))


@pytest.mark.parametrize(
    "wrong", [{}, {"events": 0}, {"days": 0}, {"events": 1, "duplicates": -1}, {"events": 1, "bad": 1}]
)
def test_what_cannot_be_simulated(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        simulate(**wrong)


def test_a_file_holds_a_delivery_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    assert write_ndjson(simulate(events=200, bad=0.1), path) == len(path.read_bytes().splitlines())


def test_deliveries_come_repeated_and_in_no_order_or_once_and_in_order() -> None:
    wild = [json.loads(body)["published_at"] for body in simulate(events=2000, duplicates=0.5)]
    assert 2800 < len(wild) < 3200
    assert wild != sorted(wild)
    tame = [json.loads(body)["published_at"] for body in simulate(events=2000, duplicates=0, disorder=0, late=0)]
    assert len(tame) == 2000
    assert tame == sorted(tame)


def test_every_broken_envelope_is_broken_as_it_says() -> None:
    simulation = simulate(events=2000, seed=8, bad=0.2)
    problems = Counter(problem.value for body in simulation if (problem := decode(body, 0).problem))
    assert problems == simulation.truth.counts.bad
    assert len(problems) == 6
    assert 400 < problems.total() < 600


def test_all_names_in_the_proportions_of_a_retailer(world: dict[str, list[Event]]) -> None:
    assert world.keys() == load_contract().of_origin("newstore").keys()
    share = {name: len(payloads) / len(world["order.created"]) for name, payloads in world.items()}
    assert share["order.shipped"] < 0.02
    assert 0.01 < share["order.cancelled"] < 0.05
    assert 0.9 < share["order.completed"] < 1.01
    assert 0.05 < share["return.processed"] < 0.25
    assert 0.01 < share["fulfillment_request.items_failed"] < 0.1
    assert 1 < share["payment_account.amount_captured"] < 1.2


def test_payloads_hold_what_the_contract_names_and_one_thing_it_does_not(world: dict[str, list[Event]]) -> None:
    contract = load_contract()
    unknown = {
        path
        for name, payloads in world.items()
        for payload in payloads
        for path in strangers(contract.events[name].fields, payload)
    }
    assert unknown == {"fraud_score"}


def strangers(fields: FieldType, value: Any, path: str = "") -> Iterator[str]:
    """Paths of fields that are not in the contract."""
    if isinstance(fields, ListOf):
        for each in value:
            yield from strangers(fields.element, each, path)
    elif isinstance(fields, Record):
        for name, inner in value.items():
            if name in fields.fields:
                yield from strangers(fields.fields[name], inner, f"{path}{name}.")
            else:
                yield f"{path}{name}"


def test_headers_are_the_sum_of_their_lines(world: dict[str, list[Event]]) -> None:
    for order in world["order.created"]:
        items = order["items"]
        assert order["subtotal"] == sum(item["pricebook_price"] for item in items)
        assert order["discount_total"] == sum(item["item_discounts"] + item["order_discounts"] for item in items)
        assert order["tax_total"] == sum(item["tax"] for item in items)
        assert all(item["tax"] == sum(line["amount"] for line in item["tax_provider_details"]) for item in items)
        on_top = order["tax_total"] if order["price_method"] == "tax_excluded" else 0
        total = order["subtotal"] - order["discount_total"] + order["shipping_total"] + on_top
        assert order["grand_total"] == total
    for returned in world["return.processed"]:
        assert returned["total_refund_amount"] == sum(item["refund_amount"] for item in returned["items"])
        assert returned["total_refund_amount"] == returned["total_refund_excl_tax"] + returned["total_refund_tax"]


def test_no_instrument_gives_more_than_it_was_allowed_to(world: dict[str, list[Event]]) -> None:
    moved: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for step in ("authorized", "captured", "refunded", "voided"):
        for payload in world[f"payment_account.amount_{step}"]:
            assert payload["id"] == payload["order_id"]
            for each in payload["transactions"]:
                moved[step][payload["id"], each["instrument_id"]] += abs(each["amount"])
    # What was authorized before the stream began, and the credit given for a blind return, nobody told of.
    for instrument in moved["authorized"]:
        captured, voided = moved["captured"][instrument], moved["voided"][instrument]
        assert captured + voided <= moved["authorized"][instrument]
        assert moved["refunded"][instrument] <= captured
    assert len(moved["authorized"]) > len({account for account, _ in moved["authorized"]}), "no order has two"


def test_stock_is_never_below_nothing_and_counts_agree_with_it() -> None:
    simulation = simulate(events=30_000, seed=3)
    for _ in simulation:
        pass
    on_hand = [page.on_hand for page in simulation.truth.stock.values()]
    assert min(on_hand) >= 0
    assert sum(on_hand) > 1000


def test_orders_are_split_rejected_sent_elsewhere_held_and_swapped(world: dict[str, list[Event]]) -> None:
    places = defaultdict(set)
    for request in world["fulfillment_request.assigned"]:
        places[request["order_id"]].add(request["fulfillment_location_id"])
    assert max(map(len, places.values())) >= 3
    rejected = {(r["order_id"], r["fulfillment_location_id"]) for r in world["fulfillment_request.items_failed"]}
    assert sum(len(places[order_id] - {place}) > 0 for order_id, place in rejected) > len(rejected) // 2
    shipments = Counter(request["id"] for request in world["fulfillment_request.items_completed"])
    assert max(shipments.values()) == 2
    cancelled_in_part = {event["id"] for event in world["order.items_cancelled"]}
    assert cancelled_in_part & {event["id"] for event in world["order.completed"]}
    assert {len(event["items"]) for event in world["order.items_cancelled"]} > {1, 2}
    assert max(Counter(event["id"] for event in world["order.items_cancelled"]).values()) > 1
    swapped = {item["new_item_id"] for event in world["order.items_swapped"] for item in event["items"]}
    shipped = {item["id"] for event in world["fulfillment_request.items_completed"] for item in event["items"]}
    assert swapped & shipped
    assert {event["id"] for event in world["order.items_on_hold"]} & {event["id"] for event in world["order.completed"]}


def test_what_comes_after_a_sale(world: dict[str, list[Event]]) -> None:
    returns = world["return.processed"]
    blind = [returned for returned in returns if "order_id" not in returned]
    assert blind
    assert all("blind_order_id" in returned for returned in blind)
    assert any(item.get("item_type") == "shipping" for returned in returns for item in returned["items"])
    assert any("return_fee" in returned for returned in returns)
    exchanges = [order for order in world["order.created"] if order["is_exchange"]]
    known = {returned["id"] for returned in returns}
    assert exchanges
    assert all(order["exchanges"][0]["return_id"] in known for order in exchanges)
    reasons = Counter(request["return_reason"] for request in world["refund_request.issued"])
    assert reasons["Price adjustment"] > 0
    assert reasons.total() > reasons["Price adjustment"]
    assert any(each["amount"] < 0 for e in world["payment_account.amount_refunded"] for each in e["transactions"])
    assert {"associate_id" in request for request in world["refund_request.issued"]} == {True, False}
    said = {
        step: {each.get("reason") for e in world[f"payment_account.amount_{step}"] for each in e["transactions"]}
        for step in ("captured", "refunded", "voided")
    }
    assert said["captured"] == {None}
    assert said["voided"] == {None, "order_cancelled"}
    assert {None, "Price adjustment", "Defective"} <= said["refunded"]


def test_a_former_system_left_returns_of_its_orders(world: dict[str, list[Event]]) -> None:
    placed = {order["id"]: order for order in world["order.created"] if order["is_historical"]}
    imported = [returned for returned in world["return.processed"] if returned.get("is_historical")]
    assert imported
    for returned in imported:
        assert placed[returned["order_id"]]["placed_at"] < returned["returned_at"] < "2024"
        assert {item["id"] for item in returned["items"]} <= {
            item["id"] for item in placed[returned["order_id"]]["items"]
        }


def test_stock_moves_in_chunks_with_differences_and_corrections(world: dict[str, list[Event]]) -> None:
    for name in ("inventory_transaction.items_received", "inventory_count.items_counted"):
        assert max(event["total_chunks"] for event in world[name]) > 1
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for event in world["inventory_transaction.asn_created"]:
        sent[event["id"]] += sum(item["quantity"] for item in event["items"])
    for event in world["inventory_transaction.items_received"]:
        received[event.get("asn_id", "")] += sum(item["quantity"] for item in event["items"])
    differences = [received[asn] - sent[asn] for asn in sent if asn in received]
    assert min(differences) < 0 < max(differences)
    adjustments = world["inventory_transaction.adjustment_created"]
    assert {"destination_stock_location_name" in event for event in adjustments} == {True, False}
    chunks = Counter((event["id"], event["total_chunks"]) for event in world["inventory_count.items_counted"])
    missing = Counter(total - seen for (_, total), seen in chunks.items())
    assert missing.keys() == {0, 1}, "a chunk never comes, and never more than one of a count"
    assert missing[1] < missing[0] / 5
    counted = [item for event in world["inventory_count.items_counted"] for item in event["items"]]
    assert {(item["count"] > item["stock_on_hand"]) - (item["count"] < item["stock_on_hand"]) for item in counted} == {
        -1,
        0,
        1,
    }


def test_people_change_and_nothing_about_them_is_real(world: dict[str, list[Event]]) -> None:
    revisions = [event["revision"] for event in world["customer.updated"]]
    assert {type(revision) for revision in revisions} == {int, str}
    assert max(int(revision) for revision in revisions) > 9
    made = {event["id"] for event in world["customer.created"]}
    assert {event["id"] for event in world["customer.updated"]} - made, "nobody was a customer before the stream began"
    assert not all(event["is_active"] for event in world["employee.updated"])
    assert {"phone" in event for event in (*world["employee.created"], *world["employee.updated"])} == {True, False}
    for events in world.values():
        for event in events:
            assert str(event.get("email", "@example.com")).endswith(("@example.com", "@staff.example.com"))
