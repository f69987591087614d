"""What the errors of DuckDB, DuckLake and SQLite mean, in one list: how to know one, what happened, what to do.

Each is from a case that was provoked, see tests/warehouse/lake/test_error_meanings.py. The first that fits counts.
"""

import re
from typing import Final

import msgspec

from warehouse.remedies import RECOVER


class Meaning(msgspec.Struct, frozen=True):
    """A pattern over an error's whole text, case ignored; `happened` ends no sentence and quotes no value."""

    pattern: str
    happened: str
    hint: str


MEANINGS: Final = (
    Meaning(
        "disk is full|no space left on device|could not write all bytes|disk quota",
        "the disk is full",
        "free space on the home's disk, then try again",
    ),
    Meaning(
        "out of memory|failed to allocate",
        "the memory it may use is not enough",
        "set WAREHOUSE_MEMORY higher, or ask for less at once",
    ),
    Meaning(
        "too many open files",
        "this process may not open so many files",
        "raise its limit (`ulimit -n`), then try again",
    ),
    Meaning(
        "database is locked|conflict on|conflicts with",
        "another process is writing to the lake's catalog and did not finish in time",
        "try again when it has; `warehouse status` names who is at work",
    ),
    Meaning(
        "readonly database|read-only file system",
        "this user may not write where the lake's catalog is",
        "give the user the right to write to that folder, or work as the user who runs `warehouse up`",
    ),
    Meaning(
        "permission denied|unable to open database file",
        "this user may not open a file or a folder of the lake",
        # SQLite says no more than this when the process may open no more files, either.
        "give the user the right to read the lake's folder and all files in it; where it has that, raise the limit of "
        "open files (`ulimit -n`)",
    ),
    Meaning(
        "file is not a database|disk image is malformed|file is encrypted",
        "the lake's catalog is damaged",
        RECOVER,
    ),
    Meaning(
        "no snapshot found",
        "that moment of the lake is not kept any more",
        "take a later one; WAREHOUSE_SNAPSHOTS_KEEP says how long they are kept",
    ),
    Meaning(
        r'cannot open file "[^"]*\.parquet": no such file',
        "a file of the lake is not there",
        "a query longer than an hour begins again; else `warehouse log verify` says what is lost, and "
        "`warehouse refresh --full` makes the marts anew",
    ),
    Meaning(
        "could not read enough bytes|no magic bytes"
        "|too small to be a parquet|parquet file|invalid input error: .*parquet|tprotocolexception"
        "|snappy|zstd decompression|page header|don't know what type",
        "a Parquet file is damaged",
        "`warehouse log verify` looks at the log; `warehouse refresh --full` makes the marts anew",
    ),
    Meaning(
        "disk i/o error|input/output error|is a directory",
        "a file of the lake cannot be read or written on its disk",
        "check that the disk is not full, that it is sound, and that the catalog is a file; `warehouse doctor` helps",
    ),
)


def meaning_of(error: BaseException) -> Meaning | None:
    """What an error means; None when it is none of the list."""
    text = str(error)
    return next((each for each in MEANINGS if re.search(each.pattern, text, re.IGNORECASE | re.DOTALL)), None)
