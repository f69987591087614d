"""Proves from the files alone that the log is what was received: nothing of it is believed because it can be read.

Each file of the log carries the digest of its content in its name, each row the hash of its payload, and the positions
of each journal's deliveries run from 0 without a gap. Records of journals carry a checksum and their number.
"""

import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pyarrow.parquet as pq

from warehouse.canonical import payload_hash
from warehouse.errors import JournalCorrupt, LakeError, LakeMissing
from warehouse.journal import Damage, Journal, list_journals
from warehouse.lake import catalog_path, log_folder, open_lake
from warehouse.log_file import SUFFIX, digest_of, named_digest
from warehouse.settings import Settings
from warehouse.spans import Spans

ROWS: Final = 5_000
DAMAGED_SECONDS: Final = 600.0

LIVE_FILES: Final = """
select file.path, file.record_count
from __ducklake_metadata_lake.ducklake_data_file as file
inner join __ducklake_metadata_lake.ducklake_table as tab on file.table_id = tab.table_id and tab.end_snapshot is null
inner join __ducklake_metadata_lake.ducklake_schema as sch on tab.schema_id = sch.schema_id and sch.end_snapshot is null
where file.end_snapshot is null and sch.schema_name = 'log' and tab.table_name = 'events'
order by file.data_file_id
"""

