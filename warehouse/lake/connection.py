"""The one place that opens the lake, and the one that makes it: a DuckLake with the schemas `log`, `marts` and `trust`.

Readers never wait for a writer: the SQLite catalog runs in WAL mode, and every statement has a busy timeout. A
transaction sees the catalog as it was when it first read, whatever is written meanwhile. A lake is made where there has
never been one, and appears whole; one that has been there and is gone is found missing.
"""

import importlib.resources
import os
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import LakeError, LakeLost, LakeMissing, LakeVersionError
from warehouse.lake.catalog_copy import copy_catalog
from warehouse.lake.error_meanings import meaning_of
from warehouse.lake.mark import had_lake, mark_lake, mark_path
from warehouse.lake.transaction import transaction
from warehouse.remedies import RECOVER
from warehouse.settings import Settings
from warehouse.system.disk import make_folder, sync_file_at, sync_folder
from warehouse.system.lock import hold_lock

EXTENSIONS: Final = ("sqlite_scanner", "ducklake")
# To hash both files for their signatures takes longer than all else about opening a lake. They are as trustworthy as
# the Python files installed beside them; `warehouse doctor` does look at the signatures.
TRUST_INSTALLED: Final = {"allow_unsigned_extensions": "true"}
# Else DuckDB looks through a table of the catalog with connections of its own: up to the last row there was when the
# transaction began, in the catalog as it is now. Rows that were moved meanwhile would be in neither.
ONE_CATALOG: Final = "set global sqlite_disable_multithreaded_scans = true"
FORMAT: Final = 2
BUSY_TIMEOUT_MS: Final = 10_000
MAKING_SECONDS: Final = 60.0
# What DuckLake says of a catalog file in which there is no lake.
NOTHING_IN_CATALOG: Final = "creating a new DuckLake is explicitly disabled"

# What publishing remembers for itself; nobody asks it anything.
BOOKKEEPING: Final = ("publications", "published_generations")

# Every batch has an id made by chance, and so has the lake before its first, as batch 0. A number may be given twice,
# in a lake that was put back to an earlier state; an id is not. Who remembers a batch with its id, and finds both here,
# has seen a beginning of this very log. The counter has the last one once more, since every refresh asks for it.
BATCHES: Final = """
create table lake.log.batches (batch bigint, id varchar);
insert into lake.log.batches from lake.log.counter;
"""
WITH_IDS: Final = """
alter table lake.log.counter add column id varchar;
update lake.log.counter set id = uuid()::varchar;
"""
# Ids in Parquet's second version are read in half the time: what changes a mart looks through all of them.
TABLES: Final = """
create schema lake.log;
create schema lake.marts;
create schema lake.trust;
call lake.set_option('parquet_version', '2');
create table lake.log.format (version integer);
insert into lake.log.format values (?);
create table lake.log.counter (batch bigint, id varchar);
insert into lake.log.counter values (0, uuid()::varchar);
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


def open_lake(settings: Settings, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection with the lake as its default database, named `lake`; makes the lake when it may write and there was
    never one.

    Raises LakeMissing, LakeLost, LakeVersionError or LakeError.
    """
    con = duckdb.connect(config={"memory_limit": settings.memory_limit, **TRUST_INSTALLED})
    try:
        attach_lake(con, settings, read_only=read_only)
        con.execute("use lake")
    except duckdb.Error as error:
        con.close()
        raise _not_opened(settings, error) from error
    except BaseException:
        con.close()
        raise
    return con


def attach_lake(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool = False) -> None:
    """Attach the lake to an open connection under the name `lake` and set the session to UTC."""
    load_extensions(con)
    con.execute("set TimeZone = 'UTC'")
    if not _attach_existing(con, settings, read_only=read_only):
        if had_lake(settings) or _has_log_files(settings):
            raise _lost(settings)
        if read_only:
            raise LakeMissing(
                "there is no lake here yet.",
                "`warehouse serve` or `warehouse replay FILE`, then `warehouse refresh`; or name another --home",
                where=settings.home,
            )
        _make_first_lake(settings)
        if not _attach_existing(con, settings, read_only=False):
            raise _lost(settings)
    if not read_only:
        mark_lake(settings, catalog_path(settings))


def make_lake(settings: Settings, catalog: Path) -> None:
    """Make an empty lake with that file as its catalog, closed and on the disk. Raises duckdb.Error or OSError.

    Nothing here asks whether there should be one already. Raises LakeError when SQLite could not write all of it.
    """
    make_folder(catalog.parent)
    with open_catalog(settings, catalog, make=True) as con, transaction(con):
        con.execute(TABLES.replace("(?)", f"({FORMAT})") + BATCHES)
    if any(path.exists() for path in beside(catalog)):
        # SQLite could not write all of it into the file when it closed it.
        raise LakeError(
            "the new lake's catalog could not be written whole.", "try again; check its disk", where=catalog
        )
    sync_file_at(catalog)


