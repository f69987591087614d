"""What a diagnosis says of a home: lake, log, journals, refreshes, quarantine, clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from warehouse.care.file_digests import table_of
from warehouse.care.verify import check_catalog
from warehouse.errors import LakeMissing, LockHeld
from warehouse.health.finding import Finding, State, told
from warehouse.health.overview import JournalState, Overview, overview, reading_lake
from warehouse.notes.log_counts import read_figures
from warehouse.notes.log_watch_note import read_log_watch
from warehouse.notes.refresh_attempt import State as Attempt
from warehouse.notes.refresh_note import Publication
from warehouse.remedies import LOOK_THROUGH, READ_JOURNAL, REBUILD, RECOVER, REFRESH, RENEW_BUILD
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

OLD_REFRESH: Final = timedelta(hours=24)
CLOCK_SLACK: Final = timedelta(seconds=60)
MANY_PROBLEMS_SHARE: Final = 0.01
MISSING_SHOWN: Final = 3
# The log is looked through about once a day; a very long one, or one that nobody watches, waits longer.
LATE_LOOK_SECONDS: Final = 8 * 86_400.0
# Notes are spoken of where what they tell of is.
CHECK_OF: Final = {"publication": "refresh", "marks": "journal"}
CLOCK: Final = """
select
    epoch(max(received_at)),
    max(epoch(published_at) - epoch(received_at)) filter (where published_at > received_at)
from lake.log.events
"""


def lake(settings: Settings) -> Iterator[Finding]:
    """Whether the lake opens, its catalog is sound and its files are there."""
    try:
        with reading_lake(settings):
            pass
        found = check_catalog(settings)
    except LakeMissing as error:
        yield Finding("lake", State.WARN, error.message, error.hint)
        return
    if not found:
        yield Finding("lake", State.OK, "opens, its catalog is sound, all files are there; what is in them: see log")
        return
    shown = "; ".join(map(str, found[:MISSING_SHOWN]))
    marts_only = all(table_of(settings, finding) is not None for finding in found)
    hint = REBUILD if marts_only else f"{LOOK_THROUGH}; {RECOVER}"
    yield Finding("lake", State.WRONG, f"{len(found):,} findings: {shown}", hint)


def log(settings: Settings) -> Iterator[Finding]:
    """What was looked through of the log's files, and what was found in them."""
    known = read_log_watch(settings)
    if known is None or known.looked is None:
        text = "nothing of it has been looked through yet; `warehouse up` does it by itself, a little at a time"
        yield Finding("log", State.OK if known is None else State.WARN, text, LOOK_THROUGH)
        return
    now = datetime.now(UTC).timestamp()
    if known.unread is not None:
        yield Finding("log", State.WRONG, f"it cannot be looked through: {known.unread.reason}", known.unread.hint)
    if known.damaged:
        text = f"{known.damaged:,} findings: {'; '.join(known.findings[:MISSING_SHOWN])}"
        yield Finding("log", State.WRONG, text, f"{LOOK_THROUGH}; {RECOVER}")
    since = f", each in the last {told(timedelta(seconds=now - known.oldest))}" if known.oldest is not None else ""
    text = f"{known.verified:,} of {known.files:,} files looked through{since}"
    late = known.verified < known.files or (known.oldest is not None and now - known.oldest > LATE_LOOK_SECONDS)
    stale = now - known.looked > LATE_LOOK_SECONDS
    state = State.WARN if late or stale else State.OK
    yield Finding("log", state, text, f"leave `warehouse up` running, or {LOOK_THROUGH}" if late or stale else None)


def build(settings: Settings) -> Iterator[Finding]:
    """Whether dbt's working database can be opened."""
    path = settings.build_path
    if not path.exists() and not path.is_symlink():
        yield Finding("build", State.OK, "there is no build database yet; a refresh makes it")
        return
    try:
        # Without the lock, a refresh that begins in this moment would find it open elsewhere, and fail.
        with hold_lock(settings.refresh_lock), duckdb.connect(str(path), read_only=True) as con:
            con.execute("select count(*) from duckdb_tables()").fetchall()
    except LockHeld:
        yield Finding("build", State.OK, f"{path}: a refresh has it open at this moment")
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        if "lock" in reason.lower():
            yield Finding("build", State.OK, f"{path}: another process, such as `dbt run`, has it open at this moment")
        else:
            yield Finding("build", State.WRONG, f"{path}: it cannot be opened: {reason}", RENEW_BUILD)
    else:
        yield Finding("build", State.OK, f"{path}: it opens")


