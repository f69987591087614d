"""A refresh: seal, build, publish. When it returns, the marts hold every event acknowledged before it started.

It costs what is new: nothing when the log stands where the last publication left it, and else only the models that the
events which arrived can change, each for the entities they name.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Final

import duckdb

from warehouse.arrivals import forget_arrivals
from warehouse.build import build, reason_of
from warehouse.errors import JournalUnread, RefreshError, WarehouseError
from warehouse.lock import hold_lock
from warehouse.maintenance import compact_when_due
from warehouse.meanings import meaning_of
from warehouse.model import EVERYTHING, Run, forget_fresh
from warehouse.plan import load_plan, project_digest
from warehouse.publication import Publication, forget_failure, note_failure
from warehouse.publish import Published, note_publication, publish, read_published
from warehouse.sealer import seal
from warehouse.selection import select_steps
from warehouse.session import (
    attach_build,
    detach_build,
    fit_threads,
    give_memory_back,
    log_position,
    open_session,
    renew_build,
)
from warehouse.settings import Settings

# A refresh that was started beside another waits for it: both were asked to show what is acknowledged now.
LOCK_SECONDS: Final = 3600.0

Progress = Callable[[int, int | None], None]

logger = logging.getLogger(__name__)


def refresh(settings: Settings, full: bool = False, progress: Progress | None = None) -> Publication:
    """Bring the marts up to date with every event acknowledged so far; `full` rebuilds them from the log.

    `progress` is called with the number of models done and of all models. Raises RefreshError when a model or
    publishing fails: readers then still see the last complete refresh. Raises JournalUnread when all but what is in a
    journal that cannot be read is shown.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with hold_lock(settings.refresh_lock, wait=LOCK_SECONDS), open_session(settings) as session:
        return refresh_in(session, settings, full, progress)


def refresh_in(
    session: duckdb.DuckDBPyConnection, settings: Settings, full: bool = False, progress: Progress | None = None
) -> Publication:
    """What `refresh` does, in an open session and under the home's refresh lock; a failure leaves a note of itself."""
    try:
        unread = _seal(session, settings)
        publication = _refresh(session, settings, full, progress)
        if unread is not None:
            raise unread
    except Exception as error:
        # What is not ours may quote a value: only its kind is kept.
        note_failure(settings, error.message if isinstance(error, WarehouseError) else type(error).__name__)
        raise
    forget_failure(settings)
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
    if shown is not None and (shown.batch, shown.project) == (position, digest) and not full:
        return note_publication(settings, shown, {})
    plan, run = load_plan(settings), Run(str(uuid.uuid4()), position, fresh={})
    attach_build(session, settings)
    fit_threads(session, EVERYTHING if full or shown is None else shown.batch)
    try:
        if full:
            renew_build(session, settings)
        steps, run = (plan.steps, run) if full else select_steps(session, plan, run)
        build(session, steps, run, full=full, progress=progress)
        publication = publish(session, settings, plan.marts, Published(run.run_id, position, digest), run.fresh)
    except duckdb.Error as error:
        meaning = meaning_of(error)
        raise RefreshError(
            f"{settings.home}: the refresh stopped, readers keep the last complete one: {reason_of(error)}",
            meaning.hint if meaning else "try again; `warehouse doctor` looks closer",
        ) from error
    finally:
        forget_fresh(session, run)
        forget_arrivals(session)
        detach_build(session)
    give_memory_back(session, settings)
    _keep_files_few(session, settings, position)
    return publication


def _keep_files_few(session: duckdb.DuckDBPyConnection, settings: Settings, published: int) -> None:
    """Compact the lake if it is worth it; what was refreshed stands, whatever comes of this."""
    try:
        report = compact_when_due(session, settings, published)
    except WarehouseError as error:
        logger.warning("the lake is not compacted: %s", error.message)
        return
    if report is not None:
        logger.info("compacted %s", report)