def open_catalog(settings: Settings, catalog: Path, *, make: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection to the lake of that catalog, whatever the settings name. Raises duckdb.Error."""
    con = duckdb.connect(config={"memory_limit": settings.memory_limit, **TRUST_INSTALLED})
    try:
        load_extensions(con)
        con.execute("set TimeZone = 'UTC'")
        _attach(con, settings, catalog, read_only=False, make=make)
    except BaseException:
        con.close()
        raise
    return con


def beside(catalog: Path) -> list[Path]:
    """What SQLite keeps beside a catalog that somebody has open."""
    return [catalog.with_name(catalog.name + ending) for ending in ("-wal", "-shm", "-journal")]


def catalog_path(settings: Settings) -> Path:
    """The SQLite file that holds the lake's catalog."""
    return Path(settings.catalog).resolve() if settings.catalog else settings.lake_dir.resolve() / "catalog.sqlite"


def data_path(settings: Settings) -> Path:
    """The folder that holds the lake's Parquet files."""
    return Path(settings.data_path).resolve() if settings.data_path else settings.lake_dir.resolve() / "data"


def log_folder(settings: Settings) -> Path:
    """The folder into which the sealer writes the Parquet files of `log.events`."""
    return data_path(settings) / "log" / "events"


def _make_first_lake(settings: Settings) -> None:
    """Make the lake under a passing name, and give it its own when it is whole; whoever comes second finds it there."""
    catalog = catalog_path(settings)
    make_folder(catalog.parent)
    with hold_lock(catalog.with_name(f"{catalog.name}.making"), wait=MAKING_SECONDS):
        draft = catalog.with_name(f"{catalog.name}.new")
        with duckdb.connect(config={**TRUST_INSTALLED}) as con:
            load_extensions(con)
            if _attach_existing(con, settings, read_only=True):
                return
        for path in (draft, *beside(draft), *beside(catalog)):
            path.unlink(missing_ok=True)
        make_lake(settings, draft)
        draft.rename(catalog)
        sync_folder(catalog.parent)


def _attach_existing(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool) -> bool:
    """Attach the lake that is there; false when there is no catalog, or one in which nothing was ever made.

    Who may not write beside the catalog, as SQLite does even to read, reads a copy of it: the lake of this moment.
    """
    catalog = catalog_path(settings)
    if not catalog.exists():
        return False
    if read_only and not os.access(catalog.parent, os.W_OK) and os.access(catalog, os.R_OK):
        catalog = copy_catalog(con, catalog)
    try:
        _attach(con, settings, catalog, read_only=read_only, make=False)
        _check_format(con, settings, read_only=read_only)
    except duckdb.Error as error:
        # What reads a catalog that has just gone leaves an empty one in its place.
        if NOTHING_IN_CATALOG in str(error) or not catalog.exists() or not catalog.stat().st_size:
            return False
        if "version" in str(error).lower():
            raise _other_version(settings, str(error).splitlines()[0]) from error
        raise _not_opened(settings, error) from error
    return True


def _attach(con: duckdb.DuckDBPyConnection, settings: Settings, catalog: Path, *, read_only: bool, make: bool) -> None:
    options = [
        f"data_path {_quote(str(data_path(settings)) + '/')}",
        # The catalog remembers where the files were; the home may have been moved since.
        "override_data_path true",
        # A catalog remembers this as well; a copy of one may have forgotten it, and can be read all the same.
        *([] if read_only else ["meta_journal_mode 'WAL'"]),
        f"meta_busy_timeout {BUSY_TIMEOUT_MS}",
        # DuckLake would make a new lake of a catalog in which there is none.
        f"create_if_not_exists {str(make).lower()}",
        *(["read_only"] if read_only else []),
    ]
    con.execute(f"attach {_quote(f'ducklake:sqlite:{catalog}')} as lake ({', '.join(options)})")


def _check_format(con: duckdb.DuckDBPyConnection, settings: Settings, *, read_only: bool) -> None:
    tables = {
        name
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where database_name = 'lake' and schema_name = 'log'"
        ).fetchall()
    }
    if not tables:
        raise LakeError(
            "this DuckLake holds no log.",
            "name another WAREHOUSE_CATALOG, or move this file away if nobody needs it",
            where=catalog_path(settings),
        )
    versions = con.execute("select version from lake.log.format").fetchall()
    if versions != [(FORMAT,)]:
        raise _other_version(settings, f"its format is {versions[0][0] if versions else 'unknown'}, not {FORMAT}")
    if "batches" not in tables and not read_only:
        # A lake from before batches had ids: what was built from it so far cannot be proven and is built again.
        with transaction(con):
            con.execute(WITH_IDS + BATCHES)


def _has_log_files(settings: Settings) -> bool:
    folder = log_folder(settings)
    return folder.is_dir() and any(folder.glob("*.parquet"))


def _lost(settings: Settings) -> LakeLost:
    """A new catalog in the place of an old one would show a log from which everything is missing."""
    catalog = catalog_path(settings)
    if _has_log_files(settings):
        return LakeLost(
            "the lake's catalog is gone, and files of its log are still there.",
            "`warehouse log recover --yes` makes it anew from them; nothing of the log is lost",
            where=catalog,
        )
    return LakeLost(
        "the lake of this home is gone, with all files of its log.",
        "put it back from a backup; else `warehouse log recover --yes` makes it anew from the journals that are left. "
        f"To begin with an empty lake on purpose, delete {mark_path(settings)}",
        where=catalog,
    )


def _not_opened(settings: Settings, error: duckdb.Error) -> LakeError:
    catalog = catalog_path(settings)
    if catalog.exists() and not catalog.is_file():
        return LakeError("the lake cannot be opened: its catalog is no file.", RECOVER, where=catalog)
    return lake_error("the lake cannot be opened", error, "try again; `warehouse doctor`", where=catalog)


def lake_error(what: str, error: duckdb.Error, hint: str, *, where: Path) -> LakeError:
    """What could not be done, and why: by the list of what errors mean, else in the error's words and with the hint."""
    meaning = meaning_of(error)
    if meaning is None:
        return LakeError(f"{what}: {str(error).splitlines()[0]}", hint, where=where)
    return LakeError(f"{what}: {meaning.happened}.", meaning.hint, where=where)


def _other_version(settings: Settings, reason: str) -> LakeVersionError:
    return LakeVersionError(
        f"this lake was made by another version of newstore-warehouse: {reason}.",
        "install the version that made it, or see CHANGELOG.md for how to move it to this one",
        where=settings.home,
    )


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
