"""After an erasure nothing of the person is in any byte of the home, and every fact is as it was but for them."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.erased_home import CUSTOMER, EMAIL, append, deliveries, log_rows, make_home, remains
from warehouse import refresh, replay
from warehouse.backup.backup import backup
from warehouse.backup.restore import restore
from warehouse.backup.retention import Keep
from warehouse.care.recover import recover
from warehouse.care.verify import verify
from warehouse.erasure.person import Wanted
from warehouse.erasure.run import erase, erase_again, preview
from warehouse.errors import ErasureError, LakeError
from warehouse.lake.connection import open_lake
from warehouse.lake.time_travel import open_moment
from warehouse.personal.ledger import Ledger
from warehouse.settings import Settings

WANTED = Wanted("customer", CUSTOMER)
# Columns that say something of a person, or are made of it; and what says of itself when it was made.
PERSONAL = {
    "customer_id", "customer_key", "customer_email", "customer_name", "external_customer_id", "email", "phone",
    "first_name", "last_name", "full_name", "address_id", "address_line_1", "address_line_2", "zip_code", "city",
    "ship_to_city", "ship_to_zip", "gift_message", "note", "attributes", "value", "idempotency_key", "name",
    "event_key", "display_id", "contact_phone", "company_name", "salutation", "title", "suffix", "second_name",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("erased") / "home").home


@pytest.fixture
def copied(shop: Path, settings: Settings) -> Settings:
    shutil.copytree(shop, settings.home)
    return settings


def facts(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all marts, without what is personal."""
    found = {}
    with open_lake(settings, read_only=True) as con:
        for (mart,) in con.execute(
            "select table_name from duckdb_tables() where database_name = 'lake' and schema_name = 'marts' order by 1"
        ).fetchall():
            columns = [
                f'"{name}"'
                for (name,) in con.execute(
                    "select column_name from duckdb_columns() where database_name = 'lake' and table_name = ?", [mart]
                ).fetchall()
                if name not in PERSONAL
            ]
            rows = con.execute(f"select {', '.join(columns)} from marts.{mart}").fetchall()
            found[mart] = sorted(rows, key=repr)
    return found


def test_an_erasure_takes_the_person_and_nothing_else(copied: Settings, tmp_path: Path) -> None:
    before, rows = facts(copied), log_rows(copied)
    with open_lake(copied, read_only=True) as con:
        ((moment,),) = con.execute("select max(snapshot_time)::varchar from lake.snapshots()").fetchall()
    assert remains(copied)
    shown = preview(copied, WANTED)
    assert remains(copied), "a preview changes nothing"

    report = erase(copied, WANTED)

    assert remains(copied) == []
    assert (report.deliveries, report.fields) == (shown.deliveries, shown.fields)
    assert report.deliveries["order.created"] == 4
    assert report.journals_left == ()
    assert log_rows(copied) == rows
    after = facts(copied)
    assert after.keys() == before.keys()
    assert {mart for mart in before if after[mart] != before[mart]} == set()
    found = verify(copied)
    assert (found.findings, found.erased) == ((), sum(report.deliveries.values()))
    with pytest.raises(LakeError, match="erased"):
        open_moment(copied, moment)
    with pytest.raises(ErasureError, match="no delivery of the log names such a person"):
        erase(copied, WANTED)

    # A redelivery, and a replay of an old export, bring nobody back, and are duplicates of what they were.
    append(copied.home, deliveries())
    old = tmp_path / "old.ndjson"
    old.write_bytes(b"\n".join(body for body in deliveries()[:12]) + b"\n")
    replay([old], copied.home)
    old.unlink()
    refresh(copied.home)
    assert remains(copied) == []
    assert facts(copied)["fct_orders"] == before["fct_orders"]


def test_an_address_finds_the_same_person(copied: Settings) -> None:
    assert preview(copied, Wanted(email=EMAIL.upper())) == preview(copied, WANTED)


def test_an_earlier_state_that_is_put_back_is_erased_again(shop: Path, copied: Settings) -> None:
    erase(copied, WANTED)
    shutil.rmtree(copied.home / "lake")
    shutil.copytree(shop / "lake", copied.home / "lake")
    assert remains(copied)
    assert recover(copied, dry_run=False).deliveries == len(log_rows(Settings(home=shop)))
    assert Ledger(copied).open
    assert erase_again(copied) is not None
    assert remains(copied) == []
    assert verify(copied).findings == ()


def test_a_report_says_what_was_done_and_no_value(copied: Settings) -> None:
    report = erase(copied, Wanted(email=EMAIL))
    assert report.path is not None
    kept = json.loads(Path(report.path).read_text())
    assert kept["deliveries"] == report.deliveries


def test_an_older_backup_brings_nobody_back(copied: Settings, tmp_path: Path) -> None:
    target = str(tmp_path / "target")
    older = backup(copied, target, Keep())
    erase(copied, WANTED)
    backup(copied, target, Keep())
    restored = Settings.load({}, home=str(tmp_path / "restored"))
    moment = datetime.fromtimestamp(older.moment + 0.001, UTC).isoformat()
    report = restore(restored, target, moment, after=erase_again)
    assert report.backup == older.id
    assert remains(restored) == []
    assert facts(restored) == facts(copied)
