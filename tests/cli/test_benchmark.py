import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from warehouse.trial.capacity import peak_of


@pytest.mark.timeout(120)
def test_it_says_what_the_machine_takes_and_leaves_the_home_as_it_was(run: Run, home: Path) -> None:
    (home / "journal").mkdir(parents=True)
    (home / "journal" / "mine.txt").write_text("kept")
    result = run("benchmark", "--seconds", "0.2", "--orders-per-day", "28800", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    measured = found["measured"]
    assert measured["one_by_one"]["answered"] > 0
    assert found["events_per_second"] == measured["at_once"]["answered"] / measured["at_once"]["seconds"] > 0
    assert measured["one_by_one"]["failed"] == measured["at_once"]["failed"] == 0
    assert found["peak_events_per_second"] == peak_of(28_800)
    assert 0 < measured["disk"]["p50"] <= measured["disk"]["p99"]
    assert [path.relative_to(home).as_posix() for path in sorted(home.rglob("*"))] == ["journal", "journal/mine.txt"]


def test_its_text_names_the_rate_the_peak_and_what_the_peak_assumes(run: Run) -> None:
    result = run("benchmark", "--seconds", "0.1")
    assert result.returncode == 0, result.stderr
    assert "durable events/s" in result.stdout
    assert "10,000 orders a day is about 10/s" in result.stdout
    assert "assumes 10 events an order" in result.stdout


def test_a_peak_is_three_times_the_mean_of_an_hour_with_an_eighth_of_the_day() -> None:
    # 28,800 orders: 3,600 of them in the busiest hour, so one a second, of ten events each.
    assert peak_of(28_800) == pytest.approx(30)
