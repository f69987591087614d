"""Every notebook runs from the first cell to the last on a home of its own, and says what it shows."""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.live import ROOT
from tests.shop import make_shop

# The first one pays for two refreshes.
pytestmark = pytest.mark.timeout(600)

FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LARGEST = 150_000
# Another retailer than the one whose figures are committed: what a notebook says must hold for any.
SEED = 7


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = make_shop(tmp_path_factory.mktemp("notebooks") / "home", seed=SEED)
    before = os.environ.get("PYTHONWARNINGS")
    # A warning in a notebook is something its reader stumbles over.
    os.environ["PYTHONWARNINGS"] = "error::FutureWarning,error::DeprecationWarning:__main__"
    yield home
    os.environ.pop("PYTHONWARNINGS")
    if before is not None:
        os.environ["PYTHONWARNINGS"] = before


def read(path: Path) -> nbformat.NotebookNode:
    notebook: nbformat.NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def outputs(notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    for cell in notebook.cells:
        yield from cell.get("outputs", ())


def test_there_are_eight() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 9)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_HOME", str(shop))
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})
    client.execute()
    made = list(outputs(notebook))
    assert any("image/png" in output.get("data", {}) for output in made), "no plot"
    assert [output.text for output in made if output.get("name") == "stderr"] == []
    assert any(output.get("name") == "stdout" for output in made), "no sentence on what one sees"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_was_run_and_is_small(path: Path) -> None:
    assert path.stat().st_size < LARGEST
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(output.output_type != "error" for output in outputs(notebook))
    assert notebook.cells[0].source.startswith("# ")
    # Whoever draws says what along which axis.
    for cell in code:
        drawn = cell.source.count("plt.show()")
        assert not drawn or ("xlabel" in cell.source and "ylabel" in cell.source), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_of_the_machine_it_ran_on_is_committed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for trace in ("/tmp/", "/home/", str(Path.home()), str(ROOT)):
        assert trace not in text
