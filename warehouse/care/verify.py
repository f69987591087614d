"""Proves that the log is what was received: nothing is believed because it can be read, or because another says so.

Each file of the log carries the digest of its content in its name, each row the hash of its payload, and the positions
of each journal's deliveries run from 0 without a gap. Records of journals carry a checksum and their number. Catalog,
files and journals are compared in both directions: what one knows and another lacks is found.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow.parquet as pq

from warehouse.care.accepted_losses import Accepted, accepted_of, missing_of
from warehouse.care.catalog_check import files_there, positions_of, read_catalog
from warehouse.care.defect import Defect
from warehouse.care.file_digests import check_digest, table_of
from warehouse.care.mart_values import compare_marts
from warehouse.delivery.payload_hash import payload_hash
from warehouse.errors import JournalCorrupt, LakeMissing
from warehouse.journal import Damage, Journal, list_journals
from warehouse.log.parquet_file import digest_of, named_digest
from warehouse.log.position_set import Spans
from warehouse.progress import Progress
from warehouse.settings import Settings

ROWS: Final = 5_000
DAMAGED_SECONDS: Final = 600.0


class CheckedFile(msgspec.Struct, frozen=True):
    """A file of the log that was read: its rows by journal, and its batches; a damaged one has no rows."""

    path: Path
    rows: int
    first_batch: int
    last_batch: int
    spans: dict[str, Spans]
    findings: tuple[Defect, ...]


class CheckReport(msgspec.Struct, frozen=True):
    """What was read, and everything that was found to be wrong.

    `files` are those of the log, `others` those of marts and tables that were compared with their digests, `unproven`
    the ones that have no digest yet: the next refresh notes it. `marts` were compared by value with what was built;
    `uncompared` says why none could be. `accepted` is what is missing from the log and no finding, because the operator
    has accepted it.
    """

    files: int
    deliveries: int
    journals: int
    records: int
    others: int
    unproven: int
    marts: int
    uncompared: str | None
    accepted: Accepted
    bytes: int
    findings: tuple[Defect, ...]


def verify(settings: Settings, progress: Progress = lambda _done, _total: None) -> CheckReport:
    """Compare all that this home has with all else: files, catalog, journals, digests, marts. Changes nothing.

    `progress` is told the bytes read and their sum. Raises LakeMissing when there is neither a log nor a journal.
    """
    found: list[Defect] = []
    # What is there is listed before what is known: a file that is committed meanwhile is on one list at least.
    there = files_there(settings)
    known = read_catalog(settings)
    found += known.findings
    paths = list(known.live) if known.is_read else there
    journals = list_journals(settings.journal_dir)
    if not paths and not journals and not found:
        raise LakeMissing("there is nothing to verify.", "name the right --home", where=settings.home)
    sizes = {path: path.stat().st_size for path in (*paths, *known.others, *journals) if path.exists()}
    reading = _Reading(progress, sizes)
    log: dict[str, Spans] = {}
    deliveries = 0
    for path in paths:
        checked = check_file(path)
        found += checked.findings
        deliveries += checked.rows
        for journal, spans in checked.spans.items():
            _add_positions(path, journal, spans, log, found)
        reading.done(path)
    for path, digest in known.others.items():
        found += check_digest(path, digest)
        reading.done(path)
    records = 0
    kept: dict[str, Spans] = {}
    for path in journals:
        records += _check_journal(path, log, kept, found)
        reading.done(path)
    found += missing_of(settings, log)
    if known.is_read:
        found += check_unnamed(settings, [path for path in there if path.name not in known.named], log, kept)
    values = compare_marts(settings, {table_of(settings, finding) for finding in found})
    found += values.findings
    return CheckReport(
        files=len(paths),
        deliveries=deliveries,
        journals=len(journals),
        records=records,
        others=len(known.others),
        unproven=sum(digest is None for digest in known.others.values()),
        marts=values.marts,
        uncompared=values.unread,
        accepted=accepted_of(settings, log),
        bytes=reading.bytes,
        findings=tuple(found),
    )


def check_catalog(settings: Settings) -> tuple[Defect, ...]:
    """What the catalog alone tells, without reading the files' contents: those that are gone, have another length, or
    that it does not know although only they have a delivery; positions with a gap; a counter that went back.

    Takes a fraction of a second and, where files lie that nobody knows, the time to read them. Raises LakeError when
    the lake cannot be opened, LakeMissing where there is none.
    """
    there = files_there(settings)
    known = read_catalog(settings, strict=True)
    gone = [
        Defect(str(path), "the file", "is gone or has another length")
        for path, size in known.sizes.items()
        if not path.is_file() or path.stat().st_size != size
    ]
    log = positions_of(settings)
    if isinstance(log, Defect):
        # Where deliveries are missing nobody can say.
        return (*known.findings, *gone, log)
    unnamed = [path for path in there if path.name not in known.named]
    kept: dict[str, Spans] = {}
    for path in list_journals(settings.journal_dir) if unnamed else []:
        _check_journal(path, log, kept, [])
    return (*known.findings, *gone, *missing_of(settings, log), *check_unnamed(settings, unnamed, log, kept))


class _Reading:
    """Tells how far the reading is."""

    def __init__(self, progress: Progress, sizes: dict[Path, int]) -> None:
        self._progress = progress
        self._sizes = sizes
        self._total = sum(sizes.values())
        self.bytes = 0

    def done(self, path: Path) -> None:
        self.bytes += self._sizes.get(path, 0)
        self._progress(self.bytes, self._total)


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
    findings: list[Defect] = []
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
                    findings.append(Defect(str(path), f"row {rows}", "the body does not match its payload_hash"))
                rows += 1
            for journal, listed in positions.items():
                doubled = spans.setdefault(journal, Spans()).add(listed)
                findings += [_doubled(path, journal, *span) for span in doubled]
    return CheckedFile(path, rows, min(batches, default=0), max(batches, default=0), spans, tuple(findings))


def _add_positions(path: Path, journal: str, spans: Spans, log: dict[str, Spans], found: list[Defect]) -> None:
    known = log.setdefault(journal, Spans())
    found += [_doubled(path, journal, *span) for span in known.merge(spans)]


def _doubled(path: Path, journal: str, first: int, last: int) -> Defect:
    return Defect(str(path), f"journal {journal}", f"deliveries {first} to {last} are in the log twice")


def check_unnamed(
    settings: Settings, paths: Iterable[Path], log: dict[str, Spans], kept: dict[str, Spans]
) -> list[Defect]:
    """Files of the log that the catalog does not know, if they alone have a delivery: neither the log has it, nor a
    journal. Others are what a sealing or a compaction that died left behind, and go by themselves."""
    found: dict[Path, list[Defect]] = {}
    for path in paths:
        checked = check_file(path)
        if checked.findings:
            found[path] = [*checked.findings]
        for journal, spans in checked.spans.items():
            only = spans.minus(log.get(journal, Spans())).minus(kept.get(journal, Spans()))
            found.setdefault(path, []).extend(
                Defect(
                    str(path),
                    f"journal {journal}",
                    f"deliveries {first} to {last} are here alone: the catalog does not know this file",
                )
                for first, last in only
            )
    # One that was committed, or taken away, since the catalog was read is not astray.
    if any(found.values()):
        named = read_catalog(settings).named
        found = {path: some for path, some in found.items() if path.name not in named and path.exists()}
    return [finding for some in found.values() for finding in some]


def _check_journal(path: Path, log: dict[str, Spans], kept: dict[str, Spans], found: list[Defect]) -> int:
    """Read one journal, and add what it holds to `kept`; records that the log lacks although it has later ones are
    found as well, and records that it must have had and has no more."""
    damage: list[Damage] = []
    count = 0
    try:
        with Journal(path) as journal:
            held = Spans(position for position, _, _ in journal.records(damage.append))
            count = len(held)
            kept.setdefault(journal.name, Spans()).merge(held)
            sealed = log.get(journal.name, Spans())
            passed = held.minus(sealed).until(sealed.last)
            found += [
                Defect(str(path), f"deliveries {first} to {last}", "were passed over by the log; they are here")
                for first, last in passed
            ]
            # A file that ends between two records shows nothing of it by itself.
            gone = sealed.minus(held) if not damage else Spans()
            found += [
                Defect(str(path), f"deliveries {first} to {last}", "are in the log and not here any more")
                for first, last in gone
            ]
    except FileNotFoundError:
        # Sealed and past its time, it may go at any moment.
        return 0
    except (JournalCorrupt, OSError) as error:
        found.append(Defect(str(path), "the file", f"cannot be read: {getattr(error, 'message', error)}"))
    found += [finding_of(one) for one in damage]
    return count


def finding_of(damage: Damage) -> Defect:
    """A damage of a journal as a finding."""
    text = str(damage).removeprefix(f"{damage.path}: ")
    what, _, missing = text.partition(": ")
    return Defect(str(damage.path), what, missing)


def _damaged(path: Path, place: str, problem: str) -> CheckedFile:
    return CheckedFile(path, 0, 0, 0, {}, (Defect(str(path), place, problem),))


def _place_in(path: Path) -> str:
    """Where in a damaged file the damage is."""
    return _in_a_process(path) or "the footer"


def _in_a_process(path: Path, *more: str) -> str:
    """Look into a damaged file where it does not matter that reading it may crash; what was printed of it."""
    command = [sys.executable, "-m", "warehouse.care.salvage", str(path), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DAMAGED_SECONDS, check=False)
    return done.stdout.strip()
