"""A mart whose file has a flipped bit is found, and shown again from what is built."""

import random
import shutil
from pathlib import Path

import duckdb
import pytest

import warehouse
from tests.live import envelope
from warehouse.care.file_digests import table_of
from warehouse.care.lake_compaction import compact
from warehouse.care.verify import verify
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import data_path
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

MART = "marts.fct_orders"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with marts of some hundred rows."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("shown") / "home"))
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(envelope(number, external_id=f"E{number}"), 1_000_000) for number in range(300)])
    refresh(settings)
    compact(settings)
    return settings.home


@pytest.fixture
def harmed(shown: Path, settings: Settings, seed: int) -> Settings:
    """The same with a bit flipped in the file of one mart."""
    shutil.copytree(shown, settings.home)
    assert (verify(settings).findings, verify(settings).unproven) == ((), 0)
    (path,) = (data_path(settings) / "marts" / "fct_orders").glob("*.parquet")
    data = bytearray(path.read_bytes())
    chance = random.Random(seed)
    # Between the file's two magic words, and not in its footer, where some of it is only remarks.
    data[chance.randrange(4, len(data) // 2)] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    return settings


def orders(settings: Settings) -> list[tuple[str, str]]:
    with warehouse.connect(settings.home) as con:
        return con.execute(f"select order_id, external_id from {MART} order by all").fetchall()


def test_a_mart_that_is_damaged_is_named_and_a_full_refresh_shows_it_again(harmed: Settings) -> None:
    findings = verify(harmed).findings
    assert [table_of(harmed, finding) for finding in findings] == [MART]
    refresh(harmed, full=True)
    assert verify(harmed).findings == ()
    assert orders(harmed) == sorted((f"order-{number}", f"E{number}") for number in range(300))


def test_a_full_refresh_mends_all_marts_without_reading_them(harmed: Settings) -> None:
    for path in (data_path(harmed) / "marts").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(duckdb.Error):
        orders(harmed)
    refresh(harmed, full=True)
    assert verify(harmed).findings == ()
    assert orders(harmed) == sorted((f"order-{number}", f"E{number}") for number in range(300))
