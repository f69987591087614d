"""Days of stock are those of the location, whenever its zone is loaded, corrected or taken back."""

from datetime import date
from typing import Any

import pytest

import warehouse
from tests.dbt_project.conftest import deliver
from tests.dbt_project.every_order import deliver_in_every_order, rows_in_every_order
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def happened(name: str, at: str, location: str, *lines: dict[str, Any], **fields: Any) -> Envelope:
    payload = {"fulfillment_location_id": location, "items": list(lines), **fields}
    return {"tenant": "acme", "name": name, "published_at": at, "payload": payload}


def received(source_id: str, at: str, location: str, quantity: int) -> Envelope:
    line = {"product_id": "shoe", "quantity": quantity}
    return happened("inventory_transaction.items_received", at, location, line, id=source_id, processed_at=at)


def counted(count_id: str, at: str, location: str, found: int) -> Envelope:
    line = {"product_id": "shoe", "stock_on_hand": 0, "count": found}
    return happened("inventory_count.items_counted", at, location, line, id=count_id, completed_at=at)


def zone(kind: str, day: int, time_zone: str | None, **fields: Any) -> Envelope:
    at = f"2026-05-{day:02}T12:00:00Z"
    payload = {"time_zone": time_zone, "loaded_at": at, **fields}
    return {"tenant": "acme", "name": f"reference.{kind}", "published_at": at, "payload": payload}


# In Los Angeles r1 comes at 20:00 on 31 January, c1 finds one less at 21:00, r2 comes at 23:00 and r3 at 00:30 on 1
# February. In UTC all is of 1 February. In Tokyo, where the other store is, r4 comes on 2 February.
MOVED = [
    received("r1", "2026-02-01T04:00:00Z", "LA", 5),
    counted("c1", "2026-02-01T05:00:00Z", "LA", 4),
    received("r2", "2026-02-01T07:00:00Z", "LA", 2),
    received("r3", "2026-02-01T08:30:00Z", "LA", 3),
    received("r4", "2026-02-01T16:00:00Z", "TOKYO", 7),
]
ZONES = [
    zone("location", 1, "Asia/Tokyo", location_id="LA"),
    zone("location", 2, "America/Los_Angeles", location_id="LA"),
    zone("retailer", 1, "Asia/Tokyo", tenant="acme"),
]
JANUARY, FEBRUARY, SECOND = date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)
COLUMNS = "location_id, date, opening, received, counted_variance, closing"
IN_UTC = [("LA", FEBRUARY, 0, 10, -1, 9), ("TOKYO", FEBRUARY, 0, 7, 0, 7)]
LOCAL = [
    ("LA", JANUARY, 0, 7, -1, 6),
    ("LA", FEBRUARY, 6, 3, 0, 9),
    ("TOKYO", SECOND, 0, 7, 0, 7),
]


def test_days_are_local_in_any_order(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("stock_days"), memory=10**9)
    deliver_in_every_order(settings, {"zones": MOVED + ZONES, "none": MOVED}, chance_seed)
    assert rows_in_every_order(settings, "zones", "marts.daily_inventory", COLUMNS) == LOCAL
    assert rows_in_every_order(settings, "none", "marts.daily_inventory", COLUMNS) == IN_UTC
    columns = "count_id, date, expected_at_completion, counted_variance"
    assert rows_in_every_order(settings, "zones", "marts.inventory_accuracy", columns) == [("c1", JANUARY, 5, -1)]
    columns = "location_id, first_received_on, last_received_on, as_of"
    assert rows_in_every_order(settings, "zones", "marts.stock_position", columns) == [
        ("LA", JANUARY, FEBRUARY, SECOND),
        ("TOKYO", SECOND, SECOND, SECOND),
    ]


def test_a_zone_that_is_loaded_later_moves_what_it_concerns(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("zones"), memory=10**9)

    def days(*events: Envelope) -> tuple[int, list[tuple[Any, ...]]]:
        """How many rows a refresh of these writes, and all that are there then."""
        deliver(settings, events)
        written = refresh(settings).rows.get("daily_inventory", 0)
        with warehouse.connect(settings.home) as con:
            return written, con.execute(f"select {COLUMNS} from marts.daily_inventory order by all").fetchall()

    assert days(*MOVED) == (2, IN_UTC)
    assert days(zone("location", 2, "America/Los_Angeles", location_id="LA")) == (2, [*LOCAL[:2], IN_UTC[1]])
    # A new name of the store moves nothing, and the zone of the retailer what is in no other.
    assert days(zone("location", 3, "America/Los_Angeles", location_id="LA", name="Rodeo"))[0] == 0
    assert days(zone("retailer", 1, "Asia/Tokyo", tenant="acme"))[1] == LOCAL
    # Nobody says any zone any more.
    taken_back = [zone("location", 4, None, location_id="LA"), zone("retailer", 4, None, tenant="acme")]
    assert days(*taken_back)[1] == IN_UTC
    refresh(settings, full=True)
    assert days()[1] == IN_UTC


def test_what_comes_late_in_a_zone_west_of_utc_changes_its_own_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("late"), memory=10**9)
    # One refresh for each, the last of them first.
    for event in (ZONES[1], *reversed(MOVED[:4])):
        deliver(settings, [event])
        refresh(settings)
    with warehouse.connect(settings.home) as con:
        assert con.execute(f"select {COLUMNS} from marts.daily_inventory order by all").fetchall() == LOCAL[:2]
