"""The one place that opens the lake: a DuckLake whose catalog holds the schemas `log`, `marts` and `trust`.

Readers never wait for a writer: the SQLite catalog runs in WAL mode, and every statement has a busy timeout. A
transaction sees the catalog as it was when it first read, whatever is written meanwhile.
"""

import importlib.resources
import os
from pathlib import Path
from typing import Final

import duckdb

from warehouse.catalog_copy import copy_catalog
from warehouse.disk import make_folder
from warehouse.errors import LakeError, LakeMissing, LakeVersionError
from warehouse.meanings import meaning_of
from warehouse.settings import Settings
from warehouse.transaction import transaction

EXTENSIONS: Final = ("sqlite_scanner", "ducklake")
# To hash both files for their signatures takes longer than all else about opening a lake. They are as trustworthy as
# the Python files installed beside them; `warehouse doctor` does look at the signatures.
TRUST_INSTALLED: Final = {"allow_unsigned_extensions": "true"}
# Else DuckDB looks through a table of the catalog with connections of its own: up to the last row there was when the
# transaction began, in the catalog as it is now. Rows that were moved meanwhile would be in neither.
ONE_CATALOG: Final = "set global sqlite_disable_multithreaded_scans = true"
FORMAT: Final = 2
BUSY_TIMEOUT_MS: Final = 10_000
# What DuckLake says of a catalog file in which there is no lake.
NOTHING_IN_CATALOG: Final = "creating a new DuckLake is explicitly disabled"

# What publishing remembers for itself; nobody asks it anything.
BOOKKEEPING: Final = ("publications", "published_generations")

# Ids in Parquet's second version are read in half the time: what changes a mart looks through all of them.
TABLES: Final = """
create schema if not exists lake.log;
create schema if not exists lake.marts;
create schema if not exists lake.trust;
call lake.set_option('parquet_version', '2');
create table lake.log.format (version integer);
insert into lake.log.format values (?);
create table lake.log.counter (batch bigint);
insert into lake.log.counter values (0);
create table lake.log.events (
    batch bigint, journal varchar, position bigint, received_at timestamptz, tenant varchar, name varchar,
    idempotency_key varchar, published_at timestamptz, payload_hash varchar, problem varchar,
    body varchar, raw_body blob
);
create table lake.trust.publications (run_id varchar, batch bigint, project varchar);
create table lake.trust.published_generations (model varchar, generation varchar);
"""


def load_extensions(con: duckdb.DuckDBPyConnection) -> None:
    """Load the pinned extension files that were installed with this product; nothing is downloaded.

    From then on the connection loads signed ones only, also where it began with TRUST_INSTALLED. Raises LakeError when
    an installed extension was built for another DuckDB.
    """
    con.execute("set autoinstall_known_extensions = false")
    for name in EXTENSIONS:
        package = importlib.resources.files(f"duckdb_extension_{name}")
        file = package / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if not file.is_file():
            raise LakeError(
                f"DuckDB {duckdb.__version__} is installed without its extension {name} of the same version.",
                "install exactly the versions of requirements.lock",
            )
        con.execute(f"load {_quote(str(file))}")
    con.execute(ONE_CATALOG)
    con.execute("set allow_unsigned_extensions = false")


