"""The benchmarks run, and what they post is what they say; how quick anything is, no test says."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.figures import Figure, Row, Table
from benchmarks.plan import quick
from benchmarks.report import BEGIN, END, report_of, write_docs
from benchmarks.servers import OURS, sample, serving
from tests.live import ROOT
from warehouse.journal import list_journals, read_journal


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may pass through, as those of pytest are not: PostgreSQL runs as another user than root."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.parametrize(
    ("only", "tables"),
    [pytest.param([], 7, marks=pytest.mark.long), (["--only", "receiver"], 3)],
    ids=["all of it", "the receiver"],
)
def test_it_runs_in_small(open_folder: Path, only: list[str], tables: int) -> None:
    needed = ("taskset", "cc", "initdb" if shutil.which("initdb") else "/usr/lib/postgresql")
    missing = [what for what in needed if not (shutil.which(what) or Path(what).is_dir())]
    if missing:
        pytest.skip(f"not installed here: {', '.join(missing)}; try: apt-get install postgresql gcc util-linux")
    command = [sys.executable, "-m", "benchmarks", "--quick", *only, "--folder", str(open_folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=250)
    assert ran.returncode == 0, ran.stderr
    measured = json.loads((open_folder / "benchmark.json").read_bytes())["tables"]
    assert len(measured) == tables
    assert all(row["figure"]["samples"] for table in measured for row in table["rows"])
    assert all(table["title"][:20] in ran.stdout for table in measured)
    assert (open_folder / "benchmark.svg").read_text().startswith("<?xml")
    # Homes, clusters and event files are gone.
    assert {path.name for path in open_folder.iterdir()} == {"benchmark.json", "benchmark.svg"}


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; try: apt-get install wrk")
def test_wrk_posts_the_sample_each_time_with_a_key_of_its_own(tmp_path: Path) -> None:
    with serving(OURS, quick(tmp_path)) as server:
        answered = server.load(8, 1).load.answered + server.load(2, 1).load.answered
        deliveries = [one for path in list_journals(server.home / "journal") for _, one in read_journal(path)]
    keys = {one.idempotency_key for one in deliveries}
    assert len(keys) == len(deliveries) >= answered > 0
    assert {one.problem for one in deliveries} == {None}
    assert {len(one.body) for one in deliveries} == {len(sample())}


def test_a_row_says_whether_its_median_reached_the_target() -> None:
    figure = Figure((1.0, 3.0, 1.1))
    assert Row("a", figure, "times", 1, "at least", 1.1).cells() == ("a", "1.1 (1.0-3.0) times", "at least 1.1", "yes")
    assert Row("a", figure, "", 2, "at most", 1.0).met is False
    assert Row("a", figure).met is None
    assert Row("a", Figure(()), "", 2, "at least", 1).cells() == ("a", "not measured", "at least 1", "")


def test_the_document_keeps_what_is_around_the_tables(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    table = Table("Speed", (Row("one", Figure((2.0,)), "/s", 0),))
    for _ in range(2):
        write_docs(report_of("a machine", "wrk", 5, [table]), document)
    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\na machine.")
    assert "(images/receiver.svg)" in text
    assert text.endswith(f"| one | 2 (2-2) /s |  |  |\n\n{END}\nafter\n")
    assert text.count("| one |") == 1
    assert "old" not in text
    document.write_text("no marks")
    with pytest.raises(SystemExit):
        write_docs(report_of("a machine", "wrk", 5, [table]), document)
