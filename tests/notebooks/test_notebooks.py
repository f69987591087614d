"""Every notebook runs from the first cell to the last on a home of its own, and says what it shows."""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.live import ROOT
from tests.shop import make_shop
from warehouse import connect

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


@cache
def run(path: Path, home: Path) -> nbformat.NotebookNode:
    """The notebook as it is after it ran from the first cell to the last on that home."""
    notebook = read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}})
    os.environ["WAREHOUSE_HOME"] = str(home)
    try:
        client.execute()
    finally:
        del os.environ["WAREHOUSE_HOME"]
    return notebook


def test_there_are_eight() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{number:02}" for number in range(1, 9)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, shop: Path) -> None:
    made = list(outputs(run(path, shop)))
    assert any("image/png" in output.get("data", {}) for output in made), "no plot"
    assert [output.text for output in made if output.get("name") == "stderr"] == []
    assert any(output.get("name") == "stdout" for output in made), "no sentence on what one sees"


def said(notebook: nbformat.NotebookNode) -> str:
    """All sentences that cells printed."""
    return "".join(output.text for output in outputs(notebook) if output.get("name") == "stdout")


def test_a_customer_of_two_currencies_is_one_who_came_back(shop: Path) -> None:
    """Notebook 06 against the orders themselves: a cohort is whole in its first month, and nobody counts twice."""
    with connect(shop) as con:
        ((shared, came, cohort),) = con.execute("""
            with months as (
                select distinct tenant, customer_id, date_trunc('month', ordered_at)::date as month
                from marts.fct_orders
                where has_header and customer_id is not null
            ),

            firsts as (select tenant, customer_id, min(month) as first from months group by all)

            select
                (
                    select count(*)
                    from (
                        select customer_id from marts.fct_orders where customer_id is not null
                        group by customer_id having count(distinct currency) > 1
                    )
                ),
                count(months.month),
                count(*)
            from firsts
            left join months
                on firsts.customer_id = months.customer_id and months.month = firsts.first + interval 1 month
            where firsts.first + interval 2 months <= (select max(ordered_at)::timestamp from marts.fct_orders)
        """).fetchall()
    assert cohort > 0
    text = said(run(FOLDER / "06_customers_and_cohorts.ipynb", shop))
    assert f"{came / cohort:.0%} of {cohort:,} customers order again" in text, (shared, text)


NUMBER_WORDS = re.compile(
    r"\b(two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|third|quarter|tenth|per cent)\b|%",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_figure_is_typed(path: Path) -> None:
    """What a cell says of data is computed: no digit in prose, none in what a cell prints or writes on a plot."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            prose = re.sub(r"`[^`]*`|\]\([^)]*\)", "", cell.source)
            assert not re.search(r"\d", prose), cell.source
            assert not NUMBER_WORDS.search(prose), cell.source
        else:
            for text in shown_texts(cell.source):
                assert not re.search(r"\d", text), text


def shown_texts(source: str) -> Iterator[str]:
    """The constant parts of all that a cell prints, and of the words on its plots."""
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        values = list(call.args) if getattr(call.func, "id", "") == "print" else []
        values += [each.value for each in call.keywords if each.arg in {"title", "xlabel", "ylabel", "label"}]
        for value in values:
            parts = value.values if isinstance(value, ast.JoinedStr) else [value]
            yield from (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))


@pytest.mark.parametrize("text", ["The mean of 7 days.", "Nine in ten come back.", "A third of them."])
def test_a_typed_figure_would_be_found(text: str) -> None:
    assert re.search(r"\d", text) or NUMBER_WORDS.search(text)
    assert list(shown_texts(f"print(f'{text} {{x:.1f}}')")) == [f"{text} "]


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
