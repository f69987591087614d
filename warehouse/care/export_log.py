"""Writes deliveries of the log to a file of envelopes, one a line, as NewStore's S3 export has them.

`warehouse replay` takes the file back as the same events. A line is the body byte for byte, wherever a body can be a
line. JSON that was sent over several lines is put on one, with a blank for each line break: the same payload hash, and
the same bytes otherwise. What is no JSON and has line breaks or nothing in it cannot be a line; that is counted. So is
what came to the webhook under a name of reference data: in a file nobody could tell it from what a retailer loaded.
"""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import duckdb
import msgspec
import pyarrow as pa

from warehouse.delivery.payload_hash import payload_hash
from warehouse.errors import ExportError
from warehouse.lake.connection import open_lake
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.whole_file import whole_file

ROWS: Final = 2_000
# Named in the report; how many there are is always told.
NAMED: Final = 100
# What replay strips from a line's ends.
BLANKS: Final = b" \t\n\r\x0b\x0c"
IS_FORGED: Final = "coalesce(problem is not null and starts_with(name, 'reference.'), false)"
NO_EVENT_LINE: Final = "('not_json', 'not_utf8', 'not_an_envelope')"

_check_json: Final = msgspec.json.Decoder(msgspec.Raw).decode


class LogSlice(msgspec.Struct, frozen=True):
    """Which deliveries: received from `since` on and before `until` (in UTC), of one event `name`; None for all."""

    since: str | None = None
    until: str | None = None
    name: str | None = None


class ExportReport(msgspec.Struct, frozen=True):
    """Deliveries written, of those the ones put on one line, and those that are left out: how many, and the first
    hundred as journal and position."""

    deliveries: int
    joined: int
    left_out: int
    left_out_places: tuple[tuple[str, int], ...]


def export_log(
    settings: Settings, out: Path, part: LogSlice | None = None, progress: Progress = lambda _done, _total: None
) -> ExportReport:
    """Write a part of the log to `out`, packed as its name says (.gz, .zst), or leave no file.

    `progress` is called with the deliveries done and of how many. Raises LakeError, ExportError or OSError.
    """
    with open_lake(settings, read_only=True) as con, _writing(out) as stream:
        try:
            return _Export(con, part or LogSlice(), stream, progress).run()
        except duckdb.ConversionException as error:
            raise ExportError(
                "--since or --until is not a time.", "write it as '2025-11-24' or '2025-11-24 08:00', in UTC"
            ) from error


class _Export:
    def __init__(self, con: duckdb.DuckDBPyConnection, part: LogSlice, stream: BinaryIO, progress: Progress) -> None:
        self._con = con
        self._stream = stream
        self._progress = progress
        tests = [("received_at >= ?::timestamptz", part.since), ("received_at < ?::timestamptz", part.until)]
        tests.append(("name = ?", part.name))
        self._where = " and ".join(["true", *(test for test, value in tests if value is not None)])
        self._values = [value for _, value in tests if value is not None]
        self._written = self._joined = self._left_out = 0
        self._places: list[tuple[str, int]] = []

    def run(self) -> ExportReport:
        # Events come first: whoever replays the file knows it by its first line.
        is_event = f"(problem is null or problem not in {NO_EVENT_LINE})"
        ((total,),) = self._con.execute(
            f"select count(*) from lake.log.events where {self._where}", self._values
        ).fetchall()
        done = 0
        for chosen in (is_event, f"not {is_event}"):
            rows = self._con.execute(
                f"select journal, position, payload_hash, body, raw_body, {IS_FORGED} from lake.log.events "
                f"where {self._where} and {chosen}",
                self._values,
            )
            while portion := rows.fetchmany(ROWS):
                for row in portion:
                    self._write(*row)
                done += len(portion)
                self._progress(done, int(total))
        return ExportReport(self._written, self._joined, self._left_out, tuple(self._places))

    def _write(
        self, journal: str, position: int, content: str | None, text: str | None, raw: Any, is_forged: bool
    ) -> None:
        body = bytes(raw) if text is None else text.encode()
        if payload_hash(body) != content:
            raise ExportError(
                f"delivery {position} of journal {journal} does not match its payload_hash.",
                "`warehouse log verify` says which file is damaged",
            )
        line = None if is_forged else _as_line(body)
        if line is None:
            self._left_out += 1
            if len(self._places) < NAMED:
                self._places.append((journal, position))
            return
        self._stream.write(line + b"\n")
        self._written += 1
        self._joined += line != body


def _as_line(body: bytes) -> bytes | None:
    """The body as one line that replay reads as the same delivery; None when there is none."""
    if body and b"\n" not in body and body.strip(BLANKS) == body:
        return body
    try:
        _check_json(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    # In JSON a line break can only stand between two tokens, where a blank says the same.
    return body.replace(b"\r", b" ").replace(b"\n", b" ").strip(BLANKS)


@contextmanager
def _writing(out: Path) -> Iterator[BinaryIO]:
    """The file, packed as its name says."""
    with whole_file(out) as file, _packed(out, file) as stream:
        yield stream


@contextmanager
def _packed(out: Path, file: BinaryIO) -> Iterator[BinaryIO]:
    if out.suffix == ".gz":
        # No time and no name in it: the same deliveries make the same file.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif out.suffix == ".zst":
        # The stream closes what it writes to, and the file must be synced after that.
        twin = os.fdopen(os.dup(file.fileno()), "wb")
        with pa.CompressedOutputStream(pa.PythonFile(cast("Any", twin), "w"), "zstd") as packed:
            yield cast("BinaryIO", packed)
    else:
        yield file
