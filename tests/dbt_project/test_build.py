"""`dbt build` itself, from the command line: on an empty lake, on NewStore's sample, on a simulated retailer.

One home goes through all three. `make test-year` simulates a year of the last instead of a few days.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

import warehouse
from tests.dbt_project.scenarios import rows
from warehouse.build.compiled_project import project_dir
from warehouse.serving.semantic_layer import Declarations, Metric, read_declarations

ROOT = Path(__file__).parents[2]
DAYS = int(os.environ.get("WORLD_DAYS", "6"))

# NewStore's own sample does not add up, and no event tells of the associate who took its order.
WARNINGS_OF_THE_SAMPLE = {
    "order_totals_add_up",
    "relationships_fct_orders_associate_id__associate_id__ref_dim_employees_",
}
# By what a daily model tells its rows apart, beside tenant and day.
CUTS = {"daily_sales": ["channel_type", "channel", "currency"], "daily_inventory": ["location_id", "product_id"]}
# What daily_sales puts where no event says.
UNSAID = {"channel_type": "'unknown'", "channel": "'unknown'", "currency": "'XXX'"}


class Home:
    """A home that dbt builds from the command line; with the target of another it does not parse the project anew."""

    def __init__(self, folder: Path, target: Path | None = None) -> None:
        self.folder = folder
        self.target = target or folder / "target"
        self.environ = {**os.environ, "WAREHOUSE_HOME": str(folder / "home"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "0"}

    def run(self, *command: str) -> str:
        """What a command prints; it has to succeed."""
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env=self.environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=3000,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    def dbt(self, command: str, *arguments: str) -> dict[str, str]:
        """Each node of a dbt command and how it went."""
        self.dbt_prints(command, *arguments)
        results = json.loads((self.target / "run_results.json").read_text())["results"]
        return {name_of(result["unique_id"]): result["status"] for result in results}

    def dbt_prints(self, *arguments: str) -> str:
        """What a dbt command prints."""
        project = ROOT / "dbt_project"
        places = ["--project-dir", str(project), "--profiles-dir", str(project), "--target-path", str(self.target)]
        return self.run("dbt.cli.main", "--log-path", str(self.folder / "logs"), *arguments, *places)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A read-only connection to the lake."""
        return warehouse.connect(self.folder / "home")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home, in which nothing is yet; the tests of this file go on from one another."""
    return Home(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="module")
def empty(home: Home) -> dict[str, str]:
    """The first build: of nothing, with every unit test."""
    return home.dbt("build")


@pytest.fixture(scope="module")
def sample(home: Home, empty: dict[str, str]) -> dict[str, str]:
    """The second: NewStore's documented sample comes in. What the unit tests say does not depend on the data."""
    assert empty
    home.run("warehouse", "replay", "tests/data/order_created.json")
    return home.dbt("build", "--exclude-resource-type", "unit_test")


@pytest.fixture(scope="module")
def world(home: Home, empty: dict[str, str]) -> dict[str, str]:
    """The last: a retailer's days, with duplicates and disorder."""
    assert empty
    events = home.folder / "events.ndjson"
    home.run("warehouse", "simulate", "--days", str(DAYS), "--seed", "4", "--bad", "0.01", "--out", str(events))
    home.run("warehouse", "replay", str(events))
    return home.dbt("build", "--exclude-resource-type", "unit_test")


