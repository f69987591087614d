"""What `dbt compile` prints of any model runs as it stands in `warehouse shell` and `warehouse sql`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.properties.cases import deliver
from tests.properties.worlds import make_world
from warehouse.build.compiled_project import Plan, load_plan
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.system.lock import hold_lock

SECONDS = 240


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, chance_seed: int) -> Settings:
    """A home after two refreshes."""
    settings = Settings(home=tmp_path_factory.mktemp("pasted") / "home", memory=10**9)
    world = make_world(chance_seed, 40)
    for part in (world[::2], world[1::2]):
        deliver(settings, {"t": part})
        refresh(settings)
    return settings


@pytest.fixture(scope="module")
def plan(settings: Settings) -> Plan:
    """Every model as `dbt compile` and `dbt compile --full-refresh` have it."""
    return load_plan(settings)


def warehouse(settings: Settings, *arguments: str, text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "warehouse", *arguments, "--home", str(settings.home)]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_every_model_can_be_pasted(settings: Settings, plan: Plan) -> None:
    queries = [sql for step in plan.steps.values() for sql in (step.model.whole, step.model.touched) if sql]
    assert len(queries) > 100
    shell = warehouse(settings, "shell", text="".join(f"select count(*) as n from (\n{sql}\n);\n" for sql in queries))
    assert shell.returncode == 0, shell.stderr
    counts = [int(line.strip(" │|")) for line in shell.stdout.splitlines() if line.strip(" │|").isdecimal()]
    assert len(counts) == len(queries)
    assert sum(counts) > len(queries), "the models have rows"


def test_the_whole_of_a_mart_is_what_readers_see(settings: Settings, plan: Plan) -> None:
    whole = plan.steps["fct_orders"].model.whole
    query = (
        f"select count(*) filter (order_id is null) as lost, count(*) as n from ({whole}) full join marts.fct_orders"
    )
    answer = warehouse(settings, "sql", "--json", "-", text=f"{query} using (tenant, order_id)")
    assert answer.returncode == 0, answer.stderr
    (row,) = json.loads(answer.stdout)
    assert (row["lost"], row["n"] > 10) == (0, True)


def test_the_touched_rows_are_those_of_the_last_batch(settings: Settings, plan: Plan) -> None:
    model = plan.steps["fct_orders"].model
    query = f"select count(*) as n, (select count(*) from marts.fct_orders) as of_all from ({model.touched})"
    answer = warehouse(settings, "sql", "--json", "-", text=query)
    assert answer.returncode == 0, answer.stderr
    (row,) = json.loads(answer.stdout)
    assert 0 < row["n"] <= row["of_all"]


def test_the_build_database_is_not_kept_open(settings: Settings) -> None:
    program = (
        "from warehouse.lake.connection import open_lake\n"
        "from warehouse.serving.pasted_sql import able_to_run\n"
        "from warehouse.settings import Settings\n"
        "import sys, pathlib\n"
        "settings = Settings(home=pathlib.Path(sys.argv[1]))\n"
        "with open_lake(settings, read_only=True) as con:\n"
        "    with able_to_run(con, settings, 'from build.main.generations'):\n"
        "        assert con.execute('from build.main.generations').fetchall()\n"
        "    print('done', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(settings.home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "done\n"
        refresh(settings, full=True)
        reader.communicate("")
    assert reader.returncode == 0


@pytest.mark.parametrize("query", ["select count(*) as n", "select order_id as net__sales, 1 as build"])
def test_what_names_no_model_does_not_wait_for_a_refresh(settings: Settings, query: str) -> None:
    with hold_lock(settings.refresh_lock):
        answer = warehouse(settings, "sql", "--json", f"{query} from marts.fct_orders as run", text="")
    assert answer.returncode == 0, answer.stderr


def test_a_view_has_what_any_of_its_readers_recomputes(settings: Settings, plan: Plan) -> None:
    readers = [step.model for step in plan.steps.values() if "int_orders__order_id" in step.model.views]
    assert len({tuple(model.sources) for model in readers}) > 1, "they have different sources"
    asked = warehouse(settings, "sql", "--json", "select max(batch) - 1 as built from build.main.generations", text="")
    built = int(json.loads(asked.stdout)[0]["built"])
    lost = " union all ".join(
        f"select count(*) as lost from (({model.touched_entities(built)}) "
        "intersect select tenant, order_id from build.intermediate.int_orders "
        "except select tenant, order_id from int_orders__order_id)"
        for model in readers
    )
    answer = warehouse(settings, "sql", "--json", "-", text=f"select sum(lost) as lost from ({lost})")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == [{"lost": 0}]


@pytest.mark.parametrize("query", ["delete from build.main.generations", "create table build.main.other (a int)"])
def test_nothing_is_written_there(settings: Settings, query: str) -> None:
    before = Path(settings.build_path).read_bytes()
    answer = warehouse(settings, "sql", query, text="")
    assert answer.returncode != 0
    assert "read" in answer.stderr
    assert Path(settings.build_path).read_bytes() == before
