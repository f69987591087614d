"""Stock: chunks and their corrections, counts that reset it, transfers, and days that add up to what is on hand."""

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.scenarios import event, rows


def moved(
    step: str,
    source_id: str,
    at: str | None,
    *lines: tuple[str, int],
    chunk: tuple[int, int] = (1, 1),
    **fields: object,
) -> dict[str, Any]:
    items = [{"product_id": product, "quantity": units} for product, units in lines]
    fields = {"id": source_id, "chunk_number": chunk[0], "total_chunks": chunk[1], "items": items, **fields}
    if at is not None:
        fields["processed_at"] = at
    return event(f"inventory_transaction.{step}", 9, **fields)


def received(source_id: str, at: str, location: str, *lines: tuple[str, int], **fields: Any) -> dict[str, Any]:
    return moved("items_received", source_id, at, *lines, fulfillment_location_id=location, **fields)


def counted(
    count_id: str, at: str, location: str, *lines: tuple[str, int, int], chunk: tuple[int, int] = (1, 1)
) -> dict[str, Any]:
    return event(
        "inventory_count.items_counted",
        9,
        id=count_id,
        count_type="cycle_count",
        fulfillment_location_id=location,
        associate_id="unknown",
        due_date="2026-03-31T00:00:00Z",
        started_at="2026-03-01T07:00:00Z",
        completed_at=at,
        chunk_number=chunk[0],
        total_chunks=chunk[1],
        items=[{"product_id": product, "stock_on_hand": system, "count": found} for product, system, found in lines],
    )


def at(day: int, hour: int, minute: int = 0, microsecond: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, 0, microsecond, tzinfo=UTC)


def completed(logical: int, **item: object) -> dict[str, Any]:
    fields: dict[str, object] = {"id": "f1", "order_id": "o1", "logical_timestamp": logical}
    fields |= {"fulfillment_location_id": "BERK", "associate_id": "4"}
    return event("fulfillment_request.items_completed", 9, **fields, items=[{"id": "u1", "product_id": "shoe", **item}])


