"""`warehouse sql` gives the values as they are in the lake, in every format, and cannot change them."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.cli.conftest import Run
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings

ROWS = """
create table lake.marts.fct_orders as
select * from (values
    ('o-1', 320.0800::decimal(18, 4), 'EUR', timestamptz '2025-03-01 12:30:00.250000+02', '{"gift": true}'::json),
    ('o-2', 300.0000::decimal(18, 4), null, null, null),
    ('ö,"3', 12345678901234.5678::decimal(18, 4), 'EUR', timestamptz '2025-03-02 00:00:00+00', '[1.50]'::json)
) as orders (order_id, grand_total, currency, placed_at, attributes)
"""


@pytest.fixture
def lake(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A lake with one mart of three orders, open for writing."""
    with open_lake(settings) as con:
        con.execute(ROWS)
        yield con


@pytest.mark.usefixtures("lake")
def test_json_is_one_array_of_exact_values(run: Run) -> None:
    result = run("sql", "--json", "select * from marts.fct_orders order by order_id")
    assert result.returncode == 0, result.stderr
    assert '"grand_total":320.08,' in result.stdout
    assert '"grand_total":300,' in result.stdout
    assert '"grand_total":12345678901234.5678,' in result.stdout
    rows = json.loads(result.stdout)
    assert [row["order_id"] for row in rows] == ["o-1", "o-2", 'ö,"3']
    assert rows[0]["placed_at"] == "2025-03-01T10:30:00.250000Z"
    assert rows[0]["attributes"] == {"gift": True}
    assert rows[1]["currency"] is None
    assert rows[1]["attributes"] is None
    assert result.stderr == ""


@pytest.mark.usefixtures("lake")
def test_json_of_no_rows_is_an_empty_array(run: Run) -> None:
    assert json.loads(run("sql", "--json", "select * from marts.fct_orders where false").stdout) == []


@pytest.mark.usefixtures("lake")
def test_json_of_nested_values_and_of_columns_of_one_name(run: Run) -> None:
    query = "select {'price': 1.500::decimal(9, 3)} as item, [now()] is null as x, 1 as x, '\\xC3\\xA9'::blob as bytes"
    assert json.loads(run("sql", "--format", "json", query).stdout) == [
        {"item": {"price": 1.5}, "x": False, "x_1": 1, "bytes": "w6k="}
    ]


@pytest.mark.usefixtures("lake")
def test_csv_reads_back(run: Run) -> None:
    result = run("sql", "--format", "csv", "select * from marts.fct_orders order by order_id")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["grand_total"] for row in rows] == ["320.08", "300", "12345678901234.5678"]
    assert rows[2]["order_id"] == 'ö,"3'
    assert rows[0]["placed_at"] == "2025-03-01T10:30:00.250000Z"
    assert rows[1]["placed_at"] == ""


@pytest.mark.usefixtures("lake")
def test_csv_holds_no_formula_of_a_customer(run: Run) -> None:
    texts = ["=1+2", "@SUM(A1)", "+SUM(1)", "-cmd", "\t=1", "+49 151-23 (4)", "-3.5", "a=b", "", "'='"]
    values = ", ".join("('" + text.replace("'", "''") + "')" for text in texts)
    result = run("sql", "--format", "csv", f'select x as "=x", -1.5 as number from (values {values}) as t (x)')
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["'=x", "number"]
    assert [row[0] for row in rows[1:6]] == [f"'{text}" for text in texts[:5]]
    assert [row[0] for row in rows[6:]] == texts[5:]
    assert {row[1] for row in rows[1:]} == {"-1.5"}


@pytest.mark.usefixtures("lake")
def test_every_statement_is_answered(run: Run) -> None:
    result = run("sql", "use marts; select 1 as first; select count(*) as second from fct_orders")
    assert (result.returncode, result.stderr) == (0, "")
    assert [line.strip() for line in result.stdout.splitlines() if line.strip(" ─")] == ["first", "1", "second", "3"]
    assert json.loads(run("sql", "--json", "use marts; select count(*) as n from fct_orders").stdout) == [{"n": 3}]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("options", [["--json"], ["--format", "csv"], ["--format", "parquet"], ["--out", "two.txt"]])
def test_one_document_holds_one_result(run: Run, tmp_path: Path, options: list[str]) -> None:
    result = run("sql", *options, "select 1; select 2")
    assert (result.returncode, result.stdout) == (1, "")
    assert "these are 2 queries" in result.stderr
    assert list(tmp_path.glob("two*")) == []


