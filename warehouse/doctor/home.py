"""What a diagnosis says of a home: lake, journals, last refresh, quarantine, clock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from warehouse.doctor.finding import Finding, State, told
from warehouse.errors import LakeMissing
from warehouse.lake import catalog_path, open_lake
from warehouse.overview import Overview, overview
from warehouse.publication import read_failure
from warehouse.settings import Settings

OLD_REFRESH: Final = timedelta(hours=24)
CLOCK_SLACK: Final = timedelta(seconds=60)
MANY_PROBLEMS: Final = 0.01
MISSING_SHOWN: Final = 3


def lake(settings: Settings) -> Iterator[Finding]:
    """Whether the lake opens, its catalog is sound and its files are there."""
    catalog = catalog_path(settings)
    try:
        con = open_lake(settings, read_only=True)
    except LakeMissing as error:
        yield Finding("lake", State.WARN, error.message, error.hint)
        return
    with closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as sqlite:
        answer = sqlite.execute("pragma quick_check(1)").fetchone()[0]
    restore = "restore the lake from a backup; the log's rows are in its Parquet files and the latest journals"
    with con:
        missing, files = _missing_files(con)
    if answer != "ok":
        yield Finding("lake", State.WRONG, f"{catalog}: the catalog is damaged: {answer}", restore)
    elif missing:
        shown = ", ".join(str(path) for path in missing[:MISSING_SHOWN])
        text = f"{len(missing):,} of {files:,} files are missing or have another length: {shown}"
        marts_only = not any("/log/" in str(path) for path in missing)
        yield Finding("lake", State.WRONG, text, "`warehouse refresh --full`" if marts_only else restore)
    else:
        yield Finding("lake", State.OK, f"opens, its catalog is sound, all {files:,} files are there")


def _missing_files(con: duckdb.DuckDBPyConnection) -> tuple[list[Path], int]:
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'lake' order by all"
    ).fetchall()
    missing, files = list[Path](), 0
    for schema, table in tables:
        rows = con.execute(
            "select data_file, data_file_size_bytes from ducklake_list_files('lake', ?, schema => ?)", [table, schema]
        ).fetchall()
        files += len(rows)
        for name, size in rows:
            path = Path(name)
            # Only files of this machine can be looked at.
            if "://" not in name and (not path.is_file() or path.stat().st_size != size):
                missing.append(path)
    return missing, files


def journal(settings: Settings) -> Iterator[Finding]:
    """What waits in the journals, what is damaged there, how the last refresh went, what was not understood."""
    found = overview(settings)
    backlog = found.journal
    for damage in backlog.damage:
        torn = "torn tail" in damage
        hint = "nothing to do: it was promised to nobody" if torn else "keep the file and look at its disk"
        yield Finding("journal", State.OK if torn else State.WRONG, damage, hint)
    if backlog.unsealed and found.refresh is None:
        text = f"{backlog.unsealed:,} deliveries wait for the first refresh"
        yield Finding("journal", State.WARN, text, "`warehouse refresh`, or `warehouse up` for one every few minutes")
    else:
        text = f"{backlog.files:,} files, {backlog.unsealed:,} deliveries not in the log yet"
        yield Finding("journal", State.OK, text)
    yield from _refresh(settings, found)
    yield from _problems(found)


def _refresh(settings: Settings, found: Overview) -> Iterator[Finding]:
    failure = read_failure(settings)
    if failure is not None:
        text = f"the last one failed, at {failure.failed_at}: {failure.message}"
        yield Finding("refresh", State.WRONG, text, "`warehouse refresh` once more; it says what to do")
    if found.refresh is None:
        return
    age = datetime.now(UTC) - datetime.fromisoformat(found.refresh.finished_at)
    behind = found.journal.unsealed or (found.log is not None and found.log.batch > found.refresh.batch)
    text = f"{found.refresh.finished_at}, {told(age)} ago, up to batch {found.refresh.batch}"
    if behind and age > OLD_REFRESH:
        hint = "`warehouse refresh`, or `warehouse up` for one every few minutes"
        yield Finding("refresh", State.WARN, f"{text}; deliveries have come since", hint)
    else:
        yield Finding("refresh", State.OK, text)


def _problems(found: Overview) -> Iterator[Finding]:
    if found.log is None or not found.log.deliveries:
        return
    count = sum(found.log.problems.values())
    text = f"{count:,} of {found.log.deliveries:,} deliveries could not be understood"
    many = count > MANY_PROBLEMS * found.log.deliveries
    yield Finding("quarantine", State.WARN if many else State.OK, text, "`warehouse quarantine list`" if many else None)


def clock(settings: Settings) -> Iterator[Finding]:
    """Whether this clock fits to the times of what was received."""
    now = datetime.now(UTC)
    try:
        con = open_lake(settings, read_only=True)
    except LakeMissing:
        yield Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing received yet to compare with")
        return
    with con:
        ((last, ahead),) = con.execute(
            """
            select
                epoch(max(received_at)),
                max(epoch(published_at) - epoch(received_at)) filter (where published_at > received_at)
            from lake.log.events
            """
        ).fetchall()
    hint = "set the clock, and let chrony or systemd-timesyncd keep it"
    if last is not None and last - now.timestamp() > CLOCK_SLACK.total_seconds():
        text = f"the last delivery was received {told(timedelta(seconds=last - now.timestamp()))} in the future"
        yield Finding("clock", State.WRONG, f"{text}: the clock was set back", hint)
    elif ahead is not None and ahead > CLOCK_SLACK.total_seconds():
        text = f"an event was published up to {told(timedelta(seconds=ahead))} after it was received"
        yield Finding("clock", State.WARN, f"{text}: this clock, or NewStore's, was wrong", hint)
    else:
        yield Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, and what was received fits to it")
