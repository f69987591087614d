"""A refresh: seal, build, publish. When it returns, the marts hold every event acknowledged before it started.

It costs what is new: nothing when the log stands where the last publication left it, and else only the models that the
events which arrived can change, each for the entities they name.
"""

import logging
import uuid
from typing import Final

import duckdb

from warehouse.build.compiled_project import Plan, load_plan, project_digest
from warehouse.build.model import EVERYTHING, Run, forget_written
from warehouse.build.new_deliveries import forget_arrivals
from warehouse.build.scheduler import build, reason_of
from warehouse.build.selection import select_steps
from warehouse.build.session import (
    LogPosition,
    attach_build,
    detach_build,
    fit_threads,
    give_memory_back,
    log_position,
    open_session,
    renew_build,
)
from warehouse.care.file_digests import note_digests
from warehouse.care.lake_compaction import compact_when_due
from warehouse.care.log_watch import look_when_due
from warehouse.errors import JournalUnread, RefreshError, WarehouseError
from warehouse.lake.error_meanings import meaning_of
from warehouse.log.sealer import seal
from warehouse.notes.log_counts import are_figures_sound, write_figures
from warehouse.notes.refresh_attempt import attempting
from warehouse.notes.refresh_note import Publication
from warehouse.progress import Progress
from warehouse.publish.origin import note_origin, reason_to_rebuild, reshaped_tables
from warehouse.publish.publisher import Published, note_publication, publish, read_published
from warehouse.settings import Settings
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

# A refresh that was started beside another waits for it: both were asked to show what is acknowledged now.
LOCK_SECONDS: Final = 3600.0

logger = logging.getLogger(__name__)


def refresh(settings: Settings, full: bool = False, progress: Progress | None = None) -> Publication:
    """Bring the marts up to date with every event acknowledged so far; `full` rebuilds them from the log.

    `progress` is called with the number of models done and of all models. Raises RefreshError when a model or
    publishing fails: readers then still see the last complete refresh. Raises JournalUnread when all but what is in a
    journal that cannot be read is shown.
    """
    HomeFolder(settings.home)
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS), attempting(settings), open_session(settings) as session:
        publication = refresh_in(session, settings, full, progress)
    look_when_due(settings)
    return publication


def refresh_in(
    session: duckdb.DuckDBPyConnection, settings: Settings, full: bool = False, progress: Progress | None = None
) -> Publication:
    """What `refresh` does, in an open session, under the home's refresh lock, within an `attempting`."""
    unread = _seal(session, settings)
    publication = _refresh(session, settings, full, progress)
    if unread is not None:
        raise unread
    return publication


def _seal(session: duckdb.DuckDBPyConnection, settings: Settings) -> JournalUnread | None:
    """Seal what can be; what cannot holds up nothing and is spoken of at the end."""
    try:
        seal(settings, con=session)
    except JournalUnread as error:
        return error
    return None


def _refresh(
    session: duckdb.DuckDBPyConnection, settings: Settings, full: bool, progress: Progress | None
) -> Publication:
    position, shown, digest = log_position(session), read_published(session), project_digest()
    if shown is not None and (shown.batch, shown.project) == (position.batch, digest) and not full:
        if not are_figures_sound(settings):
            write_figures(session, settings, position.batch)
        return note_publication(settings, shown, {})
    plan, run = load_plan(settings), Run(str(uuid.uuid4()), position.batch, written={})
    attach_build(session, settings)
    fit_threads(session, EVERYTHING if full or shown is None else shown.batch)
    try:
        run, reason = _build(session, settings, plan, run, position, None if full else shown, full, progress)
        published = Published(run.run_id, position.batch, digest)
        publication = publish(session, settings, plan.marts, published, run.written, rebuilt=reason)
    except duckdb.Error as error:
        meaning = meaning_of(error)
        raise RefreshError(
            f"the refresh stopped, readers keep the last complete one: {reason_of(error)}",
            meaning.hint if meaning else "try again; `warehouse doctor` looks closer",
            where=settings.home,
        ) from error
    finally:
        forget_written(session, run)
        forget_arrivals(session)
        detach_build(session)
    give_memory_back(session, settings)
    _note_digests(session, settings)
    _keep_files_few(session, settings, position.batch)
    return publication


def _build(
    session: duckdb.DuckDBPyConnection,
    settings: Settings,
    plan: Plan,
    run: Run,
    position: LogPosition,
    shown: Published | None,
    full: bool,
    progress: Progress | None,
) -> tuple[Run, str | None]:
    """Build what is new, or everything where what is built is of no use; the run, and why it was everything.

    That the tables were changed by somebody else shows itself only when a model does not fit to them any more.
    """
    reason = None if full else reason_to_rebuild(session, shown, plan.digest)
    if not full and reason is None:
        note_origin(session, position, plan.digest, run.run_id)
        steps, touching = select_steps(session, plan, run)
        try:
            build(session, steps, touching, progress=progress)
        except RefreshError:
            reshaped = reshaped_tables(session)
            if not reshaped:
                raise
            reason = f"tables have other columns than they were made with ({', '.join(reshaped)})"
        else:
            return touching, None
    if reason is not None:
        logger.warning("everything is built again from the log: %s", reason)
    fit_threads(session, EVERYTHING)
    renew_build(session, settings)
    note_origin(session, position, plan.digest, run.run_id)
    build(session, plan.steps, run, full=True, progress=progress)
    return run, reason


def _keep_files_few(session: duckdb.DuckDBPyConnection, settings: Settings, published: int) -> None:
    """Compact the lake if it is worth it; what was refreshed stands, whatever comes of this."""
    try:
        report = compact_when_due(session, settings, published)
    except WarehouseError as error:
        logger.warning("the lake is not compacted: %s", error.message)
        return
    if report is not None:
        logger.info("compacted %s", report)
        _note_digests(session, settings)


def _note_digests(session: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Note the digests of the files that were written; without them a flipped bit would be read as another value."""
    with hold_lock(settings.write_lock, wait=LOCK_SECONDS):
        try:
            note_digests(session, settings)
        except (duckdb.Error, OSError) as error:
            reason = reason_of(error) if isinstance(error, duckdb.Error) else f"{error.filename}: {error.strerror}"
            logger.warning("the digests of the lake's files are not noted, the next refresh does it: %s", reason)
