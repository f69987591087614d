"""A model that is made of slices or portions, as one is that does not fit into memory, is the model made at once."""

import random
from pathlib import Path

import duckdb
import pytest

import warehouse.build.model
import warehouse.log.sealer
from tests.properties.cases import arrange, deliver, digests
from tests.properties.worlds import make_world
from warehouse.build.compiled_project import load_plan
from warehouse.build.model import EVERYTHING, Model, Run, build_model, set_range
from warehouse.build.names import LOG, LOG_VIEW
from warehouse.build.session import attach_build, open_session
from warehouse.build.touched_entities import find_touched, is_touched
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings

ORDERS = 12
LINES = 9_000


def test_slices_make_the_same_tables(tmp_path: Path, seed: int) -> None:
    settings = Settings(home=tmp_path / "home", memory=10**9)
    deliver(settings, {"t1": make_world(seed, 60), "t2": make_world(seed + 1, 60)})
    batch = refresh(settings).batch
    models = [step.model for step in load_plan(settings).steps.values() if step.model.strategy == "by_entity"]
    assert len(models) > 20
    rows = 0
    with open_session(settings) as con:
        attach_build(con, settings)
        con.execute("set TimeZone = 'UTC'")
        for model in models:
            con.execute(f"create or replace temp table at_once as from {model.relation}")
            build_model(con, model, Run("sliced", batch), full=True, slices=3)
            for one, other in (("at_once", model.relation), (model.relation, "at_once")):
                assert con.execute(f"from {one} except all from {other}").fetchall() == [], model.name
            rows += con.execute("select count(*) from at_once").fetchall()[0][0]
    assert rows > 100


def test_the_compiled_sql_of_every_model_runs_as_it_stands(tmp_path: Path, seed: int) -> None:
    settings = Settings(home=tmp_path / "home", memory=10**9)
    deliver(settings, {"t": make_world(seed, 30)})
    batch = refresh(settings).batch
    models = [step.model for step in load_plan(settings).steps.values()]
    assert any("getvariable('built')" in model.touched for model in models)
    with open_session(settings) as con:
        attach_build(con, settings)
        con.execute("set TimeZone = 'UTC'")
        set_range(con, 0, batch)
        con.execute(f"create temp view {LOG_VIEW} as from {LOG}")
        for model in models:
            names = ", ".join(name for name, *_ in con.execute(f"describe {model.relation}").fetchall())
            con.execute(f"create or replace temp table whole as select {names} from ({model.whole})")
            for one, other in (("whole", model.relation), (model.relation, "whole")):
                assert con.execute(f"from {one} except all from {other}").fetchall() == [], model.name
            if model.strategy == "by_entity":
                find_touched(con, model.entity, model.touched_entities(EVERYTHING), model.touched_table)
            for view, place in model.views.items():
                touched = is_touched(place.entity, model.entity, model.touched_table)
                con.execute(f"create or replace temp view {view} as from {place.relation} where {touched}")
            if model.touched:
                con.execute(f"create or replace temp table touched_rows as {model.touched}")


@pytest.mark.long
def test_a_log_read_in_portions_makes_the_same_marts(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = arrange(random.Random(seed), make_world(seed, 150), 4)
    at_once, in_portions = Settings(home=tmp_path / "at_once"), Settings(home=tmp_path / "in_portions")
    steps = list[int]()
    portions = warehouse.build.model._portions

    def counted(con: duckdb.DuckDBPyConnection, model: Model, run: Run, built: int) -> list[int]:
        found = portions(con, model, run, built)
        steps.append(len(found))
        return found

    monkeypatch.setattr(warehouse.build.model, "_portions", counted)
    for settings, size in ((at_once, 10**6), (in_portions, 1)):
        monkeypatch.setattr(warehouse.build.model, "PORTION_DELIVERIES", size)
        steps.clear()
        for part in parts:
            deliver(settings, {"t": part})
            seal(settings)
        refresh(settings)
        # What has no deliveries makes no batch.
        assert max(steps) == (1 if settings is at_once else sum(map(bool, parts)))
    assert digests(in_portions) == digests(at_once)


def test_what_does_not_fit_into_memory_at_once_is_read_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.log.sealer, "BATCH_BYTES", 2**20)
    settings = Settings(home=tmp_path / "home", memory=10**9)
    items = [{"id": str(line), "product_id": f"p{line}", "list_price": 1.5} for line in range(LINES)]
    payload = {"external_id": "O", "currency": "EUR", "items": items}
    event = {"name": "order.created", "published_at": "2026-03-01T12:00:00Z"}
    for number in range(ORDERS):
        deliver(settings, {"t": [{**event, "payload": {"id": f"o{number}", **payload}}]})
    seal(settings)
    step = load_plan(settings).steps["stg_order_events"]
    build, tried = warehouse.build.model._build, list[int]()

    def noted(con: duckdb.DuckDBPyConnection, model: Model, run: Run, full: bool, slices: int) -> None:
        tried.append(slices)
        # How much the second attempt needs is for DuckDB to say; the first has too little whatever it does.
        con.execute(f"set memory_limit = '{'1GB' if slices > 1 else '60MB'}'")
        build(con, model, run, full, slices)

    with open_session(settings) as con:
        attach_build(con, settings)
        con.execute("set TimeZone = 'UTC'")
        build_model(con, load_plan(settings).steps["stg_readings"].model, Run("one", ORDERS), full=True)
        monkeypatch.setattr(warehouse.build.model, "_build", noted)
        con.execute("set temp_directory = ''")
        build_model(con, step.model, Run("one", ORDERS), full=True)
        (found,) = con.execute(
            f"select count(*), sum(len(payload.items)) from {step.model.relation} where order_id is not null"
        ).fetchall()
    assert found == (ORDERS, ORDERS * LINES)
    assert tried == [1, warehouse.build.model.MORE_SLICES]
