"""`warehouse export` writes one plain DuckDB file, whole or not at all, that shows what the lake does."""

import json
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Run
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings


@pytest.fixture
def lake(settings: Settings) -> Settings:
    """A lake with two tables, of which the dbt project describes one."""
    with open_lake(settings) as con:
        con.execute(
            "create table lake.marts.fct_orders as select range::varchar as order_id, 'test' as tenant from range(5)"
        )
        con.execute('create table lake.trust."odd name" as select 1.50::decimal(18, 4) as amount')
    return settings


def test_every_table_with_its_comments(run: Run, lake: Settings, tmp_path: Path) -> None:
    file = tmp_path / "facts.duckdb"
    result = run("export", str(file), "--json")
    assert (result.returncode, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    assert said["tables"] == {"marts.fct_orders": 5, "trust.odd name": 1}
    assert said["bytes"] == file.stat().st_size
    with duckdb.connect(str(file), read_only=True) as con, open_lake(lake, read_only=True) as source:
        for table in ("marts.fct_orders", 'trust."odd name"'):
            query = f"select * from {table} order by all"
            assert con.execute(query).fetchall() == source.execute(query).fetchall()
        assert con.execute("select snapshot from about").fetchall() == [(said["snapshot"],)]
        comments = dict(
            con.execute("select column_name, comment from duckdb_columns() where table_name = 'fct_orders'").fetchall()
        )
        assert comments["tenant"] == "NewStore's tenant."
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_only_one_schema(run: Run, lake: Settings, tmp_path: Path) -> None:
    assert lake.home.exists()
    said = json.loads(run("export", "facts.duckdb", "--schema", "marts", "--json").stdout)
    assert list(said["tables"]) == ["marts.fct_orders"]
    assert "fct_orders" in run("export", "facts.duckdb", "--force").stdout
    assert (tmp_path / "facts.duckdb").exists()


def test_a_file_that_is_there_is_kept(run: Run, lake: Settings, tmp_path: Path) -> None:
    assert lake.home.exists()
    file = tmp_path / "precious.duckdb"
    file.write_text("mine")
    result = run("export", str(file))
    assert result.returncode == 1
    assert result.stderr.splitlines()[1] == "Try: --force to replace it, or another name"
    assert file.read_text() == "mine"
    assert run("export", str(file), "--force").returncode == 0
    duckdb.connect(str(file), read_only=True).close()


def test_an_earlier_export_is_replaced_as_from_cron(run: Run, lake: Settings, tmp_path: Path) -> None:
    file = tmp_path / "facts.duckdb"
    assert run("export", str(file)).returncode == 0
    with open_lake(lake) as con:
        con.execute("delete from lake.marts.fct_orders where order_id = '3'")
    assert json.loads(run("export", str(file), "--json").stdout)["tables"]["marts.fct_orders"] == 4
    with duckdb.connect(str(file), read_only=True) as con:
        assert con.execute("select count(*) from marts.fct_orders").fetchall() == [(4,)]


@pytest.mark.parametrize(
    "arguments",
    [["nowhere/facts.duckdb"], ["facts.duckdb", "--schema", "mart"], ["marts.duckdb"], ["/dev/null", "--force"]],
    ids=" ".join,
)
def test_what_cannot_be_exported_leaves_nothing(run: Run, lake: Settings, tmp_path: Path, arguments: list[str]) -> None:
    assert lake.home.exists()
    before = sorted(tmp_path.iterdir())
    result = run("export", *arguments)
    assert result.returncode == 1
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Error", "Try"]
    assert sorted(tmp_path.iterdir()) == before
