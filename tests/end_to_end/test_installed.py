"""The wheel, installed alone in a new environment, works from an empty folder: nothing of the checkout helps it."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.live import EVENT_PATH, KEY, ROOT, free_port

PIN = re.compile(r"^([a-z0-9][\w.\-]*==[^ \\]+(?: ; [^\\]+)?)", re.MULTILINE)
SECONDS = 240


class Installation:
    """An environment that holds the wheel and what it says it needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"

    def environ(self, home: Path) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        return {**kept, "PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(home), "WAREHOUSE_API_KEYS": KEY}

    def run(self, folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.programs / program), *arguments],
            cwd=folder,
            env=self.environ(folder),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def files(self) -> set[Path]:
        found = (path for path in self.folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__")
        return {path.relative_to(self.folder) for path in found}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel of this checkout with exactly the versions of requirements.lock, and no extra."""
    folder = tmp_path_factory.mktemp("installed")
    # As `make wheel` does it.
    compile_project = [sys.executable, "-m", "warehouse.build.compiled_project"]
    subprocess.run(compile_project, cwd=ROOT, check=True, timeout=SECONDS)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder / "dist")]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True, timeout=SECONDS)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    installation = Installation(folder / "environment")
    pins = folder / "constraints.txt"
    pins.write_text("\n".join(PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))))
    python = str(installation.programs / "python")
    install = ["uv", "pip", "install", "--quiet", "--python", python, "--constraints", str(pins), str(wheel)]
    subprocess.run([sys.executable, "-m", *install], capture_output=True, check=True, timeout=SECONDS)
    return installation


def test_it_brings_nothing_that_only_development_needs(installed: Installation, tmp_path: Path) -> None:
    listed = "import importlib.metadata as m, json; print(json.dumps([d.name.lower() for d in m.distributions()]))"
    names = set(json.loads(installed.run(tmp_path, "python", "-c", listed).stdout))
    assert {"newstore-warehouse", "duckdb", "dbt-duckdb"} <= names
    assert not names & {"pytest", "mypy", "pandas", "streamlit", "hatchling", "uv"}


def test_the_demo_and_every_reading_command(installed: Installation, tmp_path: Path) -> None:
    before = installed.files()
    demo = installed.run(tmp_path, "warehouse", "demo", "--events", "600")
    assert demo.returncode == 0, demo.stderr
    home = next(path.parent for path in tmp_path.rglob("build.duckdb"))
    count = "select count(*) as orders from marts.fct_orders"
    answer = installed.run(tmp_path, "warehouse", "--home", str(home), "sql", "--json", count)
    assert json.loads(answer.stdout)[0]["orders"] > 0
    verified = installed.run(tmp_path, "warehouse", "--home", str(home), "log", "verify")
    assert verified.returncode == 0, verified.stderr
    assert installed.files() == before
    assert not (home / "dbt").exists(), "the wheel brings the compiled project, so dbt has nothing to do"


def test_dbt_run_by_itself(installed: Installation, tmp_path: Path) -> None:
    before = installed.files()
    sample = ROOT / "tests" / "data" / "order_created.json"
    assert installed.run(tmp_path, "warehouse", "replay", str(sample)).returncode == 0
    program = "from warehouse.build.compiled_project import project_dir; print(project_dir())"
    where = installed.run(tmp_path, "python", "-c", program)
    project = where.stdout.strip()
    notes = ["--target-path", str(tmp_path / "dbt"), "--log-path", str(tmp_path / "dbt")]
    result = installed.run(tmp_path, "dbt", "run", "--project-dir", project, "--profiles-dir", project, *notes)
    assert result.returncode == 0, result.stdout[-3000:]
    rows = installed.run(tmp_path, "warehouse", "sql", "--json", "select external_id from marts.fct_orders")
    assert json.loads(rows.stdout) == [{"external_id": "NSD000000001"}], rows.stderr
    assert installed.files() == before


def test_up_receives_and_refreshes(installed: Installation, tmp_path: Path) -> None:
    port = free_port()
    command = [str(installed.programs / "warehouse"), "up", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=installed.environ(tmp_path), stderr=subprocess.PIPE, text=True
    ) as up:
        try:
            post_sample(port)
            query = "select count(*) as orders from marts.fct_orders"
            answers: list[subprocess.CompletedProcess[str]] = []
            while not answers or answers[-1].stdout.strip() in ("", "[]"):
                assert up.poll() is None
                assert len(answers) < SECONDS
                answers.append(installed.run(tmp_path, "warehouse", "sql", "--json", query))
            assert json.loads(answers[-1].stdout) == [{"orders": 1}]
            doctor = installed.run(tmp_path, "warehouse", "doctor")
            assert doctor.returncode == 0, doctor.stdout + doctor.stderr
        finally:
            up.send_signal(signal.SIGTERM)
            said = up.communicate(timeout=60)[1]
    assert up.returncode == 0, said


def post_sample(port: int) -> None:
    body = (ROOT / "tests" / "data" / "order_created.json").read_bytes()
    url = f"http://127.0.0.1:{port}{EVENT_PATH}"
    request = urllib.request.Request(url, body, {"Authorization": f"Bearer {KEY}"})
    for attempt in range(600):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            assert attempt < 599
            signal.sigtimedwait([], 0.1)
