"""A model that is made of slices, as one is that does not fit into memory, is the model made at once."""

from pathlib import Path

from tests.properties.cases import deliver
from tests.properties.worlds import make_world
from warehouse.model import Run, build_model
from warehouse.plan import load_plan
from warehouse.refresh import refresh
from warehouse.session import attach_build, open_session
from warehouse.settings import Settings


def test_slices_make_the_same_tables(tmp_path: Path, seed: int) -> None:
    settings = Settings(home=tmp_path / "home", memory=10**9)
    deliver(settings, {"t1": make_world(seed, 100), "t2": make_world(seed + 1, 100)})
    batch = refresh(settings).batch
    models = [step.model for step in load_plan(settings).steps.values() if step.model.strategy == "by_entity"]
    assert len(models) > 20
    rows = 0
    with open_session(settings) as con:
        attach_build(con, settings)
        con.execute("set TimeZone = 'UTC'")
        for model in models:
            con.execute(f"create or replace temp table at_once as from {model.relation}")
            build_model(con, model, Run("sliced", batch), full=True, slices=8)
            for one, other in (("at_once", model.relation), (model.relation, "at_once")):
                assert con.execute(f"from {one} except all from {other}").fetchall() == [], model.name
            rows += con.execute("select count(*) from at_once").fetchall()[0][0]
    assert rows > 100