EVENTS = [
    # shoes at BERK, day by day:
    #   1st  chunk 2 of R1 brings 5 + 2, corrected to 6 + 2                       0 + 8          = 8
    #   2nd  R2 brings 1 at ten, which is when C1 counts 7 where 9 should be;
    #        u1 leaves right after ten, and is told of twice                      8 + 1 - 2 - 1  = 6
    #   3rd  2 go from main to damaged, 1 is written off, 3 leave for SOHO        6 - 1 - 3      = 2
    #   4th  1 comes back, and the shipping with it                               2 + 1          = 3
    #   6th  C2 finds 100, but only half of that count is in
    received("R1", "2026-03-01T08:00:00Z", "BERK", ("shoe", 5), ("shoe", 2), chunk=(2, 2), order_ref="PO-1"),
    received("R1", "2026-03-01T09:00:00Z", "BERK", ("shoe", 6), ("shoe", 2), chunk=(2, 2), order_ref="PO-1"),
    received("R2", "2026-03-02T10:00:00Z", "BERK", ("shoe", 1)),
    counted("C1", "2026-03-02T10:00:00Z", "BERK", ("shoe", 8, 7), ("shoe", 8, 70), chunk=(1, 2)),
    counted("C1", "2026-03-02T10:00:00Z", "BERK", ("boot", 5, 3), chunk=(2, 2)),
    completed(5, shipped_at="2026-03-02T10:00:00.000001Z", tracking_code="1Z1"),
    completed(6, shipped_at="2026-03-05T10:00:00Z"),
    moved(
        "adjustment_created",
        "X1",
        "2026-03-03T08:00:00Z",
        ("shoe", 2),
        fulfillment_node_id="BERK",
        adjustment_type="Damage out",
        adjustment_reason="Torn",
        origin_stock_location_name="main",
        destination_stock_location_name="damaged",
        note="seen at noon",
        associate_id="4",
    ),
    moved(
        "adjustment_created",
        "X2",
        "2026-03-03T09:00:00Z",
        ("shoe", 1),
        fulfillment_node_id="BERK",
        adjustment_type="Write off",
        origin_stock_location_name="main",
    ),
    moved(
        "items_ready_for_handover",
        "T1",
        "2026-03-03T15:00:00Z",
        ("shoe", 3),
        fulfillment_location_id="BERK",
        transfer_order_ref="TO-1",
        shipment_ref="SH-1",
    ),
    event(
        "return.processed",
        9,
        id="RET",
        order_id="o1",
        returned_at="2026-03-04T09:00:00Z",
        return_location_id="BERK",
        items=[
            {"id": "u1", "product_id": "shoe", "return_reason": "Too small"},
            {"id": "s1", "product_id": "shoe", "item_type": "shipping"},
        ],
    ),
    counted("C2", "2026-03-06T10:00:00Z", "BERK", ("shoe", 3, 100), chunk=(1, 2)),
    # SOHO gets 2 of the 3 shoes it was sent in two chunks. Another announcement never arrives, a third was never seen.
    moved(
        "asn_created",
        "N1",
        None,
        ("shoe", 2),
        chunk=(1, 2),
        origin_id="BERK",
        destination_id="SOHO",
        shipment_date="2026-03-03T16:00:00Z",
        shipment_ref="SH-1",
        transfer_order_ref="TO-1",
    ),
    moved(
        "asn_created",
        "N1",
        None,
        ("shoe", 1),
        chunk=(2, 2),
        origin_id="BERK",
        destination_id="SOHO",
        shipment_date="2026-03-03T16:00:00Z",
        shipment_ref="SH-1",
        transfer_order_ref="TO-1",
    ),
    received("R3", "2026-03-05T10:00:00Z", "SOHO", ("shoe", 2), asn_id="N1", shipment_ref="SH-1"),
    moved("asn_created", "N2", "2026-03-05T11:00:00Z", ("boot", 4), origin_id="SOHO"),
    received("R4", "2026-03-05T12:00:00Z", "SOHO", ("boot", 7), asn_id="N3"),
    # A receipt is corrected to another place.
    received("R5", "2026-03-01T08:00:00Z", "WRONG", ("hat", 4)),
    received("R5", "2026-03-01T08:01:00Z", "RIGHT", ("hat", 4)),
    # caps at PIER: three counts, of which the last two are of one moment: the greater id is the last.
    #   2nd  K1 finds 9 where none should be                                      0 + 9      = 9
    #   3rd  1 is received                                                        9 + 1      = 10
    #   4th  K2 finds 5, K3 finds 6                                               10 - 5 + 1 = 6
    counted("K3", "2026-03-04T10:00:00Z", "PIER", ("cap", 9, 6)),
    counted("K2", "2026-03-04T10:00:00Z", "PIER", ("cap", 9, 5)),
    counted("K1", "2026-03-02T10:00:00Z", "PIER", ("cap", 9, 9)),
    received("R6", "2026-03-03T10:00:00Z", "PIER", ("cap", 1)),
    # Found stock has come from nowhere; half past eleven at night in New York is the next day in UTC.
    moved(
        "adjustment_created",
        "X3",
        "2026-03-01T23:30:00-05:00",
        ("glove", 2),
        fulfillment_node_id="PIER",
        destination_stock_location_name="main",
    ),
    # What says next to nothing: no chunk, no time, no place; a line without a product and one without a quantity.
    event("inventory_transaction.items_received", 7, id="R7", items=[{"quantity": 3}, {"product_id": "sock"}]),
    event(
        "inventory_transaction.items_received",
        7,
        id="R8",
        fulfillment_location_id="PIER",
        items=[{}, {"product_id": "sock"}],
    ),
    # The boots of R1 come last, and so does a delivery from before the count:
    #   1st  R1 brings 3, R9 brings 2                                             0 + 5 = 5
    #   2nd  C1 has found 3                                                       5 - 2 = 3
    received("R1", "2026-03-01T08:00:00Z", "BERK", ("boot", 3), chunk=(1, 2), order_ref="PO-1"),
    received("R9", "2026-03-01T20:00:00Z", "BERK", ("boot", 2)),
]


