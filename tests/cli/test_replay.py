"""`warehouse replay` says what it appended, and refuses what is not one envelope a line before it appends any."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import envelope


def test_a_file_is_appended(run: Run, tmp_path: Path) -> None:
    (tmp_path / "week.ndjson").write_bytes(envelope(1) + b"\n" + envelope(2) + b"\n{}\n")
    result = run("replay", "week.ndjson")
    assert (result.returncode, result.stderr) == (0, "")
    assert "3 deliveries of 1 files" in result.stdout
    assert "1 of them not_an_envelope" in result.stdout
    assert json.loads(run("status", "--json").stdout)["journal"]["unsealed"] == 3
    assert json.loads(run("replay", "--json", "week.ndjson").stdout) == {
        "files": 1,
        "deliveries": 3,
        "problems": {"not_an_envelope": 1},
    }


def test_a_file_that_is_something_else(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "good.ndjson").write_bytes(envelope(1))
    (tmp_path / "letter.txt").write_text("Dear warehouse,\n")
    for name in ("letter.txt", "missing.ndjson"):
        result = run("replay", "good.ndjson", name)
        first, second = result.stderr.splitlines()
        assert (result.returncode, result.stdout) == (1, "")
        assert first.startswith(f"Error: {name}: ")
        assert second.startswith("Try: ")
        assert not home.exists()
