"""Merges sorted rows of the log, read portion by portion from several files, into one sorted sequence.

No more than a portion of each file is in memory, so it does not matter how many rows there are or how large.
"""

import bisect
from collections.abc import Iterator, Sequence

import pyarrow as pa

# A row's place in a file of the log: whether it has a name, the name, journal and position.
_Place = tuple[bool, str, str, int]


def merge(files: Sequence[pa.RecordBatchReader], rows: int, most_bytes: int) -> Iterator[pa.Table]:
    """The rows of all files in order, in tables of at least so many rows, or bytes, but for the last.

    Of a file that is not sorted the rows come as well, not in order. Raises what the readers raise.
    """
    portions = [_Portion(file) for file in files]
    pending: list[pa.Table] = []
    while portions := [portion for portion in portions if portion.places]:
        # Nothing that has not been read yet comes before the end of the portion that ends first.
        first = min(portions, key=lambda portion: portion.places[-1])
        end = first.places[-1]
        taken = [first.take(None), *(portion.take(end) for portion in portions if portion is not first)]
        pending.append(_in_order(taken))
        if sum(map(len, pending)) >= rows or sum(table.nbytes for table in pending) >= most_bytes:
            yield pa.concat_tables(pending)
            pending = []
    if pending:
        yield pa.concat_tables(pending)


class _Portion:
    """The rows of a file that were read and not taken yet, with their places; none at its end."""

    def __init__(self, file: pa.RecordBatchReader) -> None:
        self._file = file
        self._rows, self.places = self._read()

    def take(self, end: _Place | None) -> tuple[pa.Table, list[_Place]]:
        """The rows up to that place, or all; when those are all that were read, more are."""
        count = len(self.places) if end is None else bisect.bisect_right(self.places, end)
        taken = self._rows.slice(0, count), self.places[:count]
        if count == len(self.places):
            self._rows, self.places = self._read()
        else:
            self._rows, self.places = self._rows.slice(count), self.places[count:]
        return taken

    def _read(self) -> tuple[pa.Table, list[_Place]]:
        batch = next((batch for batch in self._file if batch.num_rows), None)
        rows = self._file.schema.empty_table() if batch is None else pa.Table.from_batches([batch])
        columns = (rows.column(column).to_pylist() for column in ("name", "journal", "position"))
        places = [(name is not None, name or "", journal, at) for name, journal, at in zip(*columns, strict=True)]
        return rows, places


def _in_order(parts: Sequence[tuple[pa.Table, list[_Place]]]) -> pa.Table:
    rows = pa.concat_tables([rows for rows, _ in parts])
    places = [place for _, places in parts for place in places]
    order = sorted(range(len(places)), key=places.__getitem__)
    return rows if order == list(range(len(places))) else rows.take(pa.array(order))