@pytest.fixture(scope="module")
def con(warehouse_of: Any) -> duckdb.DuckDBPyConnection:
    connection: duckdb.DuckDBPyConnection = warehouse_of(EVENTS)
    return connection


def test_each_line_of_each_chunk_moves_stock_once(con: duckdb.DuckDBPyConnection) -> None:
    columns = "movement_type, source_id, line_key, location_id, stock_location_name, product_id, quantity_change"
    movements = f"select {columns}, occurred_at from marts.fct_inventory_movements"
    assert rows(con, f"{movements} where location_id = 'BERK' order by source_id, line_key") == [
        ("received", "R1", "boot/1/1", "BERK", None, "boot", 3, at(1, 8)),
        ("received", "R1", "shoe/2/1", "BERK", None, "shoe", 6, at(1, 9)),
        ("received", "R1", "shoe/2/2", "BERK", None, "shoe", 2, at(1, 9)),
        ("received", "R2", "shoe/1/1", "BERK", None, "shoe", 1, at(2, 10)),
        ("received", "R9", "boot/1/1", "BERK", None, "boot", 2, at(1, 20)),
        ("returned", "RET", "u1", "BERK", None, "shoe", 1, at(4, 9)),
        ("transferred", "T1", "shoe/1/1", "BERK", None, "shoe", -3, at(3, 15)),
        ("adjusted", "X1", "shoe/1/1/destination", "BERK", "damaged", "shoe", 2, at(3, 8)),
        ("adjusted", "X1", "shoe/1/1/origin", "BERK", "main", "shoe", -2, at(3, 8)),
        ("adjusted", "X2", "shoe/1/1/origin", "BERK", "main", "shoe", -1, at(3, 9)),
        ("fulfilled", "f1", "u1", "BERK", None, "shoe", -1, at(2, 10, 0, 1)),
    ]
    assert rows(con, f"{movements} where source_id in ('R7', 'R8', 'X3') order by source_id, line_key") == [
        ("received", "R7", "/1/1", None, None, None, 3, at(7, 12)),
        ("received", "R7", "sock/1/2", None, None, "sock", None, at(7, 12)),
        ("received", "R8", "/1/1", "PIER", None, None, None, at(7, 12)),
        ("received", "R8", "sock/1/2", "PIER", None, "sock", None, at(7, 12)),
        ("adjusted", "X3", "glove/1/1/destination", "PIER", "main", "glove", 2, at(2, 4, 30)),
    ]


def test_a_movement_says_what_it_belongs_to(con: duckdb.DuckDBPyConnection) -> None:
    columns = "source_id, order_ref, shipment_ref, asn_id, adjustment_type, reason, note, associate_id"
    query = f"select distinct {columns} from marts.fct_inventory_movements"
    assert rows(con, f"{query} where source_id in ('R1', 'R3', 'T1', 'X1', 'f1', 'RET') order by all") == [
        ("R1", "PO-1", None, None, None, None, None, None),
        ("R3", None, "SH-1", "N1", None, None, None, None),
        ("RET", "o1", None, None, None, "Too small", None, None),
        ("T1", "TO-1", "SH-1", None, None, None, None, None),
        ("X1", None, None, None, "Damage out", "Torn", "seen at noon", "4"),
        ("f1", "o1", "1Z1", None, None, None, None, "4"),
    ]


def test_a_count_is_complete_with_its_last_chunk(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "count_id, product_id, location_id, count_type, system_quantity, counted_quantity, variance, associate_id, "
        "started_at, completed_at, chunks_seen, total_chunks, is_complete"
    )
    query = f"select {columns} from marts.fct_inventory_counts where location_id = 'BERK' order by 1, 2"
    kind, nobody, began = "cycle_count", "unknown", at(1, 7)
    assert rows(con, query) == [
        ("C1", "boot", "BERK", kind, 5, 3, -2, nobody, began, at(2, 10), 2, 2, True),
        ("C1", "shoe", "BERK", kind, 8, 7, -1, nobody, began, at(2, 10), 2, 2, True),
        ("C2", "shoe", "BERK", kind, 3, 100, 97, nobody, began, at(6, 10), 1, 2, False),
    ]


