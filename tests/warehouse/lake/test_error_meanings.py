"""Each error of the list comes up as the list says, and what is said of it is true."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LakeError, RefreshError
from warehouse.lake.connection import catalog_path, data_path, open_lake
from warehouse.lake.error_meanings import MEANINGS, meaning_of
from warehouse.pipeline.dbt_plugin import explained
from warehouse.settings import Settings

ROWS = "select count(number), sum(number * 2) from marts.some"
SEEN = [(1000, 999_000)]
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may do nothing")


@pytest.fixture
def lake(home: Path) -> Settings:
    """A lake with one table in one file."""
    settings = Settings(home=home, memory=10**9)
    with open_lake(settings) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        con.execute("create table lake.marts.some as select range as number from range(1000)")
    for path in [home, *home.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return settings


TOO_MUCH = "select count(*) from (select distinct range::varchar || repeat('x', 99) from range(2_000_000))"


def read(settings: Settings) -> object:
    with open_lake(settings, read_only=True) as con:
        return con.execute(ROWS).fetchall()


def write(settings: Settings) -> object:
    with open_lake(settings) as con:
        con.execute("set ducklake_max_retry_count = 0")
        return con.execute("insert into lake.marts.some select range from range(1000)").fetchall()


def said(work: Callable[[Settings], object], settings: Settings) -> str:
    """What happened, by the list, when this work fails."""
    with pytest.raises((LakeError, duckdb.Error)) as raised:
        work(settings)
    error = raised.value
    found = meaning_of(error.__cause__ if isinstance(error, LakeError) and error.__cause__ else error)
    assert found is not None, error
    if isinstance(error, LakeError):
        assert found.happened in error.message
        assert error.hint == found.hint
    return found.happened


def as_nobody(settings: Settings, work: str) -> str:
    """What a program of a user without any rights prints of itself when it does one of the above."""
    program = (
        f"import os, sys; sys.path[:0] = {sys.path!r}; from pathlib import Path; import duckdb, pyarrow\n"
        "from tests.warehouse.lake.test_error_meanings import *\n"
        f"settings = Settings(home=Path({str(settings.home)!r}), memory=10**9)\n"
        # Python itself may be where nobody may read: what it imports late is imported before.
        "open_lake(settings, read_only=True).close(); import importlib.readers, tempfile\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        f"try: print({work}(settings))\n"
        "except LakeError as error: print(error)\n"
        "except duckdb.Error as error: print(meaning_of(error).happened)"
    )
    # Nothing may bar the way to the home, as pytest's own folders do.
    for folder in list(settings.home.parents)[:-2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    return done.stdout.strip()


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Another process writes to the catalog and does not end."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('begin immediate'); "
        "c.execute('update ducklake_metadata set value = value'); print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(catalog_path(settings))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.kill()


def test_a_locked_catalog_keeps_no_reader_waiting_and_says_so_to_writers(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.lake.connection.BUSY_TIMEOUT_MS", 100)
    with locked(lake):
        assert read(lake) == SEEN
        assert "another process is writing" in said(write, lake)


@needs_root
def test_who_may_only_read_can_read_whatever_lies_beside_the_catalog(lake: Settings) -> None:
    beside = catalog_path(lake).parent
    assert not list(beside.glob("catalog.sqlite-*"))
    assert as_nobody(lake, "read") == str(SEEN)
    with locked(lake):
        # Somebody is at work, so SQLite's own files are there.
        assert list(beside.glob("catalog.sqlite-*"))
        assert as_nobody(lake, "read") == str(SEEN)
    assert "this user may not" in as_nobody(lake, "write")


@needs_root
def test_who_may_not_even_read_is_told_so(lake: Settings) -> None:
    catalog_path(lake).chmod(0o600)
    assert "may not open" in as_nobody(lake, "read")
    catalog_path(lake).chmod(0o644)
    data_path(lake).chmod(0o700)
    assert "may not open" in as_nobody(lake, "read")


def harm_catalog(settings: Settings, content: bytes) -> None:
    for beside in catalog_path(settings).parent.glob("catalog.sqlite-*"):
        beside.unlink()
    catalog_path(settings).write_bytes(content)


@pytest.mark.parametrize("part", [0, 2], ids=["garbage", "half"])
def test_a_damaged_catalog(lake: Settings, part: int) -> None:
    whole = catalog_path(lake).read_bytes()
    harm_catalog(lake, whole[: len(whole) // part] if part else os.urandom(50_000))
    assert "catalog is damaged" in said(read, lake)


def test_a_folder_for_a_catalog(lake: Settings) -> None:
    catalog_path(lake).unlink()
    catalog_path(lake).mkdir()
    with pytest.raises(LakeError, match="its catalog is no file") as raised:
        read(lake)
    assert raised.value.hint


def test_a_file_that_is_gone_or_damaged(lake: Settings) -> None:
    (file,) = data_path(lake).rglob("*.parquet")
    whole = file.read_bytes()
    for harmed in (b"", whole[:-30], whole[:4] + os.urandom(len(whole) - 12) + whole[-8:], os.urandom(500)):
        file.write_bytes(harmed)
        assert "damaged" in said(read, lake)
    file.unlink()
    assert "not there" in said(read, lake)


def test_more_than_there_is_memory_for(lake: Settings) -> None:
    with open_lake(lake, read_only=True) as con:
        con.execute("set memory_limit = '32MB'; set temp_directory = ''")
        with pytest.raises(duckdb.Error) as raised:
            con.execute(TOO_MUCH)
    found = meaning_of(raised.value)
    assert found is not None
    assert "memory" in found.happened


def test_a_run_of_dbt_says_what_an_error_means(lake: Settings) -> None:
    with open_lake(lake, read_only=True) as con:
        con.execute("set memory_limit = '32MB'; set temp_directory = ''")
        with pytest.raises(RefreshError, match="the memory it may use is not enough") as raised, explained():
            con.execute(TOO_MUCH)
        assert "WAREHOUSE_MEMORY" in raised.value.hint
        # What the list does not know stays as DuckDB says it: dbt shows it with the statement.
        with pytest.raises(duckdb.CatalogException), explained():
            con.execute("from nothing")


def test_a_moment_that_is_not_kept(lake: Settings) -> None:
    with open_lake(lake, read_only=True) as con, pytest.raises(duckdb.Error) as raised:
        con.execute("from marts.some at (version => 999)")
    found = meaning_of(raised.value)
    assert found is not None
    assert "moment" in found.happened


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        settings = Settings(home=disk / "home", memory=10**9)
        with open_lake(settings) as con:
            con.execute("create table lake.marts.some as select 1 as number")
            with (disk / "filler").open("wb") as filler:
                filler.write(bytes(shutil.disk_usage(disk).free))
        assert said(write, settings) in {MEANINGS[0].happened, MEANINGS[-1].happened}
        assert "full" in MEANINGS[-1].hint
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux lists what a process has open")
def test_more_files_than_the_process_may_open(lake: Settings) -> None:
    with open_lake(lake) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        con.execute("insert into lake.marts.some select range from range(1000)")
    program = (
        "import os, resource, sys, duckdb; from pathlib import Path\n"
        "from warehouse.lake.connection import open_lake; from warehouse.lake.error_meanings import meaning_of\n"
        "from warehouse.settings import Settings\n"
        "con = open_lake(Settings(home=Path(sys.argv[1]), memory=10**9), read_only=True)\n"
        "con.execute('select count(*) from marts.some').fetchall()\n"
        "used, most = len(os.listdir('/proc/self/fd')), resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        # None is left for the catalog, then for a file of rows, then there are enough.
        "for more in range(-1, 12):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (used + more, most))\n"
        f"    try: print(con.execute({ROWS!r}).fetchall())\n"
        "    except duckdb.Error as error: print(meaning_of(error).happened, meaning_of(error).hint)"
    )
    command = [sys.executable, "-c", program, str(lake.home)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    *failed, last = done.stdout.splitlines()
    assert last == "[(2000, 1998000)]", done.stderr
    assert any("may not open so many files" in line for line in failed)
    assert all("`ulimit -n`" in line for line in failed if line != last)
