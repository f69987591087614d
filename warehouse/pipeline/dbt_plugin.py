"""Makes a plain `dbt run` the same as a refresh: it seals first, builds each model as a refresh does, publishes last.

dbt-duckdb loads `Plugin` from the profile; the project's hooks and materializations call it.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import msgspec
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from duckdb import DuckDBPyConnection

from warehouse.build.compiled_project import project_digest
from warehouse.build.model import EVERYTHING, Model, Run, build_model, is_built
from warehouse.build.session import (
    LogPosition,
    attach_build,
    fit_threads,
    fix_position,
    fixed_position,
    log_position,
    prepare_session,
    session_config,
    session_name,
)
from warehouse.care.file_digests import note_digests
from warehouse.errors import RefreshError
from warehouse.lake.error_meanings import meaning_of
from warehouse.log.sealer import LOCK_SECONDS, seal
from warehouse.notes.refresh_attempt import Attempting
from warehouse.publish.origin import note_origin, read_origin, reason_to_rebuild
from warehouse.publish.publisher import Published, publish, read_published
from warehouse.settings import Settings
from warehouse.system.disk import keep_private
from warehouse.system.home_folder import HomeFolder
from warehouse.system.lock import hold_lock

logger = logging.getLogger(__name__)


class Plugin(BasePlugin):
    """The hooks dbt-duckdb calls; `store` carries the commands of the project's macros."""

    settings: Settings
    connection: DuckDBPyConnection
    attempt: Attempting | None = None

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002 - dbt-duckdb's signature
        self.settings = Settings.load()
        keep_private()
        HomeFolder(self.settings.home)

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        creds.path = session_name(self.settings)
        config.update(session_config(self.settings))

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        self.connection = conn
        prepare_session(conn, self.settings)
        attach_build(conn, self.settings)
        fit_threads(conn, EVERYTHING)

    def store(self, target_config: TargetConfig) -> None:
        command, arguments = target_config.config["command"], target_config.config
        with self.connection.cursor() as cursor, explained():
            cursor.execute("set TimeZone = 'UTC'")
            if command == "start":
                self.attempt = Attempting(self.settings)
                with self._failing():
                    self._start(cursor, arguments)
            elif command == "build":
                model = _model(arguments["model"])
                if not arguments["empty"]:
                    build_model(cursor, model, Run(*fixed_position(cursor)), full=arguments["full"])
                elif not is_built(cursor, model):
                    build_model(cursor, model, Run("empty", 0))
            elif command == "publish":
                marts = [_model(mart) for mart in arguments["marts"]]
                # dbt goes on from tables of models that have changed since; the next refresh must know of that.
                origin = read_origin(cursor)
                published = Published(*fixed_position(cursor), project_digest() if origin is None else origin.project)
                with self._failing():
                    logger.info("published %s", publish(cursor, self.settings, marts, published))
                    with hold_lock(self.settings.write_lock, wait=LOCK_SECONDS):
                        note_digests(cursor, self.settings)
                if self.attempt is not None:
                    self.attempt.succeed()
            elif command == "end":
                self._end(arguments["failed"])
            else:
                raise RefreshError(f"the dbt project asks for `{command}`.", "use the dbt project of this very version")

    def _start(self, cursor: DuckDBPyConnection, arguments: Mapping[str, Any]) -> None:
        """Seal the journals, and fix how far this run reads the log."""
        seal(self.settings, con=cursor)
        shown, position = read_published(cursor), log_position(cursor)
        _keep_origin(cursor, shown, position, arguments["run_id"])
        fit_threads(cursor, EVERYTHING if shown is None or arguments["full"] else shown.batch)
        fix_position(cursor, arguments["run_id"], position.batch)

    def _end(self, failed: Sequence[str]) -> None:
        """A run that publishes nothing: some of its models failed, or it was asked for a few only."""
        if self.attempt is not None and failed:
            error = RefreshError(
                f"a run of dbt stopped, readers keep the last complete refresh: {', '.join(failed)} failed",
                "dbt has printed why; mend it, then `warehouse refresh`",
            )
            self.attempt.fail(error)
        elif self.attempt is not None:
            self.attempt.end_in_part()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """What fails here fails the attempt."""
        try:
            yield
        except BaseException as error:
            if self.attempt is not None:
                self.attempt.fail(error)
            raise


def _model(described: Mapping[str, Any]) -> Model:
    """The model that the project's macro `describe_model` describes."""
    return msgspec.convert(described, Model).with_names(described["parents"], described["zones"])


@contextmanager
def explained() -> Iterator[None]:
    """What DuckDB says of a full disk, too little memory and the like comes with what to do, as in a refresh."""
    try:
        yield
    except duckdb.Error as error:
        meaning = meaning_of(error)
        if meaning is None:
            raise
        raise RefreshError(f"{meaning.happened} ({type(error).__name__})", meaning.hint) from error


def _keep_origin(con: DuckDBPyConnection, shown: Published | None, position: LogPosition, run_id: str) -> None:
    """Note what this run builds from; what was built from another log cannot be gone on from model by model."""
    reason = reason_to_rebuild(con, shown, None)
    if reason is not None:
        raise RefreshError(f"{reason}.", "`warehouse refresh`, which builds everything again from the log; then dbt")
    origin = read_origin(con)
    note_origin(con, position, project_digest() if origin is None else origin.project, run_id)
