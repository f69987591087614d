"""Counts are taken between two moments: what moves meanwhile is shown beside them and changes nothing on hand."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.dbt_project.every_order import deliver_in_every_order, rows_in_every_order
from tests.dbt_project.scenarios import event
from warehouse.settings import Settings


def received(source_id: str, at: str, quantity: int) -> dict[str, Any]:
    return event(
        "inventory_transaction.items_received",
        9,
        id=source_id,
        processed_at=at,
        fulfillment_location_id="BERK",
        items=[{"product_id": "shoe", "quantity": quantity}],
    )


def counted(count_id: str, began: str | None, ended: str, system: int, found: int, **fields: Any) -> dict[str, Any]:
    items = [{"product_id": "shoe", "stock_on_hand": system, "count": found}]
    fields = {"id": count_id, "fulfillment_location_id": "BERK", "items": items, **fields}
    return event("inventory_count.items_counted", 9, started_at=began, completed_at=ended, **fields)


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


SCENARIOS: dict[str, list[dict[str, Any]]] = {
    # 10 come on the 1st. C1 is taken on the 2nd from eight to noon; 1 comes as it begins and is in the books at its
    # start, 4 come meanwhile, 2 at the moment it ends, and 3 after it:
    #   at start 10 + 1 = 11, moved 4 + 2 = 6, at completion 17; 15 are found; on hand 15 + 3 = 18.
    "meanwhile": [
        received("r1", "2026-03-01T10:00:00Z", 10),
        received("r2", "2026-03-02T08:00:00Z", 1),
        received("r3", "2026-03-02T09:00:00Z", 4),
        received("r4", "2026-03-02T12:00:00Z", 2),
        received("r5", "2026-03-02T13:00:00Z", 3),
        counted("C1", "2026-03-02T08:00:00Z", "2026-03-02T12:00:00Z", 16, 15),
    ],
    # C1 goes on for three days, in which C2 begins and ends, and C3 ends with C1. 5 come before all of them, 2 between
    # the start of C1 and C2, 1 after C2.
    #   C2  at start 5 + 2 = 7, at completion 7, found 9
    #   C1  at start 5; at completion 9 + 1 = 10, found 8; moved 2 + 1 = 3
    #   C3  the greater id of the two that end together follows C1: at completion 8, found 6. When it began nobody says.
    "overlapping": [
        received("r1", "2026-03-01T10:00:00Z", 5),
        counted("C1", "2026-03-02T08:00:00Z", "2026-03-05T08:00:00Z", 5, 8),
        received("r2", "2026-03-03T07:00:00Z", 2),
        counted("C2", "2026-03-03T08:00:00Z", "2026-03-03T10:00:00Z", 7, 9),
        received("r3", "2026-03-04T10:00:00Z", 1),
        counted("C3", None, "2026-03-05T08:00:00Z", 8, 6),
    ],
    # Of C1 one of two chunks is in, so it says nothing; C2 says that it ended before it began.
    "unsure": [
        received("r1", "2026-03-01T10:00:00Z", 5),
        counted("C1", "2026-03-02T08:00:00Z", "2026-03-02T10:00:00Z", 5, 1, chunk_number=1, total_chunks=2),
        counted("C2", "2026-03-04T08:00:00Z", "2026-03-03T10:00:00Z", 5, 4),
    ],
    # The first publication of C1 said that 4 were found, at another location, and r1 was not received on the 1st.
    "corrected": [
        received("r1", "2026-03-01T10:00:00Z", 5),
        received("r1", "2026-03-03T10:00:00Z", 5),
        counted("C1", "2026-03-02T08:00:00Z", "2026-03-02T10:00:00Z", 5, 4, fulfillment_location_id="SOHO"),
        counted("C1", "2026-03-02T08:00:00Z", "2026-03-02T11:00:00Z", 5, 3),
    ],
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("counts"), memory=10**9)
    deliver_in_every_order(settings, SCENARIOS, chance_seed)
    return settings


COLUMNS = (
    "count_id, date, started_at, expected_at_start, expected_at_completion, stock_on_hand, counted, "
    "moved_during_count, moved_source_ids, counted_variance, book_difference"
)


def test_what_moves_during_a_count_is_listed(settings: Settings) -> None:
    assert rows_in_every_order(settings, "meanwhile", "marts.inventory_accuracy", COLUMNS) == [
        ("C1", date(2026, 3, 2), at(2, 8), 11, 17, 16, 15, 6, ["r3", "r4"], -2, 1)
    ]


def test_what_moves_during_a_count_changes_nothing_else(settings: Settings) -> None:
    columns = "last_counted_quantity, last_counted_at, movements_since_count, on_hand"
    on_hand = rows_in_every_order(settings, "meanwhile", "marts.fct_inventory_on_hand", columns)
    assert on_hand == [(15, at(2, 12), 3, 18)]
    columns = "date, opening, received, counted_variance, closing"
    assert rows_in_every_order(settings, "meanwhile", "marts.daily_inventory", columns) == [
        (date(2026, 3, 1), 0, 10, 0, 10),
        (date(2026, 3, 2), 10, 10, -2, 18),
    ]


def test_each_count_follows_the_one_that_was_complete_before(settings: Settings) -> None:
    assert rows_in_every_order(settings, "overlapping", "marts.inventory_accuracy", COLUMNS) == [
        ("C1", date(2026, 3, 5), at(2, 8), 5, 10, 5, 8, 3, ["r2", "r3"], -2, 5),
        ("C2", date(2026, 3, 3), at(3, 8), 7, 7, 7, 9, 0, [], 2, 0),
        ("C3", date(2026, 3, 5), None, None, 8, 8, 6, None, None, -2, 0),
    ]
    # C1 and C3 are of one day: -2 - 2.
    columns = "date, opening, received, counted_variance, closing"
    assert rows_in_every_order(settings, "overlapping", "marts.daily_inventory", columns) == [
        (date(2026, 3, 1), 0, 5, 0, 5),
        (date(2026, 3, 3), 5, 2, 2, 9),
        (date(2026, 3, 4), 9, 1, 0, 10),
        (date(2026, 3, 5), 10, 0, -4, 6),
    ]


def test_an_incomplete_count_says_nothing_and_a_start_after_the_end_is_none(settings: Settings) -> None:
    assert rows_in_every_order(settings, "unsure", "marts.inventory_accuracy", COLUMNS) == [
        ("C2", date(2026, 3, 3), None, None, 5, 5, 4, None, None, -1, 0)
    ]
    assert rows_in_every_order(settings, "unsure", "marts.fct_inventory_on_hand", "on_hand") == [(4,)]


def test_a_corrected_count_leaves_nothing_where_it_was(settings: Settings) -> None:
    rows = rows_in_every_order(settings, "corrected", "marts.inventory_accuracy", f"location_id, {COLUMNS}")
    assert rows == [("BERK", "C1", date(2026, 3, 2), at(2, 8), 0, 0, 5, 3, 0, [], 3, -5)]
    rows = rows_in_every_order(settings, "corrected", "marts.fct_inventory_on_hand", "location_id, on_hand")
    assert rows == [("BERK", 8)]
