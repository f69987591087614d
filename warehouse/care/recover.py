"""Makes the lake's catalog anew from the files of the log and the journals alone; nothing is deleted.

Of files that hold the same deliveries, as compaction leaves them for a while, one stands for them: a delivery is its
journal and position, and is taken once. What a damaged file held is taken from the journal, where that is still kept.
The old catalog stays as it is until the new one is whole; then it, and whatever else is of no use any more, is put
aside. Marts are rebuilt by the next refresh.
"""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.care.accepted_losses import Accepted, accept_losses, accepted_of, missing_of
from warehouse.care.catalog_check import read_catalog
from warehouse.care.defect import Defect
from warehouse.care.verify import CheckedFile, check_file, finding_of, salvage_file
from warehouse.errors import JournalCorrupt, LakeError, NoteError
from warehouse.journal import Damage, Journal, list_journals
from warehouse.lake.connection import beside, catalog_path, data_path, lake_error, log_folder, make_lake, open_catalog
from warehouse.lake.transaction import transaction
from warehouse.log.commit import BATCH_BYTES, BATCH_ROWS, KNOWN_FILES, commit_batch
from warehouse.log.parquet_file import SUFFIX, LogRows, write_remainder_file
from warehouse.log.position_set import Spans
from warehouse.notes.refresh_note import Publication, publication_path, read_publication
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.system.disk import make_folder, sync_file_at, sync_folder
from warehouse.system.lock import hold_lock

LOCK_SECONDS: Final = 600.0


class Recovery(msgspec.Struct, frozen=True):
    """What a recovery takes into the new catalog, or would.

    Files of the log taken whole and files of which only some rows are needed or sound, files whose rows others have as
    well, deliveries in all, and of those the ones that only a journal has. `batch` is the number that the next sealing
    counts on from, `aside` the folder into which everything else went. `is_needed` says whether the catalog that is
    there is another one than would be made. `accepted` is what nothing here has, and the operator has accepted as lost.
    """

    files: int
    partly: int
    superseded: int
    deliveries: int
    from_journals: int
    batch: int
    damage: tuple[Defect, ...]
    is_needed: bool
    aside: str | None
    accepted: Accepted


class _Recovering(msgspec.Struct):
    whole: list[CheckedFile]
    partly: list[tuple[CheckedFile, dict[str, Spans]]]
    superseded: list[CheckedFile]
    damaged: list[CheckedFile]
    taken: dict[str, Spans]
    journals: dict[Path, Spans]
    batch: int
    findings: list[Defect]
    is_needed: bool = False

    def report(self, aside: Path | None, accepted: Accepted) -> Recovery:
        return Recovery(
            files=len(self.whole),
            partly=len(self.partly),
            superseded=len(self.superseded),
            deliveries=sum(len(spans) for spans in self.taken.values()),
            from_journals=sum(len(spans) for spans in self.journals.values()),
            batch=self.batch,
            damage=tuple(self.findings),
            is_needed=self.is_needed,
            aside=None if aside is None else str(aside),
            accepted=accepted,
        )


def recover(
    settings: Settings,
    progress: Progress = lambda _done, _total: None,
    *,
    dry_run: bool = True,
    accept: bool = False,
) -> Recovery:
    """Make the catalog anew, or with `dry_run` say what that would take in. Safe to run again, wherever it ended.

    With `accept` what nothing here has any more is from now on accepted as lost, also when nothing has to be made.
    `progress` is told the bytes read and their sum. Raises LockHeld, LakeError, NoteError or OSError; the old catalog
    is then still in its place.
    """
    if not log_folder(settings).is_dir() and not list_journals(settings.journal_dir):
        raise LakeError("there is nothing to recover from.", "name the right --home or data path", where=settings.home)
    with ExitStack() as stack:
        if accept or not dry_run:
            # Also who accepts must not take for lost what is being sealed.
            stack.enter_context(hold_lock(settings.refresh_lock, wait=LOCK_SECONDS))
            stack.enter_context(hold_lock(settings.write_lock, wait=LOCK_SECONDS))
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="recovery-", dir=settings.home)))
        plan = _plan(settings, scratch, progress)
        if dry_run and accept and plan.is_needed:
            raise LakeError(
                "the catalog has to be made anew before anybody knows what is lost.",
                "`warehouse log recover --yes --accept-losses` does both",
                where=settings.home,
            )
        aside = None if dry_run else _recover(settings, plan)
        if accept:
            accept_losses(settings, plan.taken)
        plan.findings += missing_of(settings, plan.taken)
        return plan.report(aside, accepted_of(settings, plan.taken))


