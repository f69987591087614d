"""`warehouse simulate` gives the same deliveries for the same options, into a file or to a real receiver."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import KEY, free_port, running


def test_one_seed_is_one_file(run: Run, tmp_path: Path) -> None:
    for name, seed, hashes in (("a", "7", "0"), ("b", "7", "1"), ("c", "8", "0")):
        result = run(
            *("simulate", "--events", "200", "--seed", seed, "--bad", "0.05", "--families", "order, payment"),
            *("--out", f"{name}.ndjson", "--truth", f"{name}.json"),
            environ={"PYTHONHASHSEED": hashes},
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert f"of 200 events to {name}.ndjson" in result.stdout
    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert (tmp_path / "a.ndjson").read_bytes() != (tmp_path / "c.ndjson").read_bytes()
    counts = json.loads((tmp_path / "a.json").read_bytes())["counts"]
    assert counts["events"] == 200
    assert counts["deliveries"] == len((tmp_path / "a.ndjson").read_bytes().splitlines())


def test_the_days_before_this_moment_or_another(run: Run, tmp_path: Path) -> None:
    before = datetime.now(UTC)
    assert run("simulate", "--now", "--days", "1", "--out", "now.ndjson").returncode == 0
    end = "2026-03-07T14:30:00Z"
    for name in ("a", "b"):
        assert run("simulate", "--end", end, "--days", "2", "--out", f"{name}.ndjson").returncode == 0
    assert (tmp_path / "a.ndjson").read_bytes() == (tmp_path / "b.ndjson").read_bytes()
    assert max(published(tmp_path / "a.ndjson")) <= datetime.fromisoformat(end)
    assert before - timedelta(hours=3) < max(published(tmp_path / "now.ndjson")) <= datetime.now(UTC)
    for wrong in (("--now", "--end", end), ("--end", "2026-03-07"), ("--end", "2026-03-07T14:30:00")):
        assert run("simulate", "--out", "x.ndjson", *wrong).returncode == 2


def published(file: Path) -> list[datetime]:
    return [datetime.fromisoformat(json.loads(line)["published_at"]) for line in file.read_bytes().splitlines()]


def test_deliveries_reach_a_receiver(run: Run, home: Path) -> None:
    with running(home) as receiver:
        address = f"http://127.0.0.1:{receiver.port}"
        result = run("simulate", "--events", "50", "--to", address, environ={"WAREHOUSE_API_KEYS": KEY})
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"{len(receiver.stored())} deliveries of 50 events")


def test_no_more_is_posted_in_a_second_than_the_rate_allows(run: Run, home: Path) -> None:
    with running(home) as receiver:
        address = f"http://127.0.0.1:{receiver.port}"
        result = run("simulate", "--events", "60", "--duplicates", "0", "--rate", "40", "--to", address, "--key", KEY)
        assert (result.returncode, result.stderr) == (0, "")
        received = sorted(delivery.received_at for delivery in receiver.stored())
    assert len(received) == 60
    # The first may come in a small burst; from there on the 60 take at least so long, in microseconds.
    assert received[-1] - received[0] > 1_000_000


def test_posting_without_a_key_or_with_a_wrong_one(run: Run, home: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    assert "Error: there is no key to post with." in run("simulate", "--to", address).stderr
    with running(home) as receiver:
        address = f"http://127.0.0.1:{receiver.port}"
        result = run("simulate", "--to", address, "--key", "wrong-secret")
    assert result.returncode == 1
    assert "refused with 403" in result.stderr
    assert "wrong-secret" not in result.stderr


def test_what_cannot_be_simulated(run: Run) -> None:
    for usage in (
        [],
        ["--out", "x.ndjson", "--to", "http://127.0.0.1"],
        ["--out", "x.ndjson", "--rate", "5"],
        ["--out", "x.ndjson", "--events", "0"],
        ["--to", "http://127.0.0.1", "--rate", "0"],
    ):
        result = run("simulate", *usage)
        assert result.returncode == 2
        assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Error", "Try"]
    for arguments in (("--families", "weather"), ("--late", "2"), ("--duplicates", "-1")):
        result = run("simulate", "--out", "x.ndjson", *arguments)
        assert result.returncode == 1
        assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Error", "Try"]
