"""A file becomes a delivery a row that says something new, each on the disk once, whatever dies when."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live import envelope
from warehouse.delivery.envelope import decode
from warehouse.errors import ReferenceDataError, ReferenceFileError
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.reference import load as loading
from warehouse.reference.kinds import LOCATIONS, PRODUCTS, RATES, RETAILER, TENDERS, Kind
from warehouse.reference.load import LoadReport, load_reference
from warehouse.reference.state import read_state
from warehouse.reference.template import as_csv, loaded, template
from warehouse.settings import Settings


def load(settings: Settings, text: str, kind: Kind = LOCATIONS, tenant: str | None = "acme") -> LoadReport:
    file = settings.home.parent / "file.csv"
    file.write_text(text)
    return load_reference(settings, kind, file, tenant)


def logged(settings: Settings) -> list[dict[str, Any]]:
    """All deliveries of the log, in the order in which they were loaded."""
    seal(settings)
    with open_lake(settings, read_only=True) as con:
        rows = con.execute("select body, problem from lake.log.events order by batch, journal, position").fetchall()
    assert all(problem is None for _, problem in rows)
    return [json.loads(body) for body, _ in rows]


def said(settings: Settings, kind: Kind = LOCATIONS) -> list[tuple[str, ...]]:
    """What is known, with the columns that nobody has filled left out."""
    return [tuple(filter(None, row)) for row in loaded(settings, kind, "acme").rows]


def test_a_row_is_a_delivery_with_its_key(settings: Settings) -> None:
    report = load(settings, "location_id,name,selling_area\nA,One,100.0\nB,,\n")
    assert report == LoadReport("locations", "acme", 2, 1, 1, is_new_tenant=True)
    (delivery,) = logged(settings)
    at = delivery["published_at"]
    assert delivery == {
        "tenant": "acme",
        "name": "reference.location",
        "published_at": at,
        "payload": {"location_id": "A", "name": "One", "selling_area": 100, "loaded_at": at},
    }
    load(settings, "currency\nEUR\n", RETAILER)
    load(settings, "payment_method,payment_provider,kind\ncash,,cash\nvisa,a/b,card\n", TENDERS)
    load(settings, "currency,to_currency,valid_from,rate\nUSD,EUR,2026-01-01,0.92\n", RATES)
    with open_lake(settings, read_only=True) as con:
        keys = con.execute("select name, idempotency_key from lake.log.events order by all").fetchall()
    assert keys == [
        ("reference.location", "A"),
        ("reference.rate", "USD/EUR/2026-01-01"),
        ("reference.retailer", "acme"),
        ("reference.tender", "cash/"),
        ("reference.tender", "visa/a%2Fb"),
    ]


def test_the_same_file_twice_adds_nothing(settings: Settings) -> None:
    text = "product_id,name,unit_cost,cost_currency,is_gift_card\nA,Äpfel,3.10,EUR,no\nB,Karte,,,yes\n"
    assert load(settings, text, PRODUCTS).loaded == 2
    before = logged(settings)
    assert load(settings, text, PRODUCTS) == LoadReport("products", "acme", 2, 0, 2, is_new_tenant=False)
    # Written in another way, the same is said.
    assert load(settings, text.replace("3.10", "3.1000").replace("yes", "TRUE"), PRODUCTS).loaded == 0
    assert load(settings, as_csv(template(settings, PRODUCTS)), PRODUCTS).loaded == 0
    assert logged(settings) == before


def test_only_what_changed_is_loaded_and_what_is_set_back_counts(settings: Settings) -> None:
    load(settings, "location_id,name,region\nA,One,north\nB,Two,north\n")
    assert load(settings, "location_id,name,region\nA,One,south\nB,Two,north\n").loaded == 1
    assert load(settings, "location_id,name,region\nA,One,north\nB,Two,north\n").loaded == 1
    assert said(settings) == [("A", "One", "north"), ("B", "Two", "north")]
    # A column that the file lacks keeps what it had, an empty field does not.
    assert load(settings, "location_id,name\nA,Uno\n").loaded == 1
    assert load(settings, "location_id,region\nB,\n").loaded == 1
    assert said(settings) == [("A", "Uno", "north"), ("B", "Two")]
    assert len(logged(settings)) == 6


def test_a_file_with_a_mistake_loads_nothing(settings: Settings) -> None:
    load(settings, "location_id,name\nA,One\n")
    with pytest.raises(ReferenceFileError):
        load(settings, "location_id,name,currency\nB,Two,EUR\nA,Three,XXX\n")
    assert said(settings) == [("A", "One")]
    assert len(logged(settings)) == 1


@pytest.mark.parametrize(
    ("kind", "text", "mistake"),
    [
        (
            PRODUCTS,
            "product_id,unit_cost\nA,1\n",
            "line 2, column cost_currency: is empty beside a unit_cost: an amount needs its currency",
        ),
        (
            LOCATIONS,
            "location_id,opened_on,closed_on\nA,2025-01-02,2025-01-01\n",
            "line 2, column closed_on: found '2025-01-01', allowed is no day before opened_on, 2025-01-02",
        ),
        (
            RATES,
            "currency,to_currency,valid_from,rate\nEUR,EUR,2025-01-01,1\n",
            "line 2, column to_currency: found the currency itself, allowed is another one",
        ),
    ],
)
def test_what_cannot_be_so_together(settings: Settings, kind: Kind, text: str, mistake: str) -> None:
    with pytest.raises(ReferenceFileError) as caught:
        load(settings, text, kind)
    assert caught.value.mistakes == (mistake,)


def test_a_thing_contradicts_what_is_known_of_it(settings: Settings) -> None:
    load(settings, "location_id,opened_on\nA,2025-01-02\n")
    with pytest.raises(ReferenceFileError, match="1 mistake; nothing"):
        load(settings, "location_id,closed_on\nA,2024-01-01\n")


def test_whose_data_they_are(settings: Settings, home: Path) -> None:
    text = "location_id,name\nA,One\n"
    with pytest.raises(ReferenceDataError, match="no event has come here yet") as caught:
        load(settings, text, tenant=None)
    assert "--tenant" in caught.value.hint
    assert not home.exists()
    with pytest.raises(ReferenceDataError, match="--tenant is empty"):
        load(settings, text, tenant=" ")
    with JournalWriter(settings.journal_dir) as journal:
        # In no batch yet, and known all the same.
        journal.append([decode(envelope(1), 0)])
    assert load(settings, text, tenant=None).tenant == "test"
    assert load(settings, text, tenant="acme").is_new_tenant
    with pytest.raises(ReferenceDataError, match="there are 2 tenants here") as caught:
        load(settings, text, tenant=None)
    assert "acme, test" in caught.value.hint
    with pytest.raises(ReferenceDataError, match="there are 2 tenants here"):
        template(settings, LOCATIONS)


def test_the_newest_wins_also_where_the_clock_was_set_back(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    load(settings, "location_id,name\nA,One\n")
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)
    load(settings, "location_id,name\nA,Two\n")
    load(settings, "location_id,name\nA,Three\n")
    assert said(settings) == [("A", "Three")]
    assert [one["payload"]["name"] for one in sorted(logged(settings), key=lambda one: str(one["published_at"]))] == [
        "One",
        "Two",
        "Three",
    ]


def _load_and_die(settings: Settings, file: Path) -> None:
    """Load a file, and be gone when a second group of its rows is on the disk."""

    def die(done: int, _total: int | None) -> None:
        if done == 2 * loading.GROUP:
            os.kill(os.getpid(), signal.SIGKILL)

    load_reference(settings, LOCATIONS, file, "acme", die)


def test_a_load_that_is_killed_keeps_what_it_had_and_the_next_one_adds_the_rest(settings: Settings) -> None:
    rows = 3 * loading.GROUP
    file = settings.home.parent / "many.csv"
    file.write_text("location_id,name\n" + "".join(f"L{number},Name {number}\n" for number in range(rows)))
    killed = multiprocessing.get_context("spawn").Process(target=_load_and_die, args=(settings, file))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    report = load_reference(settings, LOCATIONS, file, "acme")
    assert (report.loaded, report.unchanged) == (loading.GROUP, 2 * loading.GROUP)
    assert load_reference(settings, LOCATIONS, file, "acme").loaded == 0
    assert len(logged(settings)) == rows
    with open_lake(settings, read_only=True) as con:
        state = read_state(con, LOCATIONS, "acme")
    assert {key[0]: thing["name"] for key, thing in state.things.items()} == {
        f"L{number}": f"Name {number}" for number in range(rows)
    }
