"""The live files of `log.events`, as the catalog has them: how large each is, and which batches it holds."""

from typing import Final

import duckdb
import msgspec

# As soon as so many neighbours are of one size they become one file of the next: each row is written anew once a size,
# and of each size there are fewer than this.
FANOUT: Final = 8
SMALLEST_SIZE_BYTES: Final = 64 * 2**10
# A file this large stays as it is; what is joined does not become larger than twice that.
LARGE_FILE_BYTES: Final = 64 * 2**20

LOG_FILES: Final = """
select file.file_size_bytes, low.min_value::bigint, low.max_value::bigint, file.path
from __ducklake_metadata_lake.ducklake_data_file as file
inner join __ducklake_metadata_lake.ducklake_table as tab on file.table_id = tab.table_id and tab.end_snapshot is null
inner join __ducklake_metadata_lake.ducklake_schema as sch on tab.schema_id = sch.schema_id and sch.end_snapshot is null
inner join __ducklake_metadata_lake.ducklake_column as col
    on col.table_id = tab.table_id and col.column_name = 'batch' and col.end_snapshot is null
inner join __ducklake_metadata_lake.ducklake_file_column_stats as low
    on low.data_file_id = file.data_file_id and low.column_id = col.column_id
where file.end_snapshot is null and sch.schema_name = 'log' and tab.table_name = 'events'
order by low.min_value::bigint, low.max_value::bigint
"""


class LogFile(msgspec.Struct, frozen=True):
    """A live file of the log: its bytes, the first and last batch in it, and its path as the catalog has it."""

    bytes: int
    first: int
    last: int
    path: str = ""

    @property
    def size(self) -> int:
        """0 for the smallest files, one more for each eightfold."""
        size, limit = 0, SMALLEST_SIZE_BYTES
        while self.bytes >= limit and limit < LARGE_FILE_BYTES:
            size, limit = size + 1, limit * FANOUT
        return size


def list_log_files(con: duckdb.DuckDBPyConnection) -> list[LogFile]:
    """The live files of the log in the order of their batches."""
    return [LogFile(*row) for row in con.execute(LOG_FILES).fetchall()]


def bytes_after(con: duckdb.DuckDBPyConnection, batch: int) -> int:
    """The bytes of all live files of the log that hold something newer than a batch."""
    return sum(file.bytes for file in list_log_files(con) if file.last > batch)
