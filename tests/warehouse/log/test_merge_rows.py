"""Merged files of the log are the rows of all of them, in order, whatever their sizes and portions."""

import random
from collections.abc import Iterator

import pyarrow as pa

from warehouse.log.merge_rows import merge
from warehouse.log.parquet_file import SCHEMA

Row = tuple[str | None, str, int]


def read(rows: list[Row], portion: int) -> pa.RecordBatchReader:
    """A file of the log that is read by portions of so many rows."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), portion):
            part = rows[start : start + portion]
            columns = {name: [None] * len(part) for name in SCHEMA.names}
            names, journals, positions = zip(*part, strict=True)
            columns |= {"name": [*names], "journal": [*journals], "position": [*positions]}
            yield pa.RecordBatch.from_pydict(columns, SCHEMA)

    return pa.RecordBatchReader.from_batches(SCHEMA, batches())


def rows_of(tables: list[pa.Table]) -> list[Row]:
    columns = [pa.concat_tables(tables).column(name).to_pylist() for name in ("name", "journal", "position")]
    return list(zip(*columns, strict=True))


def in_order(row: Row) -> tuple[bool, str, str, int]:
    return row[0] is not None, row[0] or "", row[1], row[2]


def test_rows_of_many_files_come_in_one_order(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        names = [None, "", *(f"name.{number}" for number in range(chance.randint(0, 5)))]
        count = chance.randint(1, 300)
        rows: list[Row] = [(chance.choice(names), f"journal-{chance.randint(0, 2)}", at) for at in range(count)]
        parts: list[list[Row]] = [[] for _ in range(chance.randint(1, 9))]
        for row in rows:
            chance.choice(parts).append(row)
        files = [read(sorted(part, key=in_order), chance.randint(1, 40)) for part in parts]
        size = chance.randint(1, 100)
        tables = list(merge(files, size, 2**20))
        assert rows_of(tables) == sorted(rows, key=in_order)
        assert all(len(table) >= size for table in tables[:-1])


def test_large_bodies_end_a_table_before_it_has_its_rows() -> None:
    files = [read([("name", f"journal-{file}", at) for at in range(50)], 5) for file in range(2)]
    tables = list(merge(files, 1_000, 1))
    assert len(tables) > 10
    assert len(rows_of(tables)) == 100


def test_no_row_of_a_file_out_of_order_is_left_out(seed: int) -> None:
    rows: list[Row] = [("name", "journal", at) for at in range(100)]
    random.Random(seed).shuffle(rows)
    tables = list(merge([read(rows[:60], 7), read(sorted(rows[60:]), 7)], 10, 2**20))
    assert sorted(rows_of(tables)) == sorted(rows)
