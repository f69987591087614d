"""What DuckDB itself keeps an analyst's connection from, whoever looks at the statements: files, memory, the disk."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.errors import LakeError, LakeMissing
from warehouse.lake.connection import catalog_path, data_path, open_lake
from warehouse.lake.reader_bounds import FOLDER, temp_bound, temp_folder
from warehouse.lake.time_travel import open_moment, open_snapshot
from warehouse.settings import Settings

# More than fits into the memory and the room that these tests give.
SPILLS = "select count(*) from (select hash(range)::varchar || repeat('y', 40) as k from range(20000000) order by k)"
OUTSIDE = [
    "from read_text('/etc/passwd')",
    "from read_text('{home}/journal/secret')",
    "from read_blob('{catalog}')",
    "from read_csv('{data}/../../journal/secret')",
    "from read_text('{data}/link/secret')",
    "from '{home}/other.csv'",
    "from glob('{home}/*')",
    "from read_csv('https://example.com/x.csv')",
    "from read_text('/proc/self/environ')",
    "copy (select 1) to '{home}/new.csv'",
    "copy (select 1) to '{data}/link/new.csv'",
    "export database '{home}/new'",
    "attach '{home}/new.duckdb' as other",
    "install httpfs",
    "load httpfs",
    "load '{home}/some.duckdb_extension'",
    "create persistent secret s (type http)",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set allowed_paths = ['/etc/passwd']",
    "set temp_directory = '{home}'",
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with a table, and beside it what no query shall read."""
    settings = settings_in(tmp_path_factory.mktemp("lake"))
    with open_lake(settings) as con:
        con.execute("set ducklake_default_data_inlining_row_limit = 0")
        con.execute("create table lake.marts.some as select range as number from range(1000)")
    settings.journal_dir.mkdir()
    (settings.journal_dir / "secret").write_text("key\n")
    (settings.home / "other.csv").write_text("a,b\n1,2\n")
    (data_path(settings) / "link").symlink_to(settings.journal_dir)
    return settings


