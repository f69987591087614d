"""Which fields of the contract change a mart, by trying: all but those that it says are kept in the log only.

A trial is two tenants whose events are the same but for the value of one field. The field is shown where any mart is
not the same for the two.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from typing import Any, NamedTuple

import pytest

from tests.dbt_project.conftest import Envelope, deliver
from tests.properties.cases import digests
from warehouse.contract import EventContract, FieldType, ListOf, Record, Scalar, load_contract
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Payload = dict[str, Any]

EVENTS = load_contract().events
# A value of each type and another one. The times are near each other: a mart may have a row for each day between.
VALUES: Mapping[Scalar, tuple[Any, Any]] = {
    Scalar.INTEGER: (1, 7),
    Scalar.NUMBER: (0.25, 0.5),
    Scalar.MONEY: (10.5, 12.25),
    Scalar.BOOLEAN: (False, True),
    Scalar.TIME: ("2026-03-01T12:00:00Z", "2026-03-04T12:00:00Z"),
    Scalar.OBJECT: ({"sku": "one", "ean13": "1"}, {"sku": "other", "ean13": "2"}),
    Scalar.ANY: ("one", "other"),
}
# Texts that mean something to a model, by the field's path or name.
WORDS = {
    "order_id": ("order", "another"),
    "payment_account_id": ("order", "another"),
    "return_id": ("return", "another"),
    "customer_id": ("customer", "another"),
    "transactions[].correlation_id": ("return", "another"),
    "transactions[].instrument_id": ("instrument", "another"),
    "instruments[].id": ("instrument", "another"),
    "status": ("shipped", "cancelled"),
    "currency": ("EUR", "USD"),
    "to_currency": ("USD", "GBP"),
    "rate": ("1.5", "2.5"),
    "price_method": ("tax_excluded", "tax_included"),
    "item_type": ("product", "shipping"),
    "time_zone": ("Pacific/Auckland", "America/New_York"),
    "fiscal_calendar": ("gregorian", "nrf-4-5-4"),
    "fiscal_year_start": ("01-01", "02-01"),
    "week_start": ("monday", "sunday"),
    "opened_on": ("2026-01-01", "2026-01-02"),
    "closed_on": ("2026-01-01", "2026-01-02"),
    "valid_from": ("2026-01-01", "2026-01-02"),
}


class Trial(NamedTuple):
    """Fields of an event, and the events of two tenants between whom nothing else differs."""

    event: str
    paths: tuple[str, ...]
    before: list[Envelope]
    after: list[Envelope]


def value_of(path: str, field: FieldType | None, *, changed: bool = False) -> Any:
    assert isinstance(field, Scalar), path
    name = path.rpartition(".")[2].removesuffix("[]")
    one, other = (
        WORDS.get(path)
        or (VALUES.get(field) if field is Scalar.NUMBER else WORDS.get(name))
        or VALUES.get(field, (f"{name}-1", f"{name}-2"))
    )
    return other if changed else one


def filled(field: FieldType, path: str = "") -> Any:
    """A value with every field, lists with one element."""
    if isinstance(field, Record):
        return {name: filled(inner, f"{path}.{name}" if path else name) for name, inner in field.fields.items()}
    return [filled(field.element, f"{path}[]")] if isinstance(field, ListOf) else value_of(path, field)


def full_payload(event: EventContract) -> Payload:
    """Every field of an event; all events are of one order and one of everything else."""
    payload: Payload = filled(event.fields)
    if "id" in payload:
        payload["id"] = "order" if event.family == "payment" else event.family
    return payload


FULL = {name: full_payload(event) for name, event in EVENTS.items()}


def at(payload: Payload, path: str) -> tuple[Any, Any]:
    """What holds the value at a path, put there where it is missing, and the value's name or place in that."""
    holder: Any = payload
    steps = path.replace("[]", ".[]").split(".")
    for step, following in pairwise(steps):
        empty: Any = [] if following == "[]" else {}
        if step == "[]":
            holder[:] = holder or [empty]
            holder = holder[0]
        else:
            holder = holder.setdefault(step, empty)
    return holder, 0 if steps[-1] == "[]" else steps[-1]


def changed(event: EventContract, payload: Payload, paths: Iterable[str]) -> Payload:
    """A copy in which these fields have another value."""
    copy = deepcopy(payload)
    for path in paths:
        holder, name = at(copy, path)
        if isinstance(holder, list):
            holder[:] = [None]
        holder[name] = value_of(path, event.fields.at(path), changed=True)
    return copy


def without_neighbours(event: EventContract, payload: Payload, path: str) -> Payload:
    """A copy in which what holds the field has no other values than lists, objects, and ids and others of the key."""
    copy = deepcopy(payload)
    holder, _ = at(copy, path)
    above = path.rpartition(".")[0]
    key = {part.removesuffix("?") for part in event.key}
    for name in list(holder) if isinstance(holder, dict) else []:
        beside = f"{above}.{name}" if above else name
        if name != "id" and beside not in key and isinstance(event.fields.at(beside), Scalar):
            del holder[name]
    if isinstance(holder, list):
        holder.clear()
    return copy


def bare(event: EventContract) -> Payload:
    """No more than the key."""
    payload: Payload = {}
    for part in event.key:
        path = part.removesuffix("?")
        holder, name = at(payload, path)
        value, sought = at(deepcopy(FULL[event.name]), path)
        holder[name] = value[sought]
    return payload