def test_on_hand_is_the_last_complete_count_and_what_moved_after_it(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "location_id, product_id, last_counted_quantity, last_counted_at, movements_since_count, on_hand, "
        "first_seen_at, last_movement_at"
    )
    assert rows(con, f"select {columns} from marts.fct_inventory_on_hand order by 1, 2") == [
        ("BERK", "boot", 3, at(2, 10), 0, 3, at(1, 8), at(1, 20)),
        # -1 fulfilled, -2 + 2 - 1 adjusted, -3 transferred, +1 returned.
        ("BERK", "shoe", 7, at(2, 10), -4, 3, at(1, 9), at(4, 9)),
        ("PIER", "cap", 6, at(4, 10), 0, 6, at(2, 10), at(3, 10)),
        ("PIER", "glove", None, None, 2, 2, at(2, 4, 30), at(2, 4, 30)),
        ("PIER", "sock", None, None, 0, 0, at(7, 12), at(7, 12)),
        ("RIGHT", "hat", None, None, 4, 4, at(1, 8, 1), at(1, 8, 1)),
        ("SOHO", "boot", None, None, 7, 7, at(5, 12), at(5, 12)),
        ("SOHO", "shoe", None, None, 2, 2, at(5, 10), at(5, 10)),
    ]


def test_days_add_up(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "location_id, product_id, date, "
        "opening, received, fulfilled, returned, adjusted, transferred, counted_variance, closing"
    )
    query = f"select {columns} from marts.daily_inventory"
    assert rows(con, f"{query} where location_id in ('BERK', 'PIER') order by 1, 2, 3") == [
        ("BERK", "boot", date(2026, 3, 1), 0, 5, 0, 0, 0, 0, 0, 5),
        ("BERK", "boot", date(2026, 3, 2), 5, 0, 0, 0, 0, 0, -2, 3),
        ("BERK", "shoe", date(2026, 3, 1), 0, 8, 0, 0, 0, 0, 0, 8),
        ("BERK", "shoe", date(2026, 3, 2), 8, 1, -1, 0, 0, 0, -2, 6),
        ("BERK", "shoe", date(2026, 3, 3), 6, 0, 0, 0, -1, -3, 0, 2),
        ("BERK", "shoe", date(2026, 3, 4), 2, 0, 0, 1, 0, 0, 0, 3),
        ("PIER", "cap", date(2026, 3, 2), 0, 0, 0, 0, 0, 0, 9, 9),
        ("PIER", "cap", date(2026, 3, 3), 9, 1, 0, 0, 0, 0, 0, 10),
        ("PIER", "cap", date(2026, 3, 4), 10, 0, 0, 0, 0, 0, -4, 6),
        ("PIER", "glove", date(2026, 3, 2), 0, 0, 0, 0, 2, 0, 0, 2),
        ("PIER", "sock", date(2026, 3, 7), 0, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_a_transfer_is_what_was_announced_beside_what_arrived(con: duckdb.DuckDBPyConnection) -> None:
    columns = (
        "transfer_id, origin_location_id, destination_location_id, shipment_ref, transfer_order_ref, "
        "shipped_at, received_at, shipped_quantity, received_quantity, difference"
    )
    assert rows(con, f"select {columns} from marts.fct_transfers order by 1") == [
        ("N1", "BERK", "SOHO", "SH-1", "TO-1", at(3, 16), at(5, 10), 3, 2, -1),
        ("N2", "SOHO", None, None, None, at(5, 11), None, 4, None, None),
        ("N3", None, "SOHO", None, None, None, at(5, 12), None, 7, None),
    ]
