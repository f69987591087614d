"""Looks into a damaged file of the log: says where the damage is, and saves the row groups that prove to be sound.

`python -m warehouse.care.salvage FILE [SAVED]` is a process of its own, because a file whose bytes have changed may
make the reader of Parquet end with it. A row group is sound when the checksums of all its pages fit, and the payload
hash of every row.
"""

import resource
import sys
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.delivery.payload_hash import payload_hash
from warehouse.log.parquet_file import COLUMNS

# A changed length may ask for any amount of memory.
MEMORY_BYTES: Final = 4 * 2**30
UNREADABLE: Final = (OSError, ValueError, pa.ArrowException)


def place_in(path: Path) -> str:
    """The first column of a row group that fails its checksums, with its bytes; else what is around them."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except UNREADABLE:
        return f"the footer, from byte {_footer(path)} on"
    with file:
        for group in range(file.metadata.num_row_groups):
            for number in range(file.metadata.num_columns):
                chunk = file.metadata.row_group(group).column(number)
                try:
                    file.read_row_group(group, columns=[chunk.path_in_schema])
                except UNREADABLE:
                    start = chunk.dictionary_page_offset or chunk.data_page_offset
                    end = start + chunk.total_compressed_size
                    return f"row group {group}, column {chunk.path_in_schema}, bytes {start} to {end}"
    return f"between the pages, or in the footer from byte {_footer(path)} on"


def save_sound_groups(path: Path, saved: Path) -> None:
    """Write the sound row groups as the file `saved`; none when there are none."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        if file.schema_arrow.names != COLUMNS:
            return
        groups = [group for number in range(file.num_row_groups) if (group := _sound_group(file, number)) is not None]
    if groups:
        pq.write_table(pa.concat_tables(groups), saved, compression="zstd")


def _sound_group(file: pq.ParquetFile, number: int) -> pa.Table | None:
    try:
        group = file.read_row_group(number)
        columns = (group.column(name).to_pylist() for name in ("payload_hash", "body", "raw_body"))
        for content, text, raw in zip(*columns, strict=True):
            if payload_hash(raw if text is None else text.encode()) != content:
                return None
    except (*UNREADABLE, AttributeError, TypeError):
        # A row without any body was never written either.
        return None
    return group


def _footer(path: Path) -> int:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - 8, 0))
        length = int.from_bytes(file.read(4), "little")
    return max(size - 8 - length, 0)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if len(sys.argv) > 2:
        save_sound_groups(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.stdout.write(f"{place_in(Path(sys.argv[1]))}\n")
