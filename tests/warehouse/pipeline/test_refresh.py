"""A refresh shows every acknowledged event, costs nothing when there is none, and never gets in a reader's way."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from warehouse.build.compiled_project import project_dir
from warehouse.delivery.envelope import decode
from warehouse.errors import RefreshError
from warehouse.journal import JournalWriter
from warehouse.notes.refresh_attempt import read_attempt
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

SAMPLE = Path(__file__).parents[2] / "data" / "order_created.json"


def settings_of(home: Path) -> Settings:
    return Settings.load({}, home=str(home))


def deliver(settings: Settings, *envelopes: dict[str, Any]) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        now = time.time_ns() // 1000
        journal.append([decode(json.dumps(envelope).encode(), now) for envelope in envelopes])


def order(name: str, order_id: str, published_at: str = "2026-03-01T12:00:00Z", **fields: object) -> dict[str, Any]:
    return {"tenant": "acme", "name": name, "published_at": published_at, "payload": {"id": order_id, **fields}}


def created(order_id: str, *item_ids: str, name: str = "order.created") -> dict[str, Any]:
    items = [{"id": item_id, "product_id": "shoe", "pricebook_price": 10, "item_discounts": 1} for item_id in item_ids]
    return order(name, order_id, external_id=order_id.upper(), currency="EUR", grand_total=9.5, items=items)


def query(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(home) as con:
        return con.execute(sql).fetchall()


def snapshots(home: Path) -> int:
    rows = query(home, "select count(*) from lake.snapshots()")
    return int(rows[0][0])


def test_the_documented_sample_is_one_order_with_its_totals_as_sent(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, json.loads(SAMPLE.read_bytes()))
    refresh(settings)
    totals = "external_id, currency, subtotal::double, shipping_total::double, tax_total::double, grand_total::double"
    assert query(tmp_path, f"select {totals}, status from marts.fct_orders") == [
        ("NSD000000001", "USD", 295.0, 42.0, 25.08, 320.08, "created")
    ]
    assert query(tmp_path, "select product_id, net_amount::double from marts.fct_order_items") == [("1005404", 295.0)]


def test_cancelled_before_created_each_three_times_is_one_cancelled_order_with_its_header(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    cancelled = order("order.cancelled", "o1", "2026-03-02T08:00:00Z", items=[{"id": "a"}])
    deliver(settings, *[cancelled] * 3)
    refresh(settings)
    status = "select status, has_header, external_id, item_count, cancelled_item_count from marts.fct_orders"
    assert query(tmp_path, status) == [("cancelled", False, None, 1, 1)]
    deliver(settings, *[created("o1", "a", "b")] * 3)
    refresh(settings)
    assert query(tmp_path, status) == [("cancelled", True, "O1", 2, 2)]
    assert query(tmp_path, "select count(*) from log.events") == [(6,)]


def test_a_refresh_with_nothing_new_changes_nothing(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, created("o1", "a"))
    refresh(settings)
    before = snapshots(tmp_path)
    assert refresh(settings).rows == {}
    assert snapshots(tmp_path) == before
    # A duplicate is one more delivery in the log, and no change to the facts.
    deliver(settings, created("o1", "a"))
    assert "fct_orders" not in refresh(settings).rows


def test_a_lost_build_database_costs_a_rebuild_and_no_data(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, created("o1", "a"), created("o2", "b"))
    refresh(settings)
    before = query(tmp_path, "from marts.fct_orders order by all")
    settings.build_path.unlink()
    deliver(settings, created("o3", "c"))
    refresh(settings)
    after = query(tmp_path, "from marts.fct_orders order by all")
    assert [row for row in after if row[1] != "o3"] == before
    assert len(after) == 3


def test_full_gives_the_same_marts_as_step_by_step(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for envelope in (
        order("order.items_swapped", "o1", items=[{"id": "a", "new_item_id": "z", "new_product_id": "boot"}]),
        created("o1", "a", "b"),
        created("o1", "a", "b", name="order.opened"),
    ):
        deliver(settings, envelope)
        refresh(settings)
    marts = ("fct_orders", "fct_order_items", "fct_order_discounts", "fct_order_status_changes")
    step_by_step = [query(tmp_path, f"from marts.{mart} order by all") for mart in marts]
    refresh(settings, full=True)
    assert [query(tmp_path, f"from marts.{mart} order by all") for mart in marts] == step_by_step
    # a was swapped for z, which took over its amounts; two units are left.
    assert query(tmp_path, "select item_count from marts.fct_orders") == [(2,)]
    assert query(tmp_path, "select net_amount::double from marts.fct_order_items where item_id = 'z'") == [(9.0,)]


def test_a_reader_reads_on_and_never_sees_half_a_refresh(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, created("o0", "a0"))
    refresh(settings)
    seen: set[tuple[int, int]] = set()
    failures: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        counts = "select (select count(*) from marts.fct_orders), (select count(*) from marts.fct_order_items)"
        with warehouse.connect(tmp_path) as con:
            while not stop.is_set():
                try:
                    seen.update(con.execute(counts).fetchall())
                except duckdb.Error as error:
                    failures.append(error)
                    return

    reading = threading.Thread(target=read)
    reading.start()
    for number in range(1, 4):
        deliver(settings, created(f"o{number}", f"a{number}"))
        refresh(settings)
    stop.set()
    reading.join()
    assert failures == []
    assert {(1, 1), (4, 4)} <= seen | {(4, 4)}
    assert all(orders == items for orders, items in seen)


def test_dbt_run_by_itself_seals_first_and_publishes_after(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    deliver(settings, created("o1", "a"))
    command = [str(Path(sys.executable).with_name("dbt")), "run", "--project-dir", str(project_dir())]
    scratch = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    environment = {**os.environ, "WAREHOUSE_HOME": str(settings.home)}
    done = subprocess.run(
        [*command, *scratch], cwd=project_dir().parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert query(settings.home, "select status from marts.fct_orders") == [("created",)]


def test_a_part_of_the_project_is_not_published(tmp_path: Path) -> None:
    settings = settings_of(tmp_path / "home")
    deliver(settings, created("o1", "a"))
    refresh(settings)
    deliver(settings, created("o2", "b"))
    command = [str(Path(sys.executable).with_name("dbt")), "run", "--select", "stg_order_events", "fct_order_items"]
    scratch = ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")]
    environment = {**os.environ, "WAREHOUSE_HOME": str(settings.home)}
    done = subprocess.run(
        [*command, *scratch, "--project-dir", str(project_dir())],
        cwd=project_dir().parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing published" in done.stdout
    assert query(settings.home, "select count(*) from marts.fct_order_items") == [(1,)]
    # What that run left half done, the next refresh completes.
    refresh(settings)
    assert query(settings.home, "select count(*) from marts.fct_order_items") == [(2,)]
    assert query(settings.home, "select count(*) from marts.fct_orders") == [(2,)]


def test_a_broken_build_leaves_readers_what_they_had(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, created("o1", "a"))
    refresh(settings)
    with duckdb.connect(str(settings.build_path)) as build:
        build.execute("alter table marts.fct_orders alter external_id set not null")
    deliver(settings, order("order.cancelled", "o2", items=[{"id": "b"}]))
    with pytest.raises(RefreshError, match="fct_orders"):
        refresh(settings)
    assert query(tmp_path, "select order_id, status from marts.fct_orders") == [("o1", "created")]
    assert query(tmp_path, "select count(*) from marts.fct_order_items") == [(1,)]
    refresh(settings, full=True)
    assert query(tmp_path, "select count(*) from marts.fct_orders") == [(2,)]


def test_building_everything_anew_does_not_grow_the_build_database(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, *(created(f"o{number}", "a", "b") for number in range(100)))
    refresh(settings)
    size = settings.build_path.stat().st_size
    refresh(settings, full=True)
    assert settings.build_path.stat().st_size <= size
    assert query(tmp_path, "select count(*) from marts.fct_order_items") == [(200,)]


def test_a_failure_names_the_model_and_the_kind_and_quotes_no_value(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, order("order.created", "o1", customer_email="ada@example.com"))
    refresh(settings)
    with duckdb.connect(str(settings.build_path)) as build:
        build.execute("create unique index one_each on marts.fct_orders (customer_email)")
    deliver(settings, order("order.created", "o2", customer_email="ada@example.com"))
    with pytest.raises(RefreshError, match="fct_orders: ConstraintException") as failure:
        refresh(settings)
    attempt = read_attempt(settings)
    assert attempt is not None
    assert attempt.failure is not None
    assert (attempt.failure.message, attempt.failure.hint) == (failure.value.message, failure.value.hint)
    assert "ada" not in f"{failure.value} {failure.value.message} {failure.value.hint}"
    # The command of the hint is for those who may see it.
    command = failure.value.hint.split("`")[-2].split()
    environment = {**settings.to_environ(), "PATH": os.environ["PATH"]}
    tool = str(Path(sys.executable).with_name(command[0]))
    shown = subprocess.run(
        [tool, *command[1:], "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ada@example.com" in shown.stdout


def test_a_second_refresh_waits_for_the_first(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    deliver(settings, created("o1", "a"))
    code = (
        "from warehouse.pipeline.refresh import refresh; from warehouse.settings import Settings; "
        "refresh(Settings.load())"
    )
    environment = {**os.environ, "WAREHOUSE_HOME": str(tmp_path)}
    with hold_lock(settings.refresh_lock):
        second = subprocess.Popen([sys.executable, "-c", code], env=environment)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(timeout=3)
        assert not settings.build_path.exists()
    assert second.wait(timeout=120) == 0
    assert query(tmp_path, "select count(*) from marts.fct_orders") == [(1,)]