def _recover(settings: Settings, plan: _Recovering) -> Path:
    """Do what was planned; the folder for what is of no use any more."""
    aside = _begin_aside(settings, plan)
    draft, known = _build(settings, plan)
    _replace_catalog(settings, draft, aside)
    _clear(settings, plan, known, aside)
    return aside


def _plan(settings: Settings, scratch: Path, progress: Progress) -> _Recovering:
    paths = sorted(log_folder(settings).glob(f"*{SUFFIX}"))
    total = sum(path.stat().st_size for path in paths)
    plan = _Recovering([], [], [], [], {}, {}, 0, [])
    sound: list[CheckedFile] = []
    salvaged: list[CheckedFile] = []
    done = 0
    for path in paths:
        checked = check_file(path)
        plan.findings += checked.findings
        if not checked.findings:
            sound.append(checked)
        else:
            plan.damaged.append(checked)
            saved = salvage_file(path, scratch)
            salvaged += [saved] if saved is not None else []
        done += path.stat().st_size
        progress(done, total)
    published = _last_publication(settings, plan)
    batches = [one.last_batch for one in (*sound, *salvaged)]
    plan.batch = max([*batches, published.batch if published else 0], default=0)
    # The later of two that were written for the same deliveries is the one that was committed; a compacted file has
    # the last batch of those that it stands for, and more rows. Damaged ones only add what nobody else has.
    for one in sorted(sound, key=lambda one: (-one.last_batch, -one.rows, one.path.name)):
        _take(plan, one, is_whole=True)
    for one in salvaged:
        _take(plan, one, is_whole=False)
    logged = {journal: spans.last for journal, spans in plan.taken.items()}
    for path in list_journals(settings.journal_dir):
        _look_into(plan, path)
    plan.is_needed = _is_needed(settings, plan, logged)
    return plan


def _last_publication(settings: Settings, plan: "_Recovering") -> Publication | None:
    """The note of the last publishing; what is recovered does not hang on it."""
    try:
        return read_publication(settings)
    except NoteError as error:
        plan.findings.append(Defect(str(publication_path(settings)), "the note", error.message))
        return None


def _is_needed(settings: Settings, plan: _Recovering, logged: dict[str, int]) -> bool:
    """Whether the catalog cannot be read, names other files, or the log has passed over what a journal has.

    What a journal has beyond its last sealed delivery is for the next sealing.
    """
    known = read_catalog(settings)
    passed = [path for path, spans in plan.journals.items() if next(iter(spans))[0] < logged.get(path.stem, -1)]
    whole = {one.path.name for one in plan.whole}
    is_other = known.is_read and {path.name for path in known.live} != whole
    return bool(known.findings) or is_other or bool(plan.partly) or bool(passed)


def _take(plan: _Recovering, one: CheckedFile, *, is_whole: bool) -> None:
    wanted = {journal: spans.minus(plan.taken.get(journal, Spans())) for journal, spans in one.spans.items()}
    wanted = {journal: spans for journal, spans in wanted.items() if len(spans)}
    if not wanted:
        plan.superseded += [one] if is_whole else []
    elif is_whole and sum(map(len, wanted.values())) == one.rows:
        plan.whole.append(one)
    else:
        plan.partly.append((one, wanted))
    for journal, spans in wanted.items():
        plan.taken.setdefault(journal, Spans()).merge(spans)


def _look_into(plan: _Recovering, path: Path) -> None:
    """Note what a journal has that no sound file has."""
    damage: list[Damage] = []
    try:
        with Journal(path) as journal:
            held = Spans(position for position, _, _ in journal.records(damage.append))
            name = journal.name
    except (JournalCorrupt, OSError) as error:
        plan.findings.append(Defect(str(path), "the file", f"cannot be read: {getattr(error, 'message', error)}"))
        return
    plan.findings += [finding_of(one) for one in damage]
    missing = held.minus(plan.taken.get(name, Spans()))
    if len(missing):
        plan.journals[path] = missing
        plan.taken.setdefault(name, Spans()).merge(missing)