def envelope(event: EventContract, payload: Payload, day: int = 10) -> Envelope:
    """The event, published that day; no two names at one time, or the hash of a payload would decide between them."""
    minute = list(EVENTS).index(event.name)
    return {"name": event.name, "published_at": f"2026-03-{day}T12:{minute:02}:00Z", "payload": payload}


def among_all(event: EventContract, *paths: str) -> Trial:
    """The event has all fields, and is all there is."""
    full = FULL[event.name]
    return Trial(event.name, paths, [envelope(event, full)], [envelope(event, changed(event, full, paths))])


def alone(event: EventContract, *paths: str) -> Trial:
    """The fields have no neighbours that would be asked before them, and stand there or not."""
    payload = FULL[event.name]
    for path in paths:
        payload = without_neighbours(event, payload, path)
    return Trial(event.name, paths, [envelope(event, payload)], [envelope(event, changed(event, payload, paths))])


def with_the_key(event: EventContract, *paths: str) -> Trial:
    """The event has nothing else but its key."""
    payload = bare(event)
    for path in paths:
        at(payload, path)
    return Trial(event.name, paths, [envelope(event, payload)], [envelope(event, changed(event, payload, paths))])


def against_a_rival(event: EventContract, *paths: str) -> Trial:
    """Another event of the same things, published later, has all fields: the field may decide which one counts."""
    rival = envelope(event, FULL[event.name], 11)
    payload = bare(event)
    for path in paths:
        holder, name = at(payload, path)
        if isinstance(holder, dict):
            holder[name] = value_of(path, event.fields.at(path))
    before, after = envelope(event, payload), envelope(event, changed(event, payload, paths))
    return Trial(event.name, paths, [before, rival], [after, rival])


def in_company(event: EventContract, *paths: str) -> Trial:
    """There is one event of each name, with all its fields."""
    company = [envelope(other, FULL[other.name]) for other in EVENTS.values()]
    own = envelope(event, changed(event, FULL[event.name], paths))
    after = [own if other["name"] == event.name else other for other in company]
    return Trial(event.name, paths, company, after)


TRIALS = (among_all, alone, with_the_key, against_a_rival, in_company)


class Home:
    """A warehouse to which trials are delivered, each tenant once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tenants: dict[str, str] = {}

    def differences(self, trials: Sequence[Trial]) -> list[set[str]]:
        """For each trial the marts in which its tenants differ."""
        pairs = []
        news: list[Envelope] = []
        for trial in trials:
            tenants = []
            for events in (trial.before, trial.after):
                text = json.dumps(events)
                if text not in self._tenants:
                    self._tenants[text] = f"tenant-{len(self._tenants)}"
                    news += [{**event, "tenant": self._tenants[text]} for event in events]
                tenants.append(self._tenants[text])
            pairs.append(tenants)
        deliver(self._settings, news)
        refresh(self._settings)
        marts = {mart: rows for mart, rows in digests(self._settings).items() if mart.startswith("marts.")}
        return [
            {mart for mart, rows in marts.items() if rows.get(before) != rows.get(after)} for before, after in pairs
        ]

    def shown(self, trials: Sequence[Trial]) -> dict[tuple[str, tuple[str, ...]], set[str]]:
        """The fields that some trial shows, with the marts that do."""
        found: dict[tuple[str, tuple[str, ...]], set[str]] = {}
        for trial, marts in zip(trials, self.differences(trials), strict=True):
            if marts:
                found.setdefault((trial.event, trial.paths), set()).update(marts)
        return found


Found = tuple[set[tuple[str, str]], dict[tuple[str, str], set[str]]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The fields that no trial shows and the contract does not list, and those that it lists and some trial shows.

    What the contract lists is tried event by event, and field by field only where that shows anything.
    """
    home = Home(Settings.load({}, home=str(tmp_path_factory.mktemp("trials") / "home")))
    listed = {name: tuple(event.log_only) for name, event in EVENTS.items()}
    claimed = {(name, path) for name, event in EVENTS.items() for path, _ in event.leaves() if path not in listed[name]}

    def trials(fields: Iterable[tuple[str, str]], kinds: Iterable[Callable[..., Trial]]) -> list[Trial]:
        return [kind(EVENTS[name], path) for name, path in sorted(fields) for kind in kinds]

    together = [kind(EVENTS[name], *paths) for name, paths in listed.items() if paths for kind in TRIALS]
    first = home.shown([*trials(claimed, [among_all]), *together])
    claimed -= {(name, paths[0]) for name, paths in first if paths != listed[name]}
    suspects = {(name, path) for name, paths in first if paths == listed[name] for path in paths}
    second = home.shown([*trials(claimed, TRIALS), *trials(suspects, TRIALS)])
    by_field = {(name, paths[0]): marts for (name, paths), marts in second.items()}
    return claimed - by_field.keys(), {field: by_field.get(field, set()) for field in suspects}


def test_a_mart_shows_every_field_that_is_not_kept_in_the_log_only(found: Found) -> None:
    hidden, _ = found
    assert sorted(hidden) == [], "Show them in a mart, or list them under [[unshown]] in events.toml"


def test_no_mart_shows_what_is_kept_in_the_log_only(found: Found) -> None:
    _, shown = found
    assert {field: marts for field, marts in shown.items() if marts} == {}, "Take them off [[unshown]] in events.toml"
    assert shown == {}, "Some of them together change a mart"
