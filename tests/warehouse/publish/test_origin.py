"""What is built is gone on from only when this very log and these very models made it; else it is built again."""

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

import warehouse
from tests.journals import deliver, lose_journals
from warehouse.lake.connection import open_lake
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings


def orders(settings: Settings) -> set[str]:
    with warehouse.connect(settings.home) as con:
        return {order_id for (order_id,) in con.execute("select order_id from marts.fct_orders").fetchall()}


def of(*numbers: int) -> set[str]:
    return {f"order-{number}" for number in numbers}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has shown order 0, a copy of its lake from then, and order 1 in the home itself."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("built") / "home"))
    deliver(settings, 0)
    refresh(settings)
    shutil.copytree(settings.lake_dir, settings.home / "backup")
    deliver(settings, 1)
    refresh(settings)
    return settings.home


@pytest.fixture
def copied(built: Path, settings: Settings) -> Settings:
    shutil.copytree(built, settings.home)
    return settings


def put_back(settings: Settings) -> None:
    shutil.rmtree(settings.lake_dir)
    shutil.copytree(settings.home / "backup", settings.lake_dir)


def test_a_lake_that_was_put_back_beside_a_build_that_stayed(copied: Settings) -> None:
    put_back(copied)
    lose_journals(copied)
    deliver(copied, 2)
    seal(copied)
    deliver(copied, 3)
    # The batches of orders 2 and 3 have numbers that the build database has seen before.
    publication = refresh(copied)
    assert publication.rebuilt is not None
    assert "another lake, or from a later state" in publication.rebuilt
    assert orders(copied) == of(0, 2, 3)
    deliver(copied, 4)
    assert refresh(copied).rebuilt is None
    assert orders(copied) == of(0, 2, 3, 4)


def test_what_the_journals_still_have_is_sealed_into_a_lake_that_was_put_back(copied: Settings) -> None:
    put_back(copied)
    deliver(copied, 2)
    refresh(copied)
    assert orders(copied) == of(0, 1, 2)


def test_a_build_of_another_home_is_not_gone_on_from(copied: Settings, tmp_path: Path) -> None:
    other = Settings.load({}, home=str(tmp_path / "other"))
    for number in (7, 8):
        deliver(other, number)
        seal(other)
    shutil.copy(copied.build_path, other.build_path)
    publication = refresh(other)
    assert publication.rebuilt is not None
    assert orders(other) == of(7, 8)


@pytest.mark.long
def test_an_older_copy_of_the_build_is_gone_on_from(copied: Settings, tmp_path: Path) -> None:
    shutil.copy(copied.build_path, tmp_path / "build.duckdb")
    for number in (2, 3):
        deliver(copied, number)
        refresh(copied)
    shutil.copy(tmp_path / "build.duckdb", copied.build_path)
    deliver(copied, 4)
    assert refresh(copied).rebuilt is None
    assert orders(copied) == of(0, 1, 2, 3, 4)


OF_AN_OLDER_COMMIT = (
    "drop table main.origin",
    "alter table main.generations drop column columns",
    "alter table marts.fct_orders drop column status",
)
CHANGED_BY_HAND = ("alter table marts.fct_orders rename column status to state",)
GONE = ("drop table marts.fct_order_items",)
OTHER_MODELS = ("update main.origin set project = 'of another version'",)


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        pytest.param(OF_AN_OLDER_COMMIT, "another version", marks=pytest.mark.long),
        (CHANGED_BY_HAND, "fct_orders"),
        pytest.param(GONE, "fct_order_items", marks=pytest.mark.long),
        pytest.param(OTHER_MODELS, "models have changed", marks=pytest.mark.long),
    ],
)
def test_a_build_of_another_version_is_built_again_by_itself(
    copied: Settings, harm: tuple[str, ...], reason: str
) -> None:
    with duckdb.connect(str(copied.build_path)) as build:
        for statement in harm:
            build.execute(statement)
    deliver(copied, 2)
    publication = refresh(copied)
    assert publication.rebuilt is not None
    assert reason in publication.rebuilt
    assert orders(copied) == of(0, 1, 2)
    assert rows(copied, "select count(*) from marts.fct_orders where status is null") == [(0,)]
    deliver(copied, 3)
    assert refresh(copied).rebuilt is None


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.connect(settings.home) as con:
        return con.execute(sql).fetchall()


def test_a_lake_from_before_batches_had_ids_is_gone_on_with(copied: Settings) -> None:
    with open_lake(copied) as con:
        con.execute("drop table lake.log.batches")
        con.execute("alter table lake.log.counter drop column id")
    deliver(copied, 2)
    # That the lake shows what this build made proves as much.
    assert refresh(copied).rebuilt is None
    assert orders(copied) == of(0, 1, 2)
    assert rows(copied, "select count(distinct id) from log.batches") == [(2,)]
