"""A simulation is reproducible, legal and adds up; its truth is what its events say when they are added up again."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from warehouse.contract import load_contract
from warehouse.envelope import decode
from warehouse.errors import SettingsError
from warehouse.simulator import Simulation, simulate, write_ndjson


def events_of(simulation: Simulation) -> list[dict[str, Any]]:
    """The distinct events of a simulation by their keys, the earliest published of each, in the order of publishing."""
    contract = load_contract()
    first: dict[tuple[str, str | None], dict[str, Any]] = {}
    for body in simulation:
        delivery = decode(body, 0)
        if delivery.problem is not None:
            continue
        event = json.loads(body)
        key = (event["name"], contract.events[event["name"]].idempotency_key(event["payload"]))
        if key not in first or event["published_at"] < first[key]["published_at"]:
            first[key] = event
    return sorted(first.values(), key=lambda event: event["published_at"])


def test_one_seed_gives_the_same_bytes_and_truth() -> None:
    one, other = simulate(events=2000, seed=5, bad=0.02), simulate(events=2000, seed=5, bad=0.02)
    assert list(one) == list(other)
    assert one.truth.to_json() == other.truth.to_json()
    assert list(one) == list(other)
    assert list(simulate(events=2000, seed=6)) != list(one)


def test_as_many_distinct_events_as_asked_for() -> None:
    simulation = simulate(events=3000, seed=2)
    events = events_of(simulation)
    assert len(events) == simulation.truth.counts.events == 3000
    assert Counter(event["name"] for event in events) == simulation.truth.counts.by_name


def test_families() -> None:
    simulation = simulate(events=500, families=("order",))
    assert {event["name"].split(".")[0] for event in events_of(simulation)} == {"order"}
    with pytest.raises(SettingsError, match="no family of events named toys"):
        simulate(events=10, families=("toys",)).__iter__().__next__()


def test_a_file_holds_a_delivery_a_line(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    assert write_ndjson(simulate(events=200, bad=0.1), path) == len(path.read_bytes().splitlines())