def journal(settings: Settings) -> Iterator[Finding]:
    """What waits in the journals, what is damaged there, how refreshes go, what was not understood."""
    found = overview(settings)
    for unread in found.unread:
        # What is wrong with the lake is said where the lake is looked at.
        if unread.source != "lake":
            yield Finding(CHECK_OF.get(unread.source, unread.source), State.WRONG, unread.reason, unread.hint)
    if found.journal is not None:
        yield from _journal(found, found.journal)
    yield from _refresh(found)
    yield from _problems(found)


def _journal(found: Overview, backlog: JournalState) -> Iterator[Finding]:
    for damage in backlog.damage:
        torn = "torn tail" in damage
        hint = "nothing to do: it was promised to nobody" if torn else READ_JOURNAL
        yield Finding("journal", State.OK if torn else State.WRONG, damage, hint)
    text = f"{backlog.files:,} files, {backlog.unsealed:,} deliveries not in the log yet"
    if backlog.unsealed and found.refresh is None:
        yield Finding("journal", State.WARN, f"{text}; no refresh has shown any", REFRESH)
    else:
        yield Finding("journal", State.OK, text)


def _refresh(found: Overview) -> Iterator[Finding]:
    attempt = found.attempt
    if attempt is not None and attempt.failure is not None and attempt.failures:
        ended = "died" if attempt.state is Attempt.DIED else "failed"
        text = f"{attempt.failures:,} {ended}, the last at {attempt.failure.failed_at}: {attempt.failure.message}"
        yield Finding("refresh", State.WRONG, text, attempt.failure.hint)
    elif attempt is not None and attempt.state is Attempt.OVERDUE:
        text = f"the next one is overdue: the loop whose last began at {attempt.started_at} has ended unasked"
        yield Finding("refresh", State.WRONG, text, REFRESH)
    if found.refresh is None:
        return
    age = datetime.now(UTC) - datetime.fromisoformat(found.refresh.finished_at)
    text = f"{found.refresh.finished_at}, {told(age)} ago, up to batch {found.refresh.batch}"
    if _is_behind(found, found.refresh) and age > OLD_REFRESH:
        yield Finding("refresh", State.WARN, f"{text}; deliveries have come since", REFRESH)
    else:
        yield Finding("refresh", State.OK, text)


def _is_behind(found: Overview, shown: Publication) -> bool:
    """Whether there are deliveries that readers do not see; where nobody can know, there may be."""
    if found.journal is None or found.journal.unsealed:
        return True
    return found.log is not None and found.log.batch > shown.batch


def _problems(found: Overview) -> Iterator[Finding]:
    if found.log is None or not found.log.deliveries:
        return
    count = sum(found.log.problems.values())
    text = f"{count:,} of {found.log.deliveries:,} deliveries could not be understood"
    many = count > MANY_PROBLEMS_SHARE * found.log.deliveries
    yield Finding("quarantine", State.WARN if many else State.OK, text, "`warehouse quarantine list`" if many else None)


def figures(settings: Settings) -> Iterator[Finding]:
    """Whether the figures that the status page shows of the log can be read."""
    found = read_figures(settings)
    if found is not None:
        yield Finding("figures", State.OK, f"those of the status page are of batch {found.batch}")


def clock(settings: Settings) -> Iterator[Finding]:
    """Whether this clock fits to the times of what was received."""
    now = datetime.now(UTC)
    try:
        with reading_lake(settings) as con:
            ((last, ahead),) = con.execute(CLOCK).fetchall()
    except LakeMissing:
        yield Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC; nothing received yet to compare with")
        return
    hint = "set the clock, and let chrony or systemd-timesyncd keep it"
    if last is not None and last - now.timestamp() > CLOCK_SLACK.total_seconds():
        text = f"the last delivery was received {told(timedelta(seconds=last - now.timestamp()))} in the future"
        yield Finding("clock", State.WRONG, f"{text}: the clock was set back", hint)
    elif ahead is not None and ahead > CLOCK_SLACK.total_seconds():
        text = f"an event was published up to {told(timedelta(seconds=ahead))} after it was received"
        yield Finding("clock", State.WARN, f"{text}: this clock, or NewStore's, was wrong", hint)
    else:
        yield Finding("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, and what was received fits to it")
