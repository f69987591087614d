"""Fulfilment by day and location: what was asked for, done and turned down, how long it took and what was left open."""

from datetime import date
from typing import Any

import pytest

import warehouse
from tests.dbt_project.conftest import deliver
from tests.dbt_project.every_order import deliver_in_every_order, rows_in_every_order
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

Envelope = dict[str, Any]


def step(name: str, request_id: str, at: str, *units: str, location: str = "BERK", **line: Any) -> Envelope:
    """A step of a request, published at a time of March 2026."""
    published_at = f"2026-{at}Z"
    items = [{"id": f"{request_id}-{unit}", "product_id": "shoe", **line} for unit in units]
    # The number grows with the time.
    logical = int("".join(filter(str.isdigit, at)))
    payload = {"id": request_id, "order_id": "o", "logical_timestamp": logical, "fulfillment_location_id": location}
    name = f"fulfillment_request.{name}"
    return {"tenant": "acme", "name": name, "published_at": published_at, "payload": {**payload, "items": items}}


def zone(day: int, time_zone: str | None) -> Envelope:
    at = f"2026-05-{day:02}T12:00:00Z"
    payload = {"location_id": "BERK", "time_zone": time_zone, "loaded_at": at}
    return {"tenant": "acme", "name": "reference.location", "published_at": at, "payload": payload}


READY, DONE, FAILED = "items_ready_for_handover", "items_completed", "items_failed"

BUSY = [
    # 1 March: r1, r2 and r3 are assigned at 8, 10 and 12. r1 is packed after 2 hours and gone after 6.
    step("assigned", "r1", "03-01T08:00:00", "a", "b"),
    step("assigned", "r2", "03-01T10:00:00", "a"),
    step("assigned", "r3", "03-01T12:00:00", "a", "b"),
    step(READY, "r1", "03-01T10:00:00", "a", "b"),
    step(DONE, "r1", "03-01T14:00:00", "a", "b"),
    # 2 March: r2 is packed after 24 hours. Of r3 one unit is gone, the other is turned down two hours later, which closes
    # it; it took 22 hours. r4 is turned down whole, without a reason.
    step(READY, "r2", "03-02T10:00:00", "a"),
    step(DONE, "r3", "03-02T10:00:00", "a"),
    step(FAILED, "r3", "03-02T12:00:00", "b", rejection_reason="Damaged"),
    step("assigned", "r4", "03-02T13:00:00", "a", "b"),
    step(FAILED, "r4", "03-02T14:00:00", "a", "b"),
    # 5 March: r2 is gone after 96 hours; r5 is assigned and stays.
    step(DONE, "r2", "03-05T10:00:00", "a"),
    step("assigned", "r5", "03-05T18:00:00", "a"),
    # 20 April: r6 comes. r5 has been open for 46 days and 6 hours at its end, r6 for 12 hours.
    step("assigned", "r6", "04-20T12:00:00", "a"),
    # 21 April: r5 is gone, after 46 days and 16 hours.
    step(DONE, "r5", "04-21T10:00:00", "a"),
    # Elsewhere, of r7 the assignment has not come: it is open from the moment it was packed, and takes no known time.
    step(READY, "r7", "03-01T20:00:00", "a", location="SOHO"),
    step(DONE, "r7", "03-03T20:00:00", "a", location="SOHO"),
]

SCENARIOS: dict[str, list[Envelope]] = {
    "busy": BUSY,
    # r1 was of another location, and r2 left on the 2nd and not on the 3rd.
    "corrected": [
        step("assigned", "r1", "03-01T08:00:00", "a", location="SOHO"),
        step(DONE, "r1", "03-02T08:00:00", "a"),
        step("assigned", "r2", "03-01T09:00:00", "a"),
        step(DONE, "r2", "03-03T09:00:00", "a"),
        step(DONE, "r2", "03-02T09:00:00", "a"),
    ],
    # Assigned at 23:00 on 7 March in Los Angeles and gone at 01:00 on the 8th; the night before the clocks go forward, so
    # the 8th ends 22 hours later. The first zone that was loaded was a wrong one.
    "abroad": [
        step("assigned", "r1", "03-08T07:00:00", "a"),
        step(DONE, "r1", "03-08T09:00:00", "a"),
        step("assigned", "r2", "03-08T09:00:00", "a"),
        zone(1, "Asia/Tokyo"),
        zone(2, "America/Los_Angeles"),
    ],
}
COLUMNS = (
    "location_id, date, assigned, completed, failed, rejected_by_reason, units, hours_to_ready_p50, hours_to_ready_p90, "
    "hours_to_complete_p50, hours_to_complete_p90, open_at_close, oldest_open_hours"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("daily_fulfillment"), memory=10**9)
    deliver_in_every_order(settings, SCENARIOS, chance_seed)
    return settings


