"""What models read of touched entities, from the copy that a refresh takes out once or from the table, is the same."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import warehouse.build
import warehouse.model
import warehouse.near
import warehouse.touched
from tests.properties.cases import Parts, digests, run
from tests.properties.worlds import make_world
from warehouse.errors import RefreshError
from warehouse.model import Model, Run, build_model
from warehouse.near import find_near
from warehouse.plan import load_plan
from warehouse.session import open_session
from warehouse.settings import Settings
from warehouse.touched import Place

PARTS = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_the_same_marts_with_and_without_copies(
    settings: Settings, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _parts(seed)
    without = Settings(home=tmp_path / "without")
    taken = _count_copies(monkeypatch)
    run(settings, {"t": parts}, [False] * PARTS)
    assert set(taken) == {True}, "every refresh after the first takes out what several models read"
    taken.clear()
    monkeypatch.setattr(warehouse.near, "MOST_ENTITIES", -1)
    run(without, {"t": parts}, [False] * PARTS)
    assert set(taken) == {False}
    assert digests(settings) == digests(without)


def test_the_same_marts_when_every_table_is_large(
    settings: Settings, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _parts(seed)
    small = Settings(home=tmp_path / "small")
    run(small, {"t": parts}, [False] * PARTS)
    monkeypatch.setattr(warehouse.model, "LARGE", -1)
    asked = list[str]()
    find_rows = warehouse.touched.find_rows

    def counted(con: duckdb.DuckDBPyConnection, place: Place, ids: str, rows: str) -> str:
        asked.append(place.relation)
        return find_rows(con, place, ids, rows)

    monkeypatch.setattr(warehouse.model, "find_rows", counted)
    run(settings, {"t": parts}, [False] * PARTS)
    assert {'"build"."marts"."fct_invoices"', '"build"."intermediate"."int_fulfillment_units"'} <= set(asked)
    assert digests(settings) == digests(small)


def test_a_model_that_stayed_behind_gets_what_it_missed(
    settings: Settings, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _parts(seed)
    in_full = Settings(home=tmp_path / "in_full")
    run(in_full, {"t": parts}, [False] * (PARTS - 1) + [True])
    run(settings, {"t": parts[:1]}, [False])
    with monkeypatch.context() as patch:
        patch.setattr(warehouse.build, "build_model", _failing("fct_order_discounts"))
        with pytest.raises(RefreshError, match="fct_order_discounts"):
            run(settings, {"t": parts[1:2]}, [False])
    run(settings, {"t": parts[2:]}, [False])
    assert digests(settings) == digests(in_full)


def test_what_is_read_once_is_not_copied(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    with open_session(settings):
        models = {name: step.model for name, step in load_plan(settings).steps.items()}
    built = dict.fromkeys(models, 7)
    built["fct_orders"] = 5
    copies = {copy.name: copy for copy in find_near(models, built)}
    orders = copies['"build"."staging"."stg_order_events" by tenant, order_id']
    assert {"fct_orders", "fct_order_items", "fct_order_discounts", "int_order_products"} <= set(orders.readers)
    assert orders.since == 5, "the reader that is furthest behind decides"
    assert {"stg_order_events", "stg_payment_orders"} <= orders.sources.keys()
    assert all(len(copy.readers) > 1 for copy in copies.values())
    assert not find_near(models, {}), "what is built whole reads the tables"


def _parts(seed: int) -> Parts:
    """Deliveries of which each refresh gets some of every order."""
    world = make_world(seed, 150)
    return [world[number::PARTS] for number in range(PARTS)]


def _count_copies(patch: pytest.MonkeyPatch) -> list[bool]:
    taken, take_out = list[bool](), warehouse.near.take_out

    def counted(con: duckdb.DuckDBPyConnection, near: warehouse.near.Near) -> bool:
        taken.append(take_out(con, near))
        return taken[-1]

    patch.setattr(warehouse.build, "take_out", counted)
    return taken


def _failing(name: str) -> Callable[..., None]:
    def build(con: duckdb.DuckDBPyConnection, model: Model, run: Run, *, full: bool = False) -> None:
        if model.name == name:
            raise duckdb.IOException("no space left on device")
        build_model(con, model, run, full=full)

    return build
