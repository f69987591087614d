"""A lake that is gone is found missing: nobody makes a new one where one should be, and nothing of it is deleted."""

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import warehouse
from tests.journals import deliver, lose_journals
from warehouse.build.session import open_session
from warehouse.care.lake_compaction import compact
from warehouse.care.recover import recover
from warehouse.care.verify import verify
from warehouse.errors import LakeError, LakeLost
from warehouse.journal import list_journals
from warehouse.lake.connection import catalog_path, log_folder, open_lake
from warehouse.lake.mark import mark_path
from warehouse.log.sealer import seal
from warehouse.pipeline.refresh import refresh, refresh_in
from warehouse.pipeline.watch import Failed, Refreshed, watch
from warehouse.settings import Settings


def logged(settings: Settings) -> int:
    with warehouse.connect(settings.home) as con:
        return int(con.execute("select count(*) from log.events").fetchall()[0][0])


def take_catalog(settings: Settings) -> None:
    catalog = catalog_path(settings)
    for path in (catalog, *catalog.parent.glob(f"{catalog.name}-*")):
        path.unlink()


def take_lake(settings: Settings) -> None:
    shutil.rmtree(settings.lake_dir)


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose journals are sealed and gone."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("refreshed") / "home"))
    deliver(settings, *range(20))
    refresh(settings)
    lose_journals(settings)
    return settings.home


@pytest.fixture
def copied(refreshed: Path, settings: Settings) -> Settings:
    shutil.copytree(refreshed, settings.home)
    return settings


@pytest.mark.parametrize("harm", [take_catalog, take_lake])
def test_a_lake_that_goes_while_a_session_is_open_is_not_made_anew(
    copied: Settings, harm: Callable[[Settings], None]
) -> None:
    with open_session(copied) as session:
        refresh_in(session, copied)
        harm(copied)
        deliver(copied, 100, 101)
        # What asks the catalog leaves an empty file in its place, and that is no lake either.
        for _ in range(2):
            with pytest.raises(LakeError):
                refresh_in(session, copied)
    attempts: dict[str, Callable[[], object]] = {
        "session": lambda: open_session(copied).__enter__(),
        "refresh": lambda: refresh(copied),
        "full": lambda: refresh(copied, full=True),
        "seal": lambda: seal(copied),
        "compact": lambda: compact(copied),
        "connect": lambda: warehouse.connect(copied.home),
        "open": lambda: open_lake(copied),
    }
    for attempt in attempts.values():
        with pytest.raises(LakeLost, match="gone"):
            attempt()
    assert [finding.place for finding in verify(copied).findings] == ["the catalog"]
    done = recover(copied, dry_run=False)
    assert done.deliveries == (2 if harm is take_lake else 22)
    refresh(copied)
    assert logged(copied) == done.deliveries


def test_a_catalog_that_vanishes_under_a_running_watch_stops_it_and_costs_nothing(copied: Settings) -> None:
    stop, reports = threading.Event(), list[Refreshed | Failed]()
    watching = threading.Thread(target=watch, args=(copied, 0.1, stop, reports.append))
    watching.start()
    try:
        deliver(copied, 50)
        wait_for(lambda: any(isinstance(report, Refreshed) for report in reports))
        lose_journals(copied)
        take_catalog(copied)
        deliver(copied, 100)
        wait_for(lambda: any(isinstance(report, Failed) and isinstance(report.error, LakeLost) for report in reports))
    finally:
        stop.set()
        watching.join()
    assert len([report for report in reports if isinstance(report, Refreshed)]) == 1
    recover(copied, dry_run=False)
    refresh(copied)
    assert logged(copied) == 22


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_journals_stay_when_the_catalog_that_took_their_batch_is_not_there_any_more(copied: Settings) -> None:
    at_once = msgspec.structs.replace(copied, journal_keep=0)
    deliver(at_once, 100, 101)
    with pytest.raises(LakeError):
        seal(at_once, before_commit=lambda: take_catalog(at_once))
    assert len(list_journals(at_once.journal_dir)) == 1
    recover(at_once, dry_run=False)
    assert logged(at_once) == 22


def test_to_begin_anew_is_a_decision_of_its_own(settings: Settings) -> None:
    open_lake(settings).close()
    take_lake(settings)
    with pytest.raises(LakeLost, match="gone") as raised:
        open_lake(settings)
    assert str(mark_path(settings)) in raised.value.hint
    mark_path(settings).unlink()
    open_lake(settings).close()
    assert logged(settings) == 0


def test_a_home_from_before_there_was_a_mark_gets_one(copied: Settings) -> None:
    mark_path(copied).unlink()
    seal(copied)
    assert mark_path(copied).exists()


def test_another_catalog_may_still_be_begun(settings: Settings, tmp_path: Path) -> None:
    open_lake(settings).close()
    place = {"catalog": str(tmp_path / "lake" / "catalog.sqlite"), "data_path": str(tmp_path / "lake" / "data")}
    shared = msgspec.structs.replace(settings, **place)
    open_lake(shared).close()
    catalog_path(shared).unlink()
    with pytest.raises(LakeLost):
        open_lake(shared)
    assert not log_folder(shared).exists()


def test_first_lakes_that_are_made_at_once_are_one(settings: Settings) -> None:
    errors: list[BaseException] = []

    def make() -> None:
        try:
            open_lake(settings).close()
        except BaseException as error:  # noqa: BLE001 - any is told by the test
            errors.append(error)

    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert errors == []
    with open_lake(settings) as con:
        assert con.execute("select count(*) from log.batches").fetchall() == [(1,)]
