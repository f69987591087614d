"""Stock locations: what lies where in a store, by movements that name a part of it and counts that name none."""

from typing import Any

import pytest

from tests.dbt_project.every_order import deliver_in_every_order, rows_in_every_order
from tests.dbt_project.scenarios import event
from warehouse.settings import Settings


def moved(step: str, source_id: str, day: int, product: str, quantity: int, **fields: Any) -> dict[str, Any]:
    items = [{"product_id": product, "quantity": quantity}]
    at = f"2026-03-{day:02}T10:00:00Z"
    return event(f"inventory_transaction.{step}", 9, id=source_id, processed_at=at, items=items, **fields)


def received(source_id: str, day: int, product: str, quantity: int, name: str | None = None) -> dict[str, Any]:
    fields = {"fulfillment_location_id": "BERK", "stock_location_name": name, "order_ref": "TO-1"}
    return moved("items_received", source_id, day, product, quantity, **fields)


def adjusted(source_id: str, day: int, product: str, quantity: int, **sides: str) -> dict[str, Any]:
    names = {f"{side}_stock_location_name": name for side, name in sides.items()}
    return moved("adjustment_created", source_id, day, product, quantity, fulfillment_node_id="BERK", **names)


def counted(count_id: str, day: int, product: str, found: int) -> dict[str, Any]:
    items = [{"product_id": product, "stock_on_hand": 0, "count": found}]
    at = f"2026-03-{day:02}T12:00:00Z"
    location = {"fulfillment_location_id": "BERK"}
    return event("inventory_count.items_counted", 9, id=count_id, completed_at=at, items=items, **location)


SCENARIOS: dict[str, list[dict[str, Any]]] = {
    # Of the shoes 10 come without a word of where and 4 into the back room; 3 are damaged, of which 1 is written off;
    # then main is counted, and 2 go out:
    #   main      (10 - 3, counted as 6) - 2 = 4
    #   backroom  4, whatever is counted
    #   damaged   3 - 1 = 2
    # The whole store has what was counted and what moved since, 6 - 2 = 4.
    # Hats are never counted: main 5 - 2 = 3 and damaged 2, together the 5 that came.
    "store": [
        received("r1", 1, "shoe", 10),
        received("r2", 1, "shoe", 4, "backroom"),
        adjusted("a1", 2, "shoe", 3, origin="main", destination="damaged"),
        adjusted("a2", 3, "shoe", 1, origin="damaged"),
        counted("c1", 4, "shoe", 6),
        moved("items_ready_for_handover", "t1", 5, "shoe", 2, fulfillment_location_id="BERK"),
        received("r3", 1, "hat", 5, "main"),
        adjusted("a3", 2, "hat", 2, origin="main", destination="damaged"),
        # Socks are only counted.
        counted("c2", 4, "sock", 7),
    ],
    # It was not received into the back room.
    "corrected": [
        received("r1", 1, "shoe", 4, "backroom"),
        received("r1", 2, "shoe", 4, "main"),
    ],
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> Settings:
    settings = Settings(home=tmp_path_factory.mktemp("stock_locations"), memory=10**9)
    deliver_in_every_order(settings, SCENARIOS, chance_seed)
    return settings


def test_movements_lie_where_they_say_and_counts_are_of_main(settings: Settings) -> None:
    columns = "product_id, stock_location_name, on_hand"
    assert rows_in_every_order(settings, "store", "marts.fct_inventory_by_stock_location", columns) == [
        ("hat", "damaged", 2),
        ("hat", "main", 3),
        ("shoe", "backroom", 4),
        ("shoe", "damaged", 2),
        ("shoe", "main", 4),
        ("sock", "main", 7),
    ]
    whole = rows_in_every_order(settings, "store", "marts.fct_inventory_on_hand", "product_id, on_hand")
    assert whole == [("hat", 5), ("shoe", 4), ("sock", 7)]


def test_a_receipt_says_into_which_part_it_went_and_what_ordered_it(settings: Settings) -> None:
    columns = "source_id, stock_location_name, order_ref, quantity_change"
    movements = rows_in_every_order(settings, "store", "marts.fct_inventory_movements", columns)
    assert [movement for movement in movements if movement[0].startswith("r")] == [
        ("r1", None, "TO-1", 10),
        ("r2", "backroom", "TO-1", 4),
        ("r3", "main", "TO-1", 5),
    ]


def test_a_correction_leaves_nothing_in_the_other_part(settings: Settings) -> None:
    columns = "product_id, stock_location_name, on_hand"
    rows = rows_in_every_order(settings, "corrected", "marts.fct_inventory_by_stock_location", columns)
    assert rows == [("shoe", "main", 4)]
