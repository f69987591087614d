"""A session has the threads that its home's log is worth."""

import os
import secrets

import duckdb

from tests.live import envelope
from warehouse.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.sealer import seal
from warehouse.session import ONE_THREAD_BYTES, fit_threads, open_session
from warehouse.settings import Settings


def threads(con: duckdb.DuckDBPyConnection) -> int:
    fit_threads(con)
    ((count,),) = con.execute("select current_setting('threads')").fetchall()
    return int(count)


def deliver(settings: Settings, number: int, size: int) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        # Bytes by chance, of which compression leaves about as many as there were.
        journal.append([decode(envelope(number, note=secrets.token_urlsafe(size)), number)])


def test_a_small_log_has_one_thread_a_query_and_a_larger_one_all_cores(settings: Settings) -> None:
    with open_session(settings) as con:
        assert threads(con) == 1
        deliver(settings, 1, 1000)
        seal(settings, con=con)
        assert threads(con) == 1
        deliver(settings, 2, 2 * ONE_THREAD_BYTES)
        seal(settings, con=con)
        assert threads(con) == len(os.sched_getaffinity(0))
    # Another home of this process begins anew.
    with open_session(Settings(home=settings.home.with_name("other"), memory=10**9)) as con:
        assert threads(con) == 1
