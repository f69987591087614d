"""The rows of touched entities are found in a large table by ranges of row numbers, all of them and few others."""

import random
from collections.abc import Iterator

import duckdb
import pytest

from warehouse.build.touched_entities import MOST_RANGES, MOST_ROWS, EntityColumns, find_rows
from warehouse.lake.transaction import transaction

ROWS = 500_000
PLACE = EntityColumns("events", ("tenant", "order_id"))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute(
            f"create table events as select 't' as tenant, 'order-' || i // 5 as order_id, i from range({ROWS}) r (i)"
        )
        con.execute("create temp table touched (tenant varchar, order_id varchar)")
        yield con


@pytest.mark.parametrize("orders", [0, 1, 20, 5_000])
def test_all_rows_of_the_entities_are_found(con: duckdb.DuckDBPyConnection, orders: int, seed: int) -> None:
    chosen = random.Random(seed).sample(range(ROWS // 5), orders)
    con.executemany("insert into touched values ('t', ?)", [[f"order-{number}"] for number in chosen] or [["none"]])
    with transaction(con):
        query = find_rows(con, PLACE, "select order_id from touched", "rows")
        found = con.execute(f"select i from ({query}) order by i").fetchall()
    assert found == [(5 * number + line,) for number in sorted(chosen) for line in range(5)]
    assert query is not None
    assert query.count(" between ") <= MOST_RANGES


def test_orders_far_apart_are_ranges_of_their_own(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("insert into touched values ('t', 'order-10'), ('t', 'order-12'), ('t', 'order-90000')")
    with transaction(con):
        query = find_rows(con, PLACE, "select order_id from touched", "rows")
    assert query is not None
    assert "rowid between 50 and 64 or rowid between 450000 and 450004" in query


def test_very_many_rows_are_not_listed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"insert into events select 't', 'order-of-a-day', i from range({ROWS}, {ROWS + MOST_ROWS + 1}) r (i)")
    with transaction(con):
        assert find_rows(con, PLACE, "select 'order-of-a-day'", "rows") is None
        assert find_rows(con, PLACE, "select 'order-7'", "rows") is not None
