"""The page of the metrics says what their yml says."""

import re
from pathlib import Path

import pytest

from warehouse.build.compiled_project import project_dir
from warehouse.errors import MetricsError
from warehouse.serving.semantic_layer import END, FOLDER, START, read_declarations, render_tables

ROOT = Path(__file__).parents[3]


def test_the_page_holds_what_the_command_prints() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    found = re.search(f"{re.escape(START)}\n(.*?)\n{re.escape(END)}", page, re.DOTALL)
    assert found, "docs/metrics.md has lost the markers of its tables"
    assert found[1] == render_tables(read_declarations(project_dir())), (
        "paste what `python -m warehouse.serving.semantic_layer` prints between the markers of docs/metrics.md"
    )


def test_every_metric_has_a_day_a_mart_and_a_topic() -> None:
    declarations = read_declarations(project_dir())
    assert declarations.metrics
    for metric in declarations.metrics:
        assert metric.meta["topic"], metric.name
        assert all(model.table and model.booked_on(measure) for model, measure in declarations.sources(metric))
    rendered = render_tables(declarations)
    assert [metric.name for metric in declarations.metrics if f"| `{metric.name}` |" not in rendered] == []


def test_money_can_be_told_apart_by_currency() -> None:
    declarations = read_declarations(project_dir())
    for metric in declarations.metrics:
        if metric.meta.get("money"):
            for model, _ in declarations.sources(metric):
                assert model.dimension("currency").sql, metric.name


def test_a_measure_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "one.yml").write_text(
        "metrics:\n"
        "  - {name: sold, label: Sold, description: What was sold., type: simple,\n"
        "     type_params: {measure: units}, config: {meta: {topic: Sales}}}\n"
    )
    with pytest.raises(MetricsError, match="measure units: declared 0 times"):
        render_tables(read_declarations(tmp_path))


def test_yml_that_is_none_of_metrics_is_named_with_its_file(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "broken.yml").write_text("metrics:\n  - name: [1]\n")
    with pytest.raises(MetricsError, match=r"broken\.yml"):
        read_declarations(tmp_path)
