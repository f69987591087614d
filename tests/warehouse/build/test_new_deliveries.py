"""Models make the same of new deliveries, from the copy that a refresh reads out of the lake once or from the lake."""

import random
from pathlib import Path

import duckdb
import pytest

import warehouse.build.new_deliveries
import warehouse.build.scheduler
from tests.properties.cases import Parts, digests, run
from tests.properties.worlds import make_world
from warehouse.build.model import Model, build_model
from warehouse.build.model import Run as ModelRun
from warehouse.build.new_deliveries import COPY
from warehouse.build.session import open_session
from warehouse.errors import RefreshError
from warehouse.settings import Settings

PARTS = 4


@pytest.fixture
def parts(seed: int) -> Parts:
    chance = random.Random(seed)
    world = 2 * make_world(seed, 150)
    chance.shuffle(world)
    return [world[part::PARTS] for part in range(PARTS)]


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


def test_the_same_marts_with_and_without_the_copy(
    tmp_path: Path, parts: Parts, copied: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, without = Settings(home=tmp_path / "home"), Settings(home=tmp_path / "without")
    run(settings, {"t": parts}, [False] * PARTS)
    assert copied == [True] * (PARTS - 1)
    copied.clear()
    monkeypatch.setattr(warehouse.build.new_deliveries, "MOST_BYTES", 0)
    run(without, {"t": parts}, [False] * PARTS)
    assert copied == [False] * (PARTS - 1)
    assert digests(settings) == digests(without)


def test_a_model_that_stayed_behind_reads_what_it_missed(
    tmp_path: Path, parts: Parts, copied: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, in_full = Settings(home=tmp_path / "home"), Settings(home=tmp_path / "in_full")
    run(in_full, {"t": parts}, [False] * (PARTS - 1) + [True])
    run(settings, {"t": parts[:1]}, [False])
    with monkeypatch.context() as patch:
        patch.setattr(warehouse.build.scheduler, "build_model", _fails)
        for part in parts[1:3]:
            with pytest.raises(RefreshError, match="stg_order_events"):
                run(settings, {"t": [part]}, [False])
    copied.clear()
    run(settings, {"t": parts[3:]}, [False])
    assert copied == [True]
    assert digests(settings) == digests(in_full)


def test_nothing_of_the_copy_is_left(tmp_path: Path, parts: Parts, copied: list[bool]) -> None:
    settings = Settings(home=tmp_path / "home")
    with open_session(settings) as session:
        run(settings, {"t": parts[:2]}, [False] * 2)
        assert copied == [True]
        with pytest.raises(duckdb.CatalogException):
            session.execute(f"from {COPY}")


def _fails(con: duckdb.DuckDBPyConnection, model: Model, run: ModelRun, *, full: bool = False) -> None:
    if model.name == "stg_order_events":
        raise duckdb.IOException("as if its disk were full")
    build_model(con, model, run, full=full)