@pytest.fixture(scope="module")
def con(lake: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_lake(lake, read_only=True, bounded=True) as con:
        yield con


def settings_in(folder: Path, **others: object) -> Settings:
    temp = folder / "temp"
    temp.mkdir()
    values = {"query_memory": 256 * 10**6, "query_temp": temp, "query_temp_size": 50 * 10**6, **others}
    return Settings(home=folder / "home", memory=10**9, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", OUTSIDE)
def test_no_file_outside_the_lake_is_opened(con: duckdb.DuckDBPyConnection, lake: Settings, text: str) -> None:
    before = sorted(lake.home.rglob("*"))
    text = text.format(home=lake.home, catalog=catalog_path(lake), data=data_path(lake))
    with con.cursor() as cursor, pytest.raises(duckdb.Error):
        cursor.execute(text).fetchall()
    assert sorted(lake.home.rglob("*")) == before


def test_the_lake_is_read_now_and_as_it_was(con: duckdb.DuckDBPyConnection, lake: Settings) -> None:
    assert con.execute("select count(*) from marts.some").fetchall() == [(1000,)]
    ((moment, snapshot),) = con.execute(
        "select max(snapshot_time)::varchar, max(snapshot_id) from lake.snapshots()"
    ).fetchall()
    for earlier in (open_moment(lake, moment, bounded=True), open_snapshot(lake, snapshot, bounded=True)):
        with earlier:
            assert earlier.execute("select count(*) from marts.some").fetchall() == [(1000,)]
            with pytest.raises(duckdb.PermissionException):
                earlier.execute("from read_text('/etc/passwd')")


def test_a_home_behind_a_link_is_read(lake: Settings, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lake.home)
    settings = settings_in(tmp_path)
    with open_lake(
        Settings(home=tmp_path / "link", query_temp=settings.query_temp), read_only=True, bounded=True
    ) as con:
        assert con.execute("select count(*) from marts.some").fetchall() == [(1000,)]


def test_what_does_not_fit_into_memory_goes_to_the_temporary_folder_up_to_its_size(lake: Settings) -> None:
    with open_lake(lake, read_only=True, bounded=True) as con:
        with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size"):
            con.execute(SPILLS)
        with pytest.raises(duckdb.OutOfMemoryException, match="allocate"):
            con.execute("select list(range) from range(1000000000)")
        assert con.execute("select count(*) from marts.some").fetchall() == [(1000,)]
    assert not (Path.cwd() / ".tmp").exists()


def test_temporary_files_leave_the_reserve_of_the_journals_alone(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, query_temp_size=10**18)
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    assert 0 < temp_bound(settings) <= free
    assert temp_bound(Settings(home=settings.home, query_temp=settings.query_temp, reserve=free)) == 0


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this machine has no second file system to write to")
def test_on_another_disk_only_the_size_counts(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", query_temp=Path("/dev/shm"), query_temp_size=10**18)
    assert temp_bound(settings) == 10**18


def test_a_small_disk_that_both_share_is_not_filled(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={64 * 2**20}", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can mount a small file system")
    try:
        settings = settings_in(disk, query_temp_size=10**12, reserve=8 * 2**20)
        open_lake(settings).close()
        with open_lake(settings, read_only=True, bounded=True) as con:
            with pytest.raises(duckdb.OutOfMemoryException, match="max_temp_directory_size") as raised:
                con.execute(SPILLS)
            assert "MiB used" in str(raised.value)
            assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize >= settings.reserve
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_the_temporary_folder_is_private_and_goes_with_the_process(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys\nfrom warehouse.settings import Settings\n"
        "from warehouse.lake.reader_bounds import temp_folder\n"
        "print(temp_folder(Settings(query_temp=pathlib.Path(sys.argv[1]))), flush=True)\nsys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        folder = Path(other.stdout.readline().strip())
        assert folder.parent.parent == tmp_path
        assert folder.parent.name.startswith(FOLDER)
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        folder.mkdir()
        (folder / "spilled").write_text("x")
        # Whoever comes next leaves it alone while its process runs.
        mine = temp_folder(Settings(query_temp=tmp_path))
        assert (folder / "spilled").exists()
        other.communicate("")
    assert list(tmp_path.iterdir()) == [mine.parent]


def test_many_connections_leave_no_folders_and_no_open_files(lake: Settings) -> None:
    def held() -> tuple[int, list[Path]]:
        (folder,) = lake.query_temp.glob(f"{FOLDER}*")  # type: ignore[union-attr]
        return len(os.listdir("/proc/self/fd")), sorted(folder.iterdir())  # noqa: PTH208  # no Path: it opens nothing

    open_lake(lake, read_only=True, bounded=True).close()
    before = held()
    for _ in range(3):
        with open_lake(lake, read_only=True, bounded=True) as con, pytest.raises(duckdb.OutOfMemoryException):
            con.execute(SPILLS)
    assert held() == before


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / f"{FOLDER}abc"
    left.mkdir()
    (left / "lock").touch()
    (left / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("x")
    mine = temp_folder(Settings(query_temp=tmp_path))
    assert list(tmp_path.iterdir()) == [mine.parent]


def test_a_folder_that_is_not_there_is_named_with_its_setting(lake: Settings, tmp_path: Path) -> None:
    settings = Settings(home=lake.home, query_temp=tmp_path / "none")
    with pytest.raises(LakeError, match=str(tmp_path / "none")) as raised:
        open_lake(settings, read_only=True, bounded=True)
    assert "WAREHOUSE_QUERY_TEMP" in raised.value.hint


def test_a_home_without_a_lake_is_told_as_ever(tmp_path: Path) -> None:
    with pytest.raises(LakeMissing):
        open_lake(settings_in(tmp_path), read_only=True, bounded=True)
