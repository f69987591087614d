"""Facts are a function of the set of events: whatever the order, repetition and split into refreshes, the same marts.

Short in `make test`, long in `make test-properties`. PROPERTY_SEED repeats a run, PROPERTY_CASES says how many cases.
"""

import os
import random
import secrets
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.properties.cases import (
    Difference,
    Parts,
    arrange,
    digests,
    find_difference,
    minimise,
    run,
    write_parts,
)
from tests.properties.worlds import Envelope, make_world
from warehouse.contract import load_contract
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

SEED = int(os.environ.get("PROPERTY_SEED", secrets.randbelow(2**32)))
CASES = int(os.environ.get("PROPERTY_CASES", "40"))
TENANTS = min(CASES, int(os.environ.get("PROPERTY_TENANTS", "200")))
WORLDS = -(-CASES // TENANTS)
EVENTS = int(os.environ.get("PROPERTY_EVENTS", "150"))
# To make a failing case small costs two refreshes or more a try.
TRIES = int(os.environ.get("PROPERTY_TRIES", "12"))

done: Counter[str] = Counter()


class Plan(NamedTuple):
    """One world, and the refreshes over which its tenants' deliveries are spread; True for a full one."""

    seed: int
    full: list[bool]
    equal_times: bool


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Hypothesis's choice, moved by the run's own seed: the first plan it tries is always the plainest."""
    number = (draw(st.integers(0, 2**32 - 1)) + SEED) % 2**32
    chance = random.Random(number)
    parts = 3 if WORLDS == 1 else draw(st.integers(2, 5))
    full = [draw(st.booleans()) and chance.random() < 0.5 for _ in range(parts)]
    return Plan(number, full, WORLDS > 1 and draw(st.booleans()) and chance.random() < 0.5)


@seed(SEED)
@hypothesis_settings(
    max_examples=WORLDS,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans())
def check_all_tenants_alike(plan: Plan) -> None:
    """One example: a world, its tenants, their refreshes, and a full rebuild after all."""
    world = make_world(plan.seed, EVENTS, equal_times=plan.equal_times)
    chance = random.Random(f"arrangements:{plan.seed}")
    tenants = {f"t{number:04}": arrange(chance, world, len(plan.full)) for number in range(TENANTS)}
    with tempfile.TemporaryDirectory(prefix="properties-") as folder:
        settings = Settings(home=Path(folder) / "home", memory=2 * 10**9)
        deliveries = run(settings, tenants, plan.full)
        found = find_difference(settings)
        if found is not None:
            pytest.fail(_told(plan, world, tenants, found), pytrace=False)
        before = digests(settings)
        refresh(settings, full=True)
        after = digests(settings)
    rebuilt = [mart for mart in before if before[mart] != after[mart]]
    assert before.keys() == after.keys()
    assert rebuilt == [], f"a full rebuild gives other rows; repeat with PROPERTY_SEED={SEED}"
    assert sum(digest.rows for digest in before["marts.fct_orders"].values()) > TENANTS
    done.update(worlds=1, cases=TENANTS, events=len(world), deliveries=deliveries, refreshes=len(plan.full) + 1)
    print(f"  world {plan.seed}: {TENANTS} cases, {deliveries:,} deliveries of {len(world)} events, full {plan.full}")


def test_any_order_repetition_and_split_gives_the_same_marts() -> None:
    print(f"PROPERTY_SEED={SEED}")
    done.clear()
    check_all_tenants_alike()
    print(", ".join(f"{count:,} {what}" for what, count in done.items()))
    assert done["cases"] >= CASES


def test_a_world_of_the_property_has_all_events_and_variants_of_some() -> None:
    print(f"PROPERTY_SEED={SEED}")
    world = make_world(SEED, EVENTS)
    contract = load_contract()
    keys = Counter((event["name"], contract.events[event["name"]].idempotency_key(event["payload"])) for event in world)
    assert {name for name, _ in keys} == set(contract.events)
    repeated = {contract.events[name].key_source for (name, _), count in keys.items() if count > 1}
    assert repeated <= {"documented", "inferred"}
    assert "inferred" in repeated
    assert len({tuple(map(str, sorted(map(str, event["payload"].items())))) for event in world}) == len(world)


def _told(plan: Plan, world: list[Envelope], tenants: dict[str, Parts], found: Difference) -> str:
    """What a person needs to look into it: the mart, the rows, and as few deliveries as could be found to repeat it."""
    folder = Path(tempfile.mkdtemp(prefix="property-"))

    def differs(mine: Parts, other: Parts) -> bool:
        with tempfile.TemporaryDirectory() as home:
            settings = Settings(home=Path(home), memory=2 * 10**9)
            run(settings, {found.tenant: mine, found.other: other}, plan.full)
            return find_difference(settings) is not None

    mine, other = tenants[found.tenant], tenants[found.other]
    if TRIES and differs(mine, other):
        mine, other = minimise(mine, other, differs, TRIES)
    for tenant, parts in ((found.tenant, mine), (found.other, other)):
        write_parts(folder / tenant, parts)
    return (
        f"{found.mart} is not the same for {found.tenant} and {found.other} of world {plan.seed}\n"
        f"only {found.tenant}: {found.only_tenant}\nonly {found.other}: {found.only_other}\n"
        f"refreshes (full or not): {plan.full}\n"
        f"{sum(map(len, mine))} deliveries against {sum(map(len, other))} of {len(world)} events, a file for each "
        f"refresh: {folder}\n"
        f"to repeat: for each part N `warehouse replay {folder}/*/part-N.ndjson` and `warehouse refresh`\n"
        f"the whole run again: PROPERTY_SEED={SEED} PROPERTY_CASES={CASES} make test-properties"
    )
