"""The layers of the dbt project, as docs/dbt.md lists them: no model reads one of a layer that comes after its own."""

from pathlib import Path

import pytest

from warehouse.build.compiled_project import Step, load_plan, project_dir
from warehouse.settings import Settings

LAYERS = ["staging", "intermediate", "facts", "aggregates", "reports", "trust"]
PREFIXES = {"staging": ("stg_",), "intermediate": ("int_",), "facts": ("fct_", "dim_"), "aggregates": ("agg_",)}


def layers() -> dict[str, str]:
    """The layer of each model, by the folder it is in; marts are facts, or reports made from facts."""
    found = {}
    for path in project_dir().glob("models/*/*.sql"):
        is_fact = path.stem.startswith(PREFIXES["facts"])
        found[path.stem] = {"marts": "facts" if is_fact else "reports"}.get(path.parent.name, path.parent.name)
    return found


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Step]:
    """All models, with what each reads."""
    settings = Settings.load({}, home=str(tmp_path_factory.mktemp("home")))
    Path(settings.home).mkdir(exist_ok=True)
    return load_plan(settings).steps


def test_no_model_reads_a_later_layer(steps: dict[str, Step]) -> None:
    layer = layers()
    assert steps.keys() == layer.keys()
    assert set(layer.values()) == set(LAYERS)
    upwards = {
        f"{name} ({layer[name]}) reads {parent} ({layer[parent]})"
        for name, step in steps.items()
        for parent in step.parents
        if LAYERS.index(layer[parent]) > LAYERS.index(layer[name])
    }
    assert upwards == set()


def test_only_staging_and_intermediate_models_read_the_log(steps: dict[str, Step]) -> None:
    layer = layers()
    assert {layer[name] for name, step in steps.items() if step.model.reads_log} == {"staging", "intermediate"}


def test_a_name_says_the_layer() -> None:
    for name, layer in layers().items():
        said = [each for each, prefixes in PREFIXES.items() if name.startswith(prefixes)]
        assert said == ([layer] if layer in PREFIXES else []), name
