"""The metrics as dbt's yml declares them.

`python -m warehouse.serving.semantic_layer` prints the tables of docs/metrics.md.

A metric is declared once, in `dbt_project/models/metrics/`: this page, tools that speak dbt's semantic layer and the
test that compares the daily models with it all read it there.
"""

import re
import sys
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from warehouse.errors import MetricsError, WarehouseError

FOLDER: Final = "models/metrics"
START: Final = "<!-- metrics: printed by `python -m warehouse.serving.semantic_layer` -->"
END: Final = "<!-- end of metrics -->"
DIMENSION: Final = re.compile(r"\{\{\s*Dimension\('\w+?__(\w+)'\)\s*\}\}")
MODEL: Final = re.compile(r"^ref\('(\w+)'\)$")
TOPICS: Final = ("Sales", "Returns", "Payments", "Stock", "Fulfilment", "Customers", "Trust")

Found = TypeVar("Found")


class Element(msgspec.Struct, frozen=True):
    """An entity, a dimension or a measure of a semantic model: a name for an expression over its columns."""

    name: str
    type: str = ""
    agg: str = ""
    expr: str | None = None
    agg_time_dimension: str | None = None
    non_additive_dimension: dict[str, Any] | None = None

    @property
    def sql(self) -> str:
        """What it stands for."""
        return self.expr or self.name


class SemanticModel(msgspec.Struct, frozen=True):
    """A mart, with what of it can be added up and by what it can be cut."""

    name: str
    model: str
    defaults: dict[str, str]
    entities: list[Element]
    dimensions: list[Element]
    measures: list[Element]

    @property
    def table(self) -> str:
        """Name of the mart."""
        found = MODEL.match(self.model)
        if found is None:
            raise MetricsError(
                f"semantic model {self.name}: {self.model} is no ref('…').", "Name a model of the project."
            )
        return found[1]

    def dimension(self, name: str) -> Element:
        """A dimension by its name."""
        return _only([dimension for dimension in self.dimensions if dimension.name == name], f"dimension {name}")

    def booked_on(self, measure: Element) -> str:
        """Expression of the time that says on which day a measure counts."""
        return self.dimension(measure.agg_time_dimension or self.defaults["agg_time_dimension"]).sql


class Inputs(msgspec.Struct, frozen=True):
    """What a metric is made of, which depends on its type."""

    measure: str | None = None
    expr: str | None = None
    metrics: tuple[str, ...] = ()
    numerator: str | None = None
    denominator: str | None = None


class Metric(msgspec.Struct, frozen=True):
    """A figure with a name: what people mean by it, and how it is reckoned."""

    name: str
    label: str
    description: str
    type: str
    type_params: Inputs
    config: dict[str, dict[str, Any]]
    filter: str | None = None

    @property
    def meta(self) -> dict[str, Any]:
        """Topic, whether it is money, and the daily model that has it as a column."""
        return self.config["meta"]

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics that it is made of."""
        params = self.type_params
        return tuple(name for name in (*params.metrics, params.numerator, params.denominator) if name)


class Declarations(msgspec.Struct, frozen=True):
    """All that the folder declares, in the order of its files."""

    semantic_models: list[SemanticModel] = []
    metrics: list[Metric] = []

    def metric(self, name: str) -> Metric:
        """A metric by its name."""
        return _only([metric for metric in self.metrics if metric.name == name], f"metric {name}")

    def measured(self, metric: Metric) -> tuple[SemanticModel, Element]:
        """The measure of a simple metric, and where it is."""
        name = metric.type_params.measure
        found = [(model, each) for model in self.semantic_models for each in model.measures if each.name == name]
        return _only(found, f"measure {name}")

    def condition(self, metric: Metric) -> str | None:
        """The filter of a simple metric as SQL over the columns of its mart."""
        model, _ = self.measured(metric)
        return metric.filter and DIMENSION.sub(lambda found: model.dimension(found[1]).sql, metric.filter)

    def sources(self, metric: Metric) -> list[tuple[SemanticModel, Element]]:
        """The measures a metric comes from in the end, each once."""
        if not metric.parts:
            return [self.measured(metric)]
        found = [source for part in metric.parts for source in self.sources(self.metric(part))]
        return [source for number, source in enumerate(found) if source not in found[:number]]


def read_declarations(project: Path) -> Declarations:
    """What the yml of a dbt project declares; raises MetricsError where it is not the yml of metrics."""
    semantic_models: list[SemanticModel] = []
    metrics: list[Metric] = []
    for path in sorted((project / FOLDER).glob("*.yml")):
        try:
            declared = msgspec.yaml.decode(path.read_bytes(), type=Declarations)
        except msgspec.DecodeError as error:
            raise MetricsError(str(error), "`dbt parse --project-dir dbt_project` says more.", where=path) from error
        semantic_models += declared.semantic_models
        metrics += declared.metrics
    return Declarations(semantic_models, metrics)


def render_tables(declarations: Declarations) -> str:
    """A Markdown table for each topic, without a newline at the end."""
    parts: list[str] = []
    for topic in TOPICS:
        parts += [f"### {topic}", "", "| metric | what it is | formula | booked on | from |", "|---|---|---|---|---|"]
        parts += [_row(declarations, metric) for metric in declarations.metrics if metric.meta["topic"] == topic]
        parts.append("")
    return "\n".join(parts).rstrip("\n")


def _row(declarations: Declarations, metric: Metric) -> str:
    sources = declarations.sources(metric)
    tables = dict.fromkeys(f"`{model.table}`" for model, _ in sources)
    days = dict.fromkeys(f"`{model.booked_on(measure)}`" for model, measure in sources)
    currency = " By currency." if metric.meta.get("money") else ""
    daily = f" A column of `{metric.meta['daily']}`." if "daily" in metric.meta else ""
    meaning = " ".join(metric.description.split()) + currency + daily
    cells = [f"`{metric.name}`", meaning, f"`{_formula(declarations, metric)}`", ", ".join(days), ", ".join(tables)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _formula(declarations: Declarations, metric: Metric) -> str:
    params = metric.type_params
    if metric.type == "ratio":
        return f"{params.numerator} / {params.denominator}"
    if metric.type == "derived":
        return str(params.expr)
    _, measure = declarations.measured(metric)
    formula = "count(*)" if measure.sql == "1" else f"{measure.agg}({measure.sql})"
    if measure.non_additive_dimension is not None:
        formula += " of the last day"
    condition = declarations.condition(metric)
    return f"{formula} where {condition}" if condition else formula


def _only(found: list[Found], what: str) -> Found:
    if len(found) != 1:
        raise MetricsError(f"declared {len(found)} times.", f"Declare it once in {FOLDER}.", where=what)
    return found[0]


if __name__ == "__main__":
    from warehouse.build.compiled_project import project_dir

    try:
        sys.stdout.write(render_tables(read_declarations(project_dir())) + "\n")
    except WarehouseError as error:
        sys.exit(f"Error: {error}")
