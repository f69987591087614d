"""A value that changes in the rows that the catalog holds itself is found, and a full refresh mends it."""

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.live import envelope
from warehouse.care.file_digests import table_of
from warehouse.care.verify import verify
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import catalog_path, data_path
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

MART = "marts.fct_orders"


def deliver(settings: Settings, *numbers: int) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number, external_id=f"E{number}"), 1_000_000) for number in numbers])


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with few orders, all of them in the catalog, after two refreshes."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("shown") / "home"))
    for numbers in ((1, 2, 3), (3, 4)):
        deliver(settings, *numbers)
        refresh(settings)
    assert not list((data_path(settings) / "marts" / "fct_orders").glob("*.parquet"))
    return settings.home


@pytest.fixture
def copied(shown: Path, settings: Settings) -> Settings:
    shutil.copytree(shown, settings.home)
    return settings


def change(settings: Settings, sql: str) -> None:
    """Change the rows of the mart that the catalog holds; nothing else of it knows."""
    with closing(sqlite3.connect(catalog_path(settings))) as catalog, catalog:
        (held,) = catalog.execute(
            "select held.table_name from ducklake_inlined_data_tables as held "
            "join ducklake_table as tab on tab.table_id = held.table_id and tab.end_snapshot is null "
            "where tab.table_name = 'fct_orders'"
        ).fetchone()
        assert catalog.execute(sql.format(held)).rowcount == 1


def test_marts_that_are_as_they_were_built_have_no_findings(copied: Settings) -> None:
    report = verify(copied)
    assert (report.findings, report.uncompared) == ((), None)
    assert report.marts > 20


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("update {} set external_id = 'E9' where order_id = 'order-2' and end_snapshot is null", "other values than"),
        ("delete from {} where order_id = 'order-2' and end_snapshot is null", "are 3 and 4 were built"),
        ("update {} set placed_at = 'never' where order_id = 'order-2' and end_snapshot is null", "cannot be read"),
    ],
)
def test_a_row_in_the_catalog_that_was_changed_is_found(copied: Settings, harm: str, said: str) -> None:
    change(copied, harm)
    (finding,) = verify(copied).findings
    assert said in finding.problem
    assert table_of(copied, finding) == MART


def test_a_full_refresh_mends_it(copied: Settings) -> None:
    change(copied, "update {} set external_id = 'E9' where order_id = 'order-2' and end_snapshot is null")
    refresh(copied, full=True)
    report = verify(copied)
    assert (report.findings, report.uncompared) == ((), None)


def test_a_build_that_went_on_without_publishing_is_not_compared(copied: Settings) -> None:
    with duckdb.connect(str(copied.build_path)) as con:
        con.execute("update main.origin set run_id = 'later'")
        con.execute("delete from marts.fct_orders")
    report = verify(copied)
    assert (report.findings, report.marts) == ((), 0)
    assert report.uncompared is not None
    assert "not what was published last" in report.uncompared


def test_a_refresh_at_work_is_waited_for_and_else_named(copied: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    is_held, ended = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_lock(copied.refresh_lock):
            is_held.set()
            ended.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert is_held.wait(60)
        monkeypatch.setattr("warehouse.care.mart_values.LOCK_SECONDS", 0.1)
        report = verify(copied)
    finally:
        ended.set()
        holder.join()
    assert (report.findings, report.marts) == ((), 0)
    assert "held by process" in str(report.uncompared)
    assert verify(copied).marts > 20
