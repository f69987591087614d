"""What models read of touched entities, from the copy that a refresh takes out once or from the table, is the same."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

import warehouse.build.model
import warehouse.build.scheduler
import warehouse.build.shared_events
import warehouse.build.touched_entities
from tests.properties.cases import Digest, Parts, digests, run
from tests.properties.worlds import make_world
from warehouse.build.compiled_project import load_plan
from warehouse.build.model import Model, Run, build_model
from warehouse.build.session import open_session
from warehouse.build.shared_events import find_shared
from warehouse.build.touched_entities import MOST_ENTITIES, EntityColumns
from warehouse.errors import RefreshError
from warehouse.settings import Settings

PARTS = 3
Digests = dict[str, dict[str | None, Digest]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture(scope="module")
def parts(chance_seed: int) -> Parts:
    """Deliveries of which each refresh gets some of every order."""
    world = make_world(chance_seed, 150)
    return [world[number::PARTS] for number in range(PARTS)]


@pytest.fixture(scope="module")
def at_once(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Digests:
    """The marts when one refresh takes all of it."""
    settings = Settings(home=tmp_path_factory.mktemp("at_once"))
    run(settings, {"t": [[event for part in parts for event in part]]}, [False])
    return digests(settings)


@pytest.mark.usefixtures("seed")
@pytest.mark.parametrize("most", [MOST_ENTITIES, pytest.param(-1, marks=pytest.mark.long)])
def test_the_same_marts_with_and_without_copies(
    settings: Settings, parts: Parts, at_once: Digests, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.build.shared_events, "MOST_ENTITIES", most)
    taken = _count_copies(monkeypatch)
    run(settings, {"t": parts}, [False] * PARTS)
    assert set(taken) == {most > 0}, "every refresh after the first takes out what several models read, or none does"
    assert digests(settings) == at_once


@pytest.mark.usefixtures("seed")
def test_the_same_marts_when_every_table_is_large(
    settings: Settings, parts: Parts, at_once: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.build.model, "LARGE_TABLE_ROWS", -1)
    asked = list[str]()
    find_rows = warehouse.build.touched_entities.find_rows

    def counted(con: duckdb.DuckDBPyConnection, place: EntityColumns, ids: str, rows: str) -> str | None:
        asked.append(place.relation)
        return find_rows(con, place, ids, rows)

    monkeypatch.setattr(warehouse.build.model, "find_rows", counted)
    run(settings, {"t": parts}, [False] * PARTS)
    assert {"build.marts.fct_invoices", "build.intermediate.int_fulfillment_units"} <= set(asked)
    assert digests(settings) == at_once


@pytest.mark.long
@pytest.mark.usefixtures("seed")
def test_a_model_that_stayed_behind_gets_what_it_missed(
    settings: Settings, parts: Parts, at_once: Digests, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, {"t": parts[:1]}, [False])
    with monkeypatch.context() as patch:
        patch.setattr(warehouse.build.scheduler, "build_model", _failing("fct_order_discounts"))
        with pytest.raises(RefreshError, match="fct_order_discounts"):
            run(settings, {"t": parts[1:2]}, [False])
    run(settings, {"t": parts[2:]}, [False])
    assert digests(settings) == at_once


def test_what_is_read_once_is_not_copied(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    with open_session(settings):
        models = {name: step.model for name, step in load_plan(settings).steps.items()}
    built = dict.fromkeys(models, 7)
    built["int_orders"] = 5
    copies = {copy.name: copy for copy in find_shared(models, built)}
    orders = copies["build.staging.stg_order_events by tenant, order_id"]
    assert {"int_orders", "int_order_lines", "int_order_unit_steps", "int_order_products"} <= set(orders.readers)
    assert orders.since == 5, "the reader that is furthest behind decides"
    assert {"stg_order_events", "stg_return_orders"} <= orders.sources.keys()
    assert all(len(copy.readers) > 1 for copy in copies.values())
    assert not find_shared(models, {}), "what is built whole reads the tables"


def _count_copies(patch: pytest.MonkeyPatch) -> list[bool]:
    taken, take_out = list[bool](), warehouse.build.shared_events.take_out

    def counted(con: duckdb.DuckDBPyConnection, shared: warehouse.build.shared_events.SharedEvents) -> bool:
        taken.append(take_out(con, shared))
        return taken[-1]

    patch.setattr(warehouse.build.scheduler, "take_out", counted)
    return taken


def _failing(name: str) -> Callable[..., None]:
    def build(con: duckdb.DuckDBPyConnection, model: Model, run: Run, *, full: bool = False) -> None:
        if model.name == name:
            raise duckdb.IOException("no space left on device")
        build_model(con, model, run, full=full)

    return build
