"""What a figure means: the descriptions of the marts' columns and the declared metrics, and no words of its own.

A meaning is the name of a column or a metric, `daily_sales.net_sales` or `metric.orders`, or a formula over such names.
"""

import re
from functools import cache
from typing import Final

from warehouse.build.compiled_project import project_dir
from warehouse.errors import MetricsError
from warehouse.serving.duckdb_export import Described, descriptions
from warehouse.serving.semantic_layer import Declarations, read_declarations

NAME: Final = re.compile(r"\b([a-z]\w*)\.([a-z]\w*)\b")


def define(meaning: str) -> str:
    """The text to show where one points at a figure, as Markdown; raises MetricsError for what is not described."""
    if NAME.fullmatch(meaning):
        return describe(*meaning.split("."))
    names = dict.fromkeys(NAME.findall(meaning))
    told = "\n".join(f"- `{name}`: {describe(model, name)}" for model, name in names)
    return f"`{NAME.sub(lambda found: found[2], meaning)}`\n\n{told}"


def describe(model: str, name: str) -> str:
    """What the project says of a metric, or of a column of a model."""
    if model == "metric":
        return " ".join(_declared().metric(name).description.split())
    described = _models().get(model)
    text = described and described.columns.get(name)
    if not text:
        raise MetricsError("is described nowhere.", "name a column of a model, or a metric", where=f"{model}.{name}")
    return text


def column_meaning(name: str, marts: tuple[str, ...]) -> str | None:
    """The column of that name in the first of these marts that has it."""
    models = _models()
    return next((f"{mart}.{name}" for mart in marts if name in models[mart].columns), None)


@cache
def _models() -> dict[str, Described]:
    return descriptions()


@cache
def _declared() -> Declarations:
    return read_declarations(project_dir())
