"""Models make the same of new deliveries, from the copy that a refresh reads out of the lake once or from the lake."""

import random

import duckdb
import pytest

import warehouse.build.new_deliveries
import warehouse.build.scheduler
from tests.properties.cases import Digest, Parts, digests, run
from tests.properties.worlds import make_world
from warehouse.build.model import Model, build_model
from warehouse.build.model import Run as ModelRun
from warehouse.build.new_deliveries import COPY, MOST_BYTES
from warehouse.build.session import open_session
from warehouse.errors import RefreshError
from warehouse.settings import Settings

PARTS = 3
Digests = dict[str, dict[str | None, Digest]]


@pytest.fixture(scope="module")
def parts(chance_seed: int) -> Parts:
    world = 2 * make_world(chance_seed, 150)
    random.Random(chance_seed).shuffle(world)
    return [world[part::PARTS] for part in range(PARTS)]


@pytest.fixture(scope="module")
def at_once(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Digests:
    """The marts when one refresh takes all of it."""
    settings = Settings(home=tmp_path_factory.mktemp("at_once"))
    run(settings, {"t": [[event for part in parts for event in part]]}, [False])
    return digests(settings)


@pytest.fixture
def copied(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each refresh after the first had a copy."""
    seen = list[bool]()
    copy = warehouse.build.new_deliveries.copy_arrivals

    def noted(con: duckdb.DuckDBPyConnection, since: int, position: int) -> bool:
        seen.append(copy(con, since, position))
        return seen[-1]

    monkeypatch.setattr("warehouse.build.selection.copy_arrivals", noted)
    return seen


@pytest.mark.usefixtures("seed")
@pytest.mark.parametrize("most", [MOST_BYTES, pytest.param(0, marks=pytest.mark.long)])
def test_the_same_marts_with_and_without_the_copy(
    settings: Settings, parts: Parts, at_once: Digests, copied: list[bool], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.build.new_deliveries, "MOST_BYTES", most)
    run(settings, {"t": parts}, [False] * PARTS)
    assert copied == [most > 0] * (PARTS - 1)
    assert digests(settings) == at_once


@pytest.mark.usefixtures("seed")
def test_a_model_that_stayed_behind_reads_what_it_missed(
    settings: Settings, parts: Parts, at_once: Digests, copied: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(settings, {"t": parts[:1]}, [False])
    with monkeypatch.context() as patch:
        patch.setattr(warehouse.build.scheduler, "build_model", _fails)
        for part in (parts[1][::2], parts[1][1::2]):
            with pytest.raises(RefreshError, match="stg_order_events"):
                run(settings, {"t": [part]}, [False])
    copied.clear()
    run(settings, {"t": parts[2:]}, [False])
    assert copied == [True]
    assert digests(settings) == at_once


def test_nothing_of_the_copy_is_left(settings: Settings, parts: Parts, copied: list[bool]) -> None:
    with open_session(settings) as session:
        run(settings, {"t": parts[:2]}, [False] * 2)
        assert copied == [True]
        with pytest.raises(duckdb.CatalogException):
            session.execute(f"from {COPY}")


def _fails(con: duckdb.DuckDBPyConnection, model: Model, run: ModelRun, *, full: bool = False) -> None:
    if model.name == "stg_order_events":
        raise duckdb.IOException("as if its disk were full")
    build_model(con, model, run, full=full)