Progress = Callable[[int, int | None], None]


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it was written: in which file, where in it, and what is wrong."""

    path: str
    place: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.place}: {self.problem}"


class CheckedFile(msgspec.Struct, frozen=True):
    """A file of the log that was read: its rows by journal, and its batches; a damaged one has no rows."""

    path: Path
    rows: int
    first_batch: int
    last_batch: int
    spans: dict[str, Spans]
    findings: tuple[Finding, ...]


class CheckReport(msgspec.Struct, frozen=True):
    """What was read, and everything that was found to be wrong."""

    files: int
    deliveries: int
    journals: int
    records: int
    bytes: int
    findings: tuple[Finding, ...]


def verify(settings: Settings, progress: Progress = lambda _done, _total: None) -> CheckReport:
    """Read every file of the log and every journal of this home; changes nothing.

    `progress` is told the bytes read and their sum. Raises LakeMissing when there is neither a log nor a journal.
    """
    found: list[Finding] = []
    paths = _log_files(settings, found)
    journals = list_journals(settings.journal_dir)
    if not paths and not journals and not found:
        raise LakeMissing(f"{settings.home}: there is nothing to verify.", "name the right --home")
    sizes = {path: path.stat().st_size for path in (*paths, *journals) if path.exists()}
    done = 0
    log: dict[str, Spans] = {}
    deliveries = 0
    for path in paths:
        checked = check_file(path)
        found += checked.findings
        deliveries += checked.rows
        for journal, spans in checked.spans.items():
            _add_positions(path, journal, spans, log, found)
        done += sizes.get(path, 0)
        progress(done, sum(sizes.values()))
    records = 0
    for path in journals:
        records += _check_journal(path, log, found)
        done += sizes.get(path, 0)
        progress(done, sum(sizes.values()))
    for journal, spans in sorted(log.items()):
        found += [
            Finding(str(log_folder(settings)), f"journal {journal}", f"deliveries {first} to {last} are missing")
            for first, last in spans.gaps()
        ]
    return CheckReport(len(paths), deliveries, len(journals), records, done, tuple(found))


def check_file(path: Path) -> CheckedFile:
    """Read one file of the log, all of it. What is damaged is told and none of it given out."""
    try:
        expected, digest = named_digest(path), digest_of(path)
    except OSError as error:
        return _damaged(path, "the file", f"cannot be read: {error.strerror or error}")
    if expected is None:
        return _damaged(path, "its name", "is not one that this product gives")
    if digest != expected:
        return _damaged(path, _place_in(path), "is not as it was written")
    return _read_rows(path)


def salvage_file(path: Path, folder: Path) -> CheckedFile | None:
    """What can be proven of a damaged file, as a file in `folder` with the same name; None when there is nothing."""
    saved = folder / path.name
    _in_a_process(path, str(saved))
    if not saved.exists():
        return None
    checked = _read_rows(saved)
    return checked if checked.rows and not checked.findings else None


def bodies_of(table: Any) -> Iterator[tuple[Any, ...]]:
    """Journal, position, payload hash and body in bytes of each row of a table of the log."""
    columns = [table.column(name).to_pylist() for name in ("journal", "position", "payload_hash", "body", "raw_body")]
    for journal, position, content, text, raw in zip(*columns, strict=True):
        yield journal, position, content, raw if text is None else text.encode()


def _read_rows(path: Path) -> CheckedFile:
    """The rows of a file whose digest is right: were it written wrongly, a hash of a row would tell."""
    spans: dict[str, Spans] = {}
    findings: list[Finding] = []
    batches: set[int] = set()
    rows = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(
            ROWS, columns=["batch", "journal", "position", "payload_hash", "body", "raw_body"]
        ):
            batches |= {number for number in batch.column("batch").unique().to_pylist() if number is not None}
            positions: dict[str, list[int]] = {}
            for journal, position, content, body in bodies_of(batch):
                positions.setdefault(journal, []).append(position)
                if payload_hash(body) != content:
                    findings.append(Finding(str(path), f"row {rows}", "the body does not match its payload_hash"))
                rows += 1
            for journal, listed in positions.items():
                doubled = spans.setdefault(journal, Spans()).add(listed)
                findings += [_doubled(path, journal, *span) for span in doubled]
    return CheckedFile(path, rows, min(batches, default=0), max(batches, default=0), spans, tuple(findings))


def _add_positions(path: Path, journal: str, spans: Spans, log: dict[str, Spans], found: list[Finding]) -> None:
    known = log.setdefault(journal, Spans())
    found += [_doubled(path, journal, *span) for span in known.merge(spans)]


def _doubled(path: Path, journal: str, first: int, last: int) -> Finding:
    return Finding(str(path), f"journal {journal}", f"deliveries {first} to {last} are in the log twice")


def _check_journal(path: Path, log: dict[str, Spans], found: list[Finding]) -> int:
    """Read one journal; records that the log lacks although it has later ones are found as well."""
    damage: list[Damage] = []
    count = 0
    try:
        with Journal(path) as journal:
            held = [position for position, _, _ in journal.records(damage.append)]
            count = len(held)
            sealed = log.get(journal.name)
            if sealed is not None:
                passed = Spans(held).minus(sealed).until(sealed.last)
                found += [
                    Finding(str(path), f"deliveries {first} to {last}", "were passed over by the log; they are here")
                    for first, last in passed
                ]
    except FileNotFoundError:
        # Sealed and past its time, it may go at any moment.
        return 0
    except (JournalCorrupt, OSError) as error:
        found.append(Finding(str(path), "the file", f"cannot be read: {getattr(error, 'message', error)}"))
    found += [finding_of(one) for one in damage]
    return count


def finding_of(damage: Damage) -> Finding:
    """A damage of a journal as a finding."""
    text = str(damage).removeprefix(f"{damage.path}: ")
    what, _, missing = text.partition(": ")
    return Finding(str(damage.path), what, missing)


def _log_files(settings: Settings, found: list[Finding]) -> list[Path]:
    """The files that the catalog says are the log; all that are there when it cannot say."""
    folder = log_folder(settings)
    there = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    try:
        with open_lake(settings, read_only=True) as con:
            listed = [(folder / Path(path).name, int(rows)) for path, rows in con.execute(LIVE_FILES).fetchall()]
            ((counter,),) = con.execute("select batch from lake.log.counter").fetchall()
            ((last,),) = con.execute("select coalesce(max(batch), 0) from lake.log.events").fetchall()
    except LakeMissing as error:
        if there:
            found.append(Finding(str(catalog_path(settings)), "the catalog", error.message))
        return there
    except (LakeError, duckdb.Error) as error:
        text = getattr(error, "message", str(error).splitlines()[0])
        found.append(Finding(str(catalog_path(settings)), "the catalog", text))
        return there
    if counter < last:
        found.append(Finding(str(catalog_path(settings)), "the counter", f"is {counter}, and the log has batch {last}"))
    found += _row_counts(listed)
    return [path for path, _ in listed]


def _row_counts(listed: Iterable[tuple[Path, int]]) -> Iterator[Finding]:
    for path, rows in listed:
        try:
            written = pq.read_metadata(path).num_rows
        except (OSError, ValueError):
            # Told where the file itself is checked.
            continue
        if written != rows:
            yield Finding(str(path), "the catalog", f"knows {rows} rows of it; it has {written}")


def _damaged(path: Path, place: str, problem: str) -> CheckedFile:
    return CheckedFile(path, 0, 0, 0, {}, (Finding(str(path), place, problem),))


def _place_in(path: Path) -> str:
    """Where in a damaged file the damage is."""
    return _in_a_process(path) or "the footer"


def _in_a_process(path: Path, *more: str) -> str:
    """Look into a damaged file where it does not matter that reading it may crash; what was printed of it."""
    command = [sys.executable, "-m", "warehouse.damaged_file", str(path), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DAMAGED_SECONDS, check=False)
    return done.stdout.strip()