def open_lake(settings: Settings, *, read_only: bool = False, over_files: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection with the lake as its default database, named `lake`; creates the lake when it may write.

    A lake that has lost its catalog is not taken for a new one, unless `over_files` says that its files are known.

    Raises LakeMissing, LakeVersionError or LakeError.
    """
    con = duckdb.connect(config={"memory_limit": settings.memory_limit, **TRUST_INSTALLED})
    try:
        attach_lake(con, settings, read_only=read_only, over_files=over_files)
        con.execute("use lake")
    except duckdb.Error as error:
        con.close()
        raise _not_opened(settings, error) from error
    except BaseException:
        con.close()
        raise
    return con


def attach_lake(
    con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool = False, over_files: bool = False
) -> None:
    """Attach the lake to an open connection under the name `lake` and set the session to UTC.

    Who may not write beside the catalog, as SQLite does even to read, reads a copy of it: the lake of this moment.
    """
    catalog = catalog_path(settings)
    if not catalog.exists():
        if not over_files:
            _refuse_lost_catalog(settings)
        if read_only:
            raise _no_lake_yet(settings)
        make_folder(catalog.parent)
    if read_only and not os.access(catalog.parent, os.W_OK) and os.access(catalog, os.R_OK):
        catalog = copy_catalog(con, catalog)
    load_extensions(con)
    con.execute("set TimeZone = 'UTC'")
    options = [
        f"data_path {_quote(str(data_path(settings)) + '/')}",
        # The catalog remembers where the files were; the home may have been moved since.
        "override_data_path true",
        "meta_journal_mode 'WAL'",
        f"meta_busy_timeout {BUSY_TIMEOUT_MS}",
        *(["read_only"] if read_only else []),
    ]
    try:
        con.execute(f"attach {_quote(f'ducklake:sqlite:{catalog}')} as lake ({', '.join(options)})")
        _check_format(con, settings, read_only=read_only)
    except duckdb.Error as error:
        if "version" in str(error).lower():
            raise _other_version(settings, str(error).splitlines()[0]) from error
        if read_only and (NOTHING_IN_CATALOG in str(error) or not catalog.stat().st_size):
            # Somebody is making the lake at this moment, or was stopped while doing so.
            _refuse_lost_catalog(settings)
            raise _no_lake_yet(settings) from error
        raise _not_opened(settings, error) from error


def catalog_path(settings: Settings) -> Path:
    """The SQLite file that holds the lake's catalog."""
    return Path(settings.catalog).resolve() if settings.catalog else settings.lake_dir.resolve() / "catalog.sqlite"


def data_path(settings: Settings) -> Path:
    """The folder that holds the lake's Parquet files."""
    return Path(settings.data_path).resolve() if settings.data_path else settings.lake_dir.resolve() / "data"


def log_folder(settings: Settings) -> Path:
    """The folder into which the sealer writes the Parquet files of `log.events`."""
    return data_path(settings) / "log" / "events"


def _check_format(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool) -> None:
    known = con.execute(
        "select count(*) from duckdb_tables() where database_name = 'lake' and schema_name = 'log'"
    ).fetchall()
    if known == [(0,)]:
        if read_only:
            raise LakeMissing(f"{settings.home}: the lake here is still empty.", "`warehouse refresh`")
        with transaction(con):
            con.execute(TABLES.replace("(?)", f"({FORMAT})"))
        return
    versions = con.execute("select version from lake.log.format").fetchall()
    if versions != [(FORMAT,)]:
        raise _other_version(settings, f"its format is {versions[0][0] if versions else 'unknown'}, not {FORMAT}")


def _refuse_lost_catalog(settings: Settings) -> None:
    """A new catalog beside the files of an old one would show a log from which all of them are missing."""
    if log_folder(settings).is_dir() and any(log_folder(settings).glob("*.parquet")):
        raise LakeError(
            f"{catalog_path(settings)}: the lake's catalog is gone, and files of its log are still there.",
            "`warehouse log recover` makes it anew from them; nothing of the log is lost",
        )


def _no_lake_yet(settings: Settings) -> LakeMissing:
    return LakeMissing(
        f"{settings.home}: there is no lake here yet.",
        "`warehouse serve` or `warehouse replay FILE`, then `warehouse refresh`; or name another --home",
    )


def _not_opened(settings: Settings, error: duckdb.Error) -> LakeError:
    return lake_error(f"{catalog_path(settings)}: the lake cannot be opened", error, "try again; `warehouse doctor`")


def lake_error(what: str, error: duckdb.Error, hint: str) -> LakeError:
    """What could not be done, and why: by the list of what errors mean, else in the error's words and with the hint."""
    meaning = meaning_of(error)
    if meaning is None:
        return LakeError(f"{what}: {str(error).splitlines()[0]}", hint)
    return LakeError(f"{what}: {meaning.happened}.", meaning.hint)


def _other_version(settings: Settings, reason: str) -> LakeVersionError:
    return LakeVersionError(
        f"{settings.home}: this lake was made by another version of newstore-warehouse: {reason}.",
        "install the version that made it, or see CHANGELOG.md for how to move it to this one",
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
