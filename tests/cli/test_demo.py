"""`warehouse demo` shows the whole way of an event in a home of its own, and leaves no process behind."""

import json
import re
import shlex
import socket
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.cli.conftest import Run


def test_the_demo(run: Run, home: Path, tmp_path: Path) -> None:
    result = run("demo", "--events", "150", environ={"WAREHOUSE_PORT": "1", "WAREHOUSE_API_KEYS": "somebody-elses"})
    assert (result.returncode, result.stderr) == (0, "")
    assert not home.exists()
    found = re.search(r"^distinct events +(\d+) ", result.stdout, re.MULTILINE)
    assert found
    assert 100 < int(found[1]) < 300
    # The demo's days are the last ones.
    days = re.search(r"^Net sales by day.*\n(?:.*\n)*?(\S+) [^\n]*\n\nPayments", result.stdout, re.MULTILINE)
    assert days
    assert datetime.now(UTC).date() - date.fromisoformat(days[1]) < timedelta(days=7)
    for title in ("Orders by status", "Net sales by day", "Payments", "Units on hand"):
        assert f"\n{title}" in result.stdout
    assert "…" not in result.stdout
    assert re.findall(r" (equal|differ)$", result.stdout, re.MULTILINE) == ["equal"] * 6
    assert max(map(len, result.stdout.partition("Try next")[0].splitlines())) <= 80

    demo_home = tmp_path / "data" / "demo"
    assert "somebody-elses" not in (demo_home / "receiver.log").read_text()
    address = next(line.split()[1] for line in result.stdout.splitlines() if line.startswith("receiver"))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) != 0

    found = json.loads(run("--home", str(demo_home), "status", "--json").stdout)
    assert found["journal"]["unsealed"] == 0
    assert found["marts"]["marts.fct_orders"] > 0
    proposals = [shlex.split(line) for line in result.stdout.splitlines() if " --home data/demo " in line]
    assert len(proposals) == 3
    for proposal in proposals:
        subprocess.run(proposal, cwd=tmp_path, check=True, capture_output=True, timeout=60)


def test_the_demo_takes_no_home_with_something_in_it(run: Run, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    result = run("--home", str(tmp_path), "demo")
    assert result.returncode == 1
    assert "there is something in this folder already" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