@pytest.mark.usefixtures("lake")
def test_parquet_into_a_file_keeps_the_types(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "orders.parquet"
    result = run("sql", "--format", "parquet", "--out", str(out), "from marts.fct_orders")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    types = dict(duckdb.sql(f"select column_name, column_type from (describe from '{out}')").fetchall())
    assert types["grand_total"] == "DECIMAL(18,4)"
    assert types["placed_at"] == "TIMESTAMP WITH TIME ZONE"


@pytest.mark.usefixtures("lake")
def test_a_table_in_a_pipe_has_every_row_and_no_colour(run: Run) -> None:
    result = run("sql", "select range as number, 'a[b]\x1b[31m' as text from range(1500)")
    lines = result.stdout.splitlines()
    assert len(lines) == 1502
    assert lines[-1].split() == ["1499", "a[b]\\x1b[31m"]
    assert "\x1b" not in result.stdout
    assert result.stderr == ""


@pytest.mark.usefixtures("lake")
def test_a_query_from_stdin(run: Run) -> None:
    assert json.loads(run("sql", "--json", "-", stdin="select 1 as one;\n").stdout) == [{"one": 1}]


def test_an_earlier_moment_of_the_lake(run: Run, lake: duckdb.DuckDBPyConnection) -> None:
    moment = str(lake.execute("select now()::timestamp + interval 1 millisecond").fetchall()[0][0])
    lake.execute("delete from lake.marts.fct_orders where order_id = 'o-2'")
    count = "select count(*) as orders from marts.fct_orders"
    assert json.loads(run("sql", "--json", count).stdout) == [{"orders": 2}]
    assert json.loads(run("sql", "--json", "--at", moment, count).stdout) == [{"orders": 3}]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["select * from marts.fct_order"], "Table with name fct_order does not exist!", 'did you mean "fct_orders"?'),
        (["select grand_totl from marts.fct_orders"], 'Referenced column "grand_totl" not found', '"grand_total"'),
        (["select * from zzz"], "Table with name zzz does not exist!", 'show tables from marts"'),
        (["select 1 +"], "syntax error at end of input", "correct the query"),
        (["delete from marts.fct_orders"], "would write", "--out FILE"),
        (["--at", "soon", "select 1"], "--at 'soon' is not a timestamp", "UTC"),
        (["--at", "2020-01-01", "select 1"], "as it was at 2020-01-01 is not kept", "first moment"),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_two_lines(run: Run, arguments: list[str], error: str, hint: str) -> None:
    result = run("sql", *arguments)
    first, second = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (1, "")
    assert first.startswith("Error: ")
    assert error in first
    assert second.startswith("Try: ")
    assert hint in second


@pytest.mark.usefixtures("lake")
def test_a_failed_query_leaves_the_file_as_it_was(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    out.write_text("before")
    query = "select case when range < 50000 then 1 else error('late') end as x from range(60000)"
    assert run("sql", "--format", "csv", "--out", str(out), query).returncode == 1
    assert out.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.usefixtures("lake")
def test_nobody_reading_the_pipe_is_no_complaint(home: Path) -> None:
    command = f"{sys.executable} -m warehouse --home {home} sql --format csv 'from range(300000)' | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (result.stdout, result.stderr) == ("range\n", "")


@pytest.mark.usefixtures("lake")
def test_a_query_imports_no_dbt(home: Path) -> None:
    program = f"""
import sys
from warehouse.cli import main
sys.argv = ["warehouse", "--home", {str(home)!r}, "sql", "--json", "select 1 as one"]
try:
    main()
finally:
    heavy = [name for name in ("dbt", "pyarrow", "uvicorn", "rich.progress") if name in sys.modules]
    print(heavy, file=sys.stderr)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(result.stdout) == [{"one": 1}]
    assert result.stderr == "[]\n"


def test_a_home_without_a_lake_says_what_to_do(run: Run, home: Path) -> None:
    result = run("sql", "select 1")
    first, second = result.stderr.splitlines()
    assert result.returncode == 1
    assert first == f"Error: {home}: there is no lake here yet."
    assert "warehouse refresh" in second
    assert not home.exists()


def test_a_lake_of_another_version_is_left_alone(run: Run, settings: Settings) -> None:
    with open_lake(settings) as con:
        con.execute("update lake.log.format set version = 999")
    result = run("sql", "select 1")
    assert result.returncode == 1
    assert "another version of newstore-warehouse" in result.stderr
    assert result.stderr.splitlines()[1].startswith("Try: install the version that made it")