def _build(settings: Settings, plan: _Recovering) -> tuple[Path, set[str]]:
    """A whole catalog beside the old one, closed and on the disk, and the names of the files it knows."""
    catalog = catalog_path(settings)
    draft = catalog.with_name(f"{catalog.name}.recovering")
    for path in (draft, *beside(draft)):
        path.unlink(missing_ok=True)
    make_lake(settings, draft)
    drafted = msgspec.structs.replace(settings, catalog=str(draft), data_path=str(data_path(settings)))
    with open_catalog(drafted, draft) as con:
        try:
            with transaction(con):
                for one in plan.whole:
                    _add(con, one.path)
                for one, wanted in plan.partly:
                    _add(con, write_remainder_file(log_folder(settings), _rows_of(one, wanted), one.path))
                # With ids of its own, so that nothing that was built from the old one passes for built from this.
                con.execute("delete from lake.log.batches")
                con.execute("update lake.log.counter set batch = ?, id = uuid()::varchar", [plan.batch])
                con.execute("insert into lake.log.batches from lake.log.counter")
                con.execute("call lake.set_commit_message('warehouse', 'recovered from the files of the log')")
        except duckdb.Error as error:
            hint = "the old one is still in its place; free space on its disk, or check its rights, and try again"
            raise lake_error("the new catalog could not be made", error, hint, where=draft) from error
        _add_from_journals(con, drafted, plan)
        known = {Path(path).name for (path,) in con.execute(KNOWN_FILES).fetchall()}
    assert not any(path.exists() for path in beside(draft)), "SQLite has closed its file"
    sync_file_at(draft)
    return draft, known


def _add(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    con.execute("call ducklake_add_data_files('lake', 'events', ?, schema => 'log')", [str(path)])


def _rows_of(one: CheckedFile, wanted: dict[str, Spans]) -> pa.Table:
    table = pq.read_table(one.path)
    kept = pa.array([False] * table.num_rows)
    journal, position = table.column("journal"), table.column("position")
    for name, spans in wanted.items():
        for first, last in spans:
            from_here = pc.greater_equal(position, pa.scalar(first, pa.int64()))
            to_here = pc.less_equal(position, pa.scalar(last, pa.int64()))
            within = pc.and_(pc.equal(journal, pa.scalar(name, pa.string())), pc.and_(from_here, to_here))
            kept = pc.or_(kept, within)
    return table.filter(kept)


def _add_from_journals(con: duckdb.DuckDBPyConnection, settings: Settings, plan: _Recovering) -> None:
    rows = LogRows()
    for path, wanted in plan.journals.items():
        with Journal(path) as journal:
            journal.sync()
            damage: list[Damage] = []
            spans = list(wanted)
            for position, meta, body in journal.records(damage.append):
                while spans and position > spans[0][1]:
                    spans.pop(0)
                if not spans:
                    break
                if position >= spans[0][0]:
                    rows.add(journal.name, position, meta, body)
                if rows.count >= BATCH_ROWS or rows.body_bytes >= BATCH_BYTES:
                    plan.batch = commit_batch(con, settings, rows, _nothing)
                    rows = LogRows()
    if rows.count:
        plan.batch = commit_batch(con, settings, rows, _nothing)


def _begin_aside(settings: Settings, plan: _Recovering) -> Path:
    """The folder for what is of no use any more, with the damaged files: one made anew may take the name of its old."""
    aside = catalog_path(settings).parent / f"before-recovery-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    make_folder(aside)
    for one in plan.damaged:
        if one.path.exists():
            (aside / one.path.name).hardlink_to(one.path)
    sync_folder(aside)
    return aside


def _replace_catalog(settings: Settings, draft: Path, aside: Path) -> None:
    """Put the new catalog in the place of the old one, which stays in `aside`."""
    catalog = catalog_path(settings)
    # What was built and published belongs to the old catalog: the next refresh makes it again.
    build = settings.build_path
    _move([build, build.with_name(f"{build.name}.wal"), settings.home / "publication.json", *beside(catalog)], aside)
    if catalog.is_file():
        (aside / catalog.name).hardlink_to(catalog)
        sync_folder(aside)
    else:
        _move([catalog], aside)
    draft.rename(catalog)
    sync_folder(catalog.parent)


def _clear(settings: Settings, plan: _Recovering, known: set[str], aside: Path) -> None:
    """Take away the files that the new catalog does not know."""
    for one in plan.damaged:
        if one.path.name not in known:
            one.path.unlink(missing_ok=True)
    salvaged = {one.path.name for one in plan.damaged}
    in_part = [one.path for one, _ in plan.partly if one.path.name not in salvaged]
    unread = [one.path for one in plan.superseded] + in_part
    _move([*unread, data_path(settings) / "marts", data_path(settings) / "trust"], aside)


def _move(paths: list[Path], aside: Path) -> None:
    for path in paths:
        if path.exists():
            path.rename(aside / path.name)
            sync_folder(path.parent)
    sync_folder(aside)


def _nothing() -> None:
    return
