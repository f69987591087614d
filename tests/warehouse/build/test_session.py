"""A session has the threads that what is new in its home's log is worth, and writes no file for a small change."""

import os
import secrets

import duckdb

from tests.live import envelope
from warehouse.build.session import ONE_THREAD_BYTES, SMALL_CHANGE_ROWS, fit_threads, open_session
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def threads(con: duckdb.DuckDBPyConnection, since: int = -1) -> int:
    fit_threads(con, since)
    ((count,),) = con.execute("select current_setting('threads')").fetchall()
    return int(count)


def deliver(settings: Settings, number: int, size: int) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        # Bytes by chance, of which compression leaves about as many as there were.
        journal.append([decode(envelope(number, note=secrets.token_urlsafe(size)), number)])


def test_little_that_is_new_has_one_thread_a_query_and_more_all_cores(settings: Settings) -> None:
    with open_session(settings) as con:
        assert threads(con) == 1
        deliver(settings, 1, 1000)
        seal(settings, con=con)
        assert threads(con) == 1
        deliver(settings, 2, 2 * ONE_THREAD_BYTES)
        seal(settings, con=con)
        assert threads(con) == threads(con, since=1) == len(os.sched_getaffinity(0))
        deliver(settings, 3, 1000)
        seal(settings, con=con)
        assert threads(con, since=2) == 1
    # Another home of this process begins anew.
    with open_session(Settings(home=settings.home.with_name("other"), memory=10**9)) as con:
        assert threads(con) == 1


def test_a_small_change_is_kept_in_the_catalog_and_a_larger_one_makes_a_file(settings: Settings) -> None:
    with open_session(settings) as con:
        con.execute("create table lake.marts.some (number bigint)")
        for rows, files in ((SMALL_CHANGE_ROWS, 0), (SMALL_CHANGE_ROWS + 1, 1)):
            con.execute(f"insert into lake.marts.some from range({rows})")
            assert len(con.execute("from ducklake_list_files('lake', 'some', schema => 'marts')").fetchall()) == files
    with open_lake(settings, read_only=True) as reader:
        assert reader.execute("select count(*) from marts.some").fetchall() == [(2 * SMALL_CHANGE_ROWS + 1,)]