def test_each_step_is_booked_on_its_own_day(settings: Settings) -> None:
    nothing = (None, None)
    assert rows_in_every_order(settings, "busy", "marts.daily_fulfillment", COLUMNS) == [
        # r2 and r3 are left open, r2 for the longest: 14 hours.
        ("BERK", date(2026, 3, 1), 3, 1, 0, {}, 2, 2.0, 2.0, 6.0, 6.0, 2, 14.0),
        # r3 is completed after 22 hours though a unit was turned down after it. r2 is open for 38 hours.
        ("BERK", date(2026, 3, 2), 1, 1, 1, {"Damaged": 1, "unknown": 2}, 1, 24.0, 24.0, 22.0, 22.0, 1, 38.0),
        ("BERK", date(2026, 3, 5), 1, 1, 0, {}, 1, *nothing, 96.0, 96.0, 1, 6.0),
        ("BERK", date(2026, 4, 20), 1, 0, 0, {}, 0, *nothing, *nothing, 2, 46 * 24 + 6.0),
        ("BERK", date(2026, 4, 21), 0, 1, 0, {}, 1, *nothing, 46 * 24 + 16.0, 46 * 24 + 16.0, 1, 36.0),
        ("SOHO", date(2026, 3, 1), 0, 0, 0, {}, 0, *nothing, *nothing, 1, 4.0),
        ("SOHO", date(2026, 3, 3), 0, 1, 0, {}, 1, *nothing, *nothing, 0, None),
    ]


def test_days_are_those_of_facts(settings: Settings) -> None:
    columns = "fulfillment_request_id, assigned_on, ready_on, closed_on, is_open, open_item_count, hours_to_complete"
    assert rows_in_every_order(settings, "busy", "marts.fct_fulfillment_requests", columns) == [
        ("r1", date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 1), False, 0, 6.0),
        ("r2", date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 5), False, 0, 96.0),
        ("r3", date(2026, 3, 1), None, date(2026, 3, 2), False, 0, 22.0),
        ("r4", date(2026, 3, 2), None, date(2026, 3, 2), False, 0, None),
        ("r5", date(2026, 3, 5), None, date(2026, 4, 21), False, 0, 46 * 24 + 16.0),
        ("r6", date(2026, 4, 20), None, None, True, 1, None),
        ("r7", None, date(2026, 3, 1), date(2026, 3, 3), False, 0, None),
    ]
    rows = rows_in_every_order(settings, "busy", "marts.fct_open_requests", "fulfillment_request_id, units")
    assert rows == [("r6", 1)]


def test_a_correction_leaves_no_day_where_it_was(settings: Settings) -> None:
    columns = "location_id, date, assigned, completed, units, hours_to_complete_p50, hours_to_complete_p90, open_at_close"
    assert rows_in_every_order(settings, "corrected", "marts.daily_fulfillment", columns) == [
        ("BERK", date(2026, 3, 1), 2, 0, 0, None, None, 2),
        # 24 hours both.
        ("BERK", date(2026, 3, 2), 0, 2, 2, 24.0, 24.0, 0),
    ]


def test_days_are_those_of_the_location(settings: Settings) -> None:
    columns = "date, assigned, completed, hours_to_complete_p50, open_at_close, oldest_open_hours"
    assert rows_in_every_order(settings, "abroad", "marts.daily_fulfillment", columns) == [
        (date(2026, 3, 7), 1, 0, None, 1, 1.0),
        (date(2026, 3, 8), 1, 1, 2.0, 1, 22.0),
    ]


def test_hours_lie_between_requests_in_proportion(tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(home=tmp_path_factory.mktemp("hours"), memory=10**9)
    # 1, 2, 3 and 10 hours: the median lies between 2 and 3, nine of ten at 3 + 0.7 * 7.
    for hours in (10, 1, 3, 2):
        start, end = "03-01T08:00:00", f"03-01T{8 + hours:02}:00:00"
        deliver(settings, [step("assigned", f"r{hours}", start, "a"), step(DONE, f"r{hours}", end, "a")])
        refresh(settings)
    with warehouse.connect(settings.home) as con:
        columns = "hours_to_complete_p50, hours_to_complete_p90"
        ((median, most),) = con.execute(f"select {columns} from marts.daily_fulfillment").fetchall()
    assert (median, round(most, 9)) == (2.5, 7.9)