@pytest.fixture
def con(home: Home, world: dict[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """The simulated retailer's lake."""
    assert world
    with home.connect() as connection:
        yield connection


def name_of(unique_id: str) -> str:
    """A node's own name: a unit test's comes after its model's, a data test's is followed by a hash."""
    parts = unique_id.split(".")
    return parts[3] if parts[0] == "unit_test" else parts[2]


def unhappy(results: dict[str, str]) -> dict[str, str]:
    return {name: status for name, status in results.items() if status not in ("pass", "success", "no-op")}


@pytest.mark.timeout(600)
def test_an_empty_lake_builds_and_every_rule_holds(home: Home, empty: dict[str, str]) -> None:
    assert unhappy(empty) == {}
    with home.connect() as con:
        assert rows(con, "select count(*) from marts.fct_orders") == [(0,)]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_sample_builds_and_is_published(home: Home, sample: dict[str, str]) -> None:
    assert unhappy(sample) == dict.fromkeys(WARNINGS_OF_THE_SAMPLE, "warn")
    with home.connect() as con:
        assert rows(con, "select count(*), count(*) filter (has_header) from marts.fct_orders") == [(1, 1)]


@pytest.mark.timeout(3600)
def test_a_simulated_retailer_builds(world: dict[str, str], con: duckdb.DuckDBPyConnection) -> None:
    warned = sorted(name for name, status in unhappy(world).items() if status == "warn")
    assert unhappy(world).keys() - set(warned) == set()
    (orders,), (movements,), (units,) = (
        rows(con, f"select count(*) from marts.{mart}")[0]
        for mart in ("fct_orders", "fct_inventory_movements", "fct_order_items")
    )
    counts = f"{orders:,} orders, {units:,} units, {movements:,} movements, {len(world)} models and tests"
    print(f"\n{DAYS} days: {counts}; warnings: {', '.join(warned) or 'none'}")  # noqa: T201
    # Everything NewStore has a name for took place.
    assert rows(con, "select count(distinct name) from log.events where problem is null") == [(31,)]


def test_data_tests_can_be_run_by_themselves(home: Home, world: dict[str, str]) -> None:
    assert world
    results = home.dbt("test", "--select", "fct_orders,test_type:data")
    assert results
    assert unhappy(results).keys() <= WARNINGS_OF_THE_SAMPLE


@pytest.mark.long
def test_empty_tables_for_unit_tests_change_nothing_for_readers(home: Home, tmp_path: Path) -> None:
    home = Home(tmp_path, home.target)
    home.run("warehouse", "replay", "tests/data/order_created.json")
    assert unhappy(home.dbt("run", "--empty")) == {}
    with home.connect() as con:
        assert rows(con, "select table_name from duckdb_tables() where schema_name = 'marts'") == []
    results = home.dbt("test", "--select", "fct_payment_accounts,test_type:unit")
    assert unhappy(results) == {}
    assert "accounts_add_up_and_never_mix_currencies" in results
    # Nothing was taken for read: the delivery is as new as it was.
    home.run("warehouse", "refresh")
    with home.connect() as con:
        assert rows(con, "select count(*) from marts.fct_orders") == [(1,)]


def test_the_catalogue_is_generated(home: Home, world: dict[str, str]) -> None:
    assert world
    target = home.target
    home.dbt_prints("docs", "generate", "--static")
    manifest = json.loads((target / "manifest.json").read_text())
    catalogue = json.loads((target / "catalog.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert {node["unique_id"] for node in models} == set(catalogue["nodes"])
    page = (target / "static_index.html").read_text()
    for node in models:
        assert node["description"], node["name"]
        assert node["unique_id"] in page, "it has no place in the lineage"
        described = {name for name, column in node["columns"].items() if column["description"]}
        built = {name.lower() for name in catalogue["nodes"][node["unique_id"]]["columns"]}
        assert described == built, node["name"]
    exposed = {parent for exposure in manifest["exposures"].values() for parent in exposure["depends_on"]["nodes"]}
    assert exposed <= {node["unique_id"] for node in models}
    assert len(manifest["exposures"]) == 9


def test_a_model_is_shown_and_all_are_compiled(home: Home, world: dict[str, str]) -> None:
    assert world
    shown = home.dbt_prints("show", "--select", "fct_orders", "--limit", "3", "--output", "json")
    orders = json.loads(shown[shown.index("{") :])["show"]
    assert [order["tenant"] for order in orders] == ["demo"] * 3, shown
    assert unhappy(home.dbt("compile")) == {}
    assert (home.target / "compiled" / "newstore" / "models" / "marts" / "fct_orders.sql").exists()


def test_times_are_utc_and_money_is_exact(con: duckdb.DuckDBPyConnection) -> None:
    """No fact depends on arrival, every time has a zone, and every amount its currency beside it."""
    columns: dict[str, dict[str, str]] = {}
    catalogue = "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts'"
    for table, column, data_type in rows(con, catalogue):
        columns.setdefault(table, {})[column] = data_type
    for table, types in columns.items():
        assert table == "dim_dates" or next(iter(types)) == "tenant", table
        # A transfer is received by a location, all else only by us.
        of_arrival = {"received_at", "batch", "journal", "position", "changed_batch"} & types.keys()
        assert of_arrival == ({"received_at"} if table == "fct_transfers" else set()), table
        for column, data_type in types.items():
            if column.endswith("_at") or column in ("valid_from", "valid_to"):
                assert data_type == "TIMESTAMP WITH TIME ZONE", f"{table}.{column}"
        money = [column for column, data_type in types.items() if data_type.startswith("DECIMAL")]
        assert all(types[column] == "DECIMAL(18,4)" for column in money), table
        # A discount on a unit is in its order's currency, which stands beside the unit.
        assert not money or "currency" in types or table == "fct_order_discounts", table


def declared(declarations: Declarations, metric: Metric, daily: str) -> str:
    """A metric as its yml declares it: by tenant, day and what the daily model cuts by."""
    cuts = ["tenant", "day", *CUTS[daily]]
    keys = ", ".join(cuts)
    if metric.type == "derived":
        parts = {name: declared(declarations, declarations.metric(name), daily) for name in metric.parts}
        union = " union all ".join(f"select *, '{name}' as part from ({query})" for name, query in parts.items())
        sums = ", ".join(f"sum(value) filter (part = '{name}') as {name}" for name in parts)
        summed = f"select {keys}, {sums} from ({union}) group by all"
        return f"select {keys}, {metric.type_params.expr} as value from ({summed})"
    model, measure = declarations.measured(metric)
    own = {dimension.name: dimension.sql for dimension in model.dimensions if dimension.name in cuts}
    order = next((entity.sql for entity in model.entities if entity.name == "sales_order"), "null")
    picked = ", ".join(f"{sql} as {name}" for name, sql in own.items())
    base = (
        f"select {picked}, {order} as sales_order, ({model.booked_on(measure)})::date as day, {measure.sql} as value "
        f"from marts.{model.table} where {declarations.condition(metric) or 'true'}"
    )
    orders = next(each for each in declarations.semantic_models if each.name == "orders")
    foreign = [dimension for dimension in orders.dimensions if dimension.name in cuts and dimension.name not in own]
    if foreign:
        key = orders.entities[0].sql
        picked = ", ".join(f"{dimension.sql} as {dimension.name}" for dimension in foreign)
        base = (
            f"select * from ({base}) left join (select {key} as sales_order, {picked} from marts.{orders.table}) "
            "using (sales_order)"
        )
    said = ", ".join(f"coalesce({cut}, {UNSAID[cut]}) as {cut}" if cut in UNSAID else cut for cut in cuts)
    return f"select {said}, {measure.agg}(value) as value from ({base}) where day is not null group by all"


@pytest.mark.parametrize("daily", list(CUTS))
def test_the_daily_models_agree_with_the_declared_metrics(con: duckdb.DuckDBPyConnection, daily: str) -> None:
    declarations = read_declarations(project_dir())
    metrics = [metric for metric in declarations.metrics if metric.meta.get("daily") == daily]
    assert metrics
    known = " and ".join(f"{cut} is not null" for cut in CUTS[daily])
    for metric in metrics:
        query = f"select * from ({declared(declarations, metric, daily)}) where {known} and value != 0 order by all"
        column = f"tenant, date as day, {', '.join(CUTS[daily])}, {metric.name} as value"
        expected = rows(con, f"select {column} from marts.{daily} where {metric.name} != 0 order by all")
        assert rows(con, query) == expected, metric.name
        assert expected, f"{metric.name}: nothing of it in the simulated retailer"


def test_every_figure_of_sales_is_declared(con: duckdb.DuckDBPyConnection) -> None:
    declarations = read_declarations(project_dir())
    names = {metric.name for metric in declarations.metrics if metric.meta.get("daily") == "daily_sales"}
    columns = {column[0] for column in con.execute("from marts.daily_sales limit 0").description or []}
    assert columns - {"tenant", "date", *CUTS["daily_sales"]} == names


def test_stock_of_the_last_days_is_what_is_on_hand(con: duckdb.DuckDBPyConnection) -> None:
    declarations = read_declarations(project_dir())
    model, measure = declarations.measured(declarations.metric("on_hand"))
    assert measure.non_additive_dimension is not None
    day = model.dimension(measure.non_additive_dimension["name"]).sql
    (grouping,) = measure.non_additive_dimension["window_groupings"]
    position = next(entity.sql for entity in model.entities if entity.name == grouping)
    last = f"row_number() over (partition by {position} order by {day} desc) = 1"
    assert measure.non_additive_dimension["window_choice"] == "max"
    (units,) = rows(con, f"select sum({measure.sql}) from (from marts.{model.table} qualify {last})")
    assert [units] == rows(con, "select sum(on_hand) from marts.fct_inventory_on_hand")
    assert units[0] > Decimal(0)
