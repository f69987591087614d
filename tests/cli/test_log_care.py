"""`warehouse log verify`, `recover` and `export` as an operator meets them: what they print, and their exit codes."""

import json
import re
import shlex
import shutil
from pathlib import Path

from tests.cli.conftest import Run
from tests.live import ROOT, envelope
from warehouse.delivery.envelope import decode
from warehouse.journal import JournalWriter
from warehouse.lake.connection import catalog_path, log_folder
from warehouse.log.sealer import seal
from warehouse.settings import Settings


def fill(settings: Settings) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        journal.append([decode(body, 1) for body in (envelope(1), envelope(2), b"")])
    seal(settings)


def test_a_sound_log_is_verified_with_0_and_a_damaged_one_with_1(run: Run, settings: Settings) -> None:
    fill(settings)
    good = run("log", "verify")
    assert (good.returncode, good.stderr) == (0, "")
    assert "1 files with 3 deliveries" in good.stdout
    assert "0 findings" in good.stdout
    (path,) = log_folder(settings).glob("*.parquet")
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    bad = run("log", "verify", "--json")
    assert bad.returncode == 1
    assert "warehouse log recover" in bad.stderr
    (finding,) = json.loads(bad.stdout)["findings"]
    assert finding["path"] == str(path)
    assert "row group 0, column batch" in finding["place"]
    assert f"{path}: row group 0" in run("log", "verify").stdout


def test_a_lost_catalog_comes_back_only_with_yes(run: Run, settings: Settings) -> None:
    fill(settings)
    catalog_path(settings).unlink()
    count = ("sql", "select count(*) from log.events", "--format", "csv")
    lost = run(*count)
    assert lost.returncode == 1
    assert "warehouse log recover" in lost.stderr
    shown = run("log", "recover")
    assert shown.returncode == 1
    assert "3 deliveries" in shown.stdout
    assert "Nothing was changed" in shown.stderr
    assert "`warehouse log recover --yes` does it" in shown.stderr
    assert run("log", "recover", "--json").returncode == 1
    assert not catalog_path(settings).exists()
    done = run("log", "recover", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["deliveries"]) == (0, 3)
    assert run(*count).stdout.split()[-1] == "3"
    assert run("log", "verify").returncode == 0
    sound = run("log", "recover")
    assert (sound.returncode, sound.stderr) == (0, "")
    assert "nothing has to be" in sound.stdout
    assert list(settings.home.glob("recovery-*")) == []
    shutil.rmtree(settings.home)
    nothing = run("log", "recover")
    assert (nothing.returncode, "nothing to recover" in nothing.stderr) == (1, True)


def test_an_export_is_replayed_into_another_home(run: Run, settings: Settings, tmp_path: Path) -> None:
    fill(settings)
    exported = run("log", "export", "all.ndjson.gz")
    assert exported.returncode == 0
    assert "2 deliveries are in all.ndjson.gz" in exported.stdout
    assert "1 are left out" in exported.stderr
    other = {"WAREHOUSE_HOME": str(tmp_path / "other")}
    assert "2 deliveries of 1 files" in run("replay", "all.ndjson.gz", environ=other).stdout
    wrong = run("log", "export", "part.ndjson", "--since", "soon")
    assert (wrong.returncode, wrong.stderr.count("Error:"), wrong.stderr.count("Try:")) == (1, 1, 1)


def test_every_command_that_the_guides_name_for_the_log_runs_and_does_what_it_is_named_for(
    run: Run, settings: Settings
) -> None:
    guides = "".join((ROOT / page).read_text() for page in ("README.md", "docs/reliability.md", "docs/running.md"))
    named = set(re.findall(r"`warehouse (log [a-z]+[^`]*)`", guides))
    assert {"log verify", "log recover --yes"} <= named
    for command in sorted(named):
        fill(settings)
        arguments = [word.replace("FILE", "all.ndjson") for word in shlex.split(command)]
        assert run(*arguments).returncode == 0, command
    catalog_path(settings).unlink()
    assert run("log", "verify").returncode == 1
    assert run("log", "recover", "--yes").returncode == 0
    assert run("log", "verify").returncode == 0
