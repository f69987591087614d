"""Every block of commands, Python and SQL in README and docs runs as it stands, page by page, from top to bottom.

What a block is about stands in an HTML comment in the line above it: `in the background` keeps it running beside the
blocks after it, `covered by FILE` names the test that runs it. A page `on the demo's home` begins with a simulated
retailer, any other with nothing.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, Block, blocks_of, name_of
from tests.live import free_port
from warehouse.journal.replay import replay
from warehouse.pipeline.refresh import refresh
from warehouse.settings import Settings
from warehouse.simulator import simulate, write_ndjson

RUNNABLE = ("sh", "python", "sql")
# A page sees of the checkout what its reader sees.
CHECKOUT = [path.name for path in ROOT.iterdir() if path.name not in {".git", "data", "build"}]
SECONDS = 240


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    settings = Settings.load({}, home=str(folder / "home"))
    write_ndjson(simulate(events=1500, seed=1), folder / "events.ndjson")
    replay(settings, [folder / "events.ndjson"])
    refresh(settings)
    return folder / "home"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in CHECKOUT:
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def is_run(page: Path) -> bool:
    return any(block.language in RUNNABLE and not block.note.startswith("covered by") for block in blocks_of(page))


@pytest.mark.parametrize("page", [page for page in PAGES if is_run(page)], ids=name_of)
def test_the_page_works_as_it_stands(page: Path, checkout: Path, demo_home: Path) -> None:
    if "<!-- on the demo's home -->" in page.read_text(encoding="utf-8"):
        shutil.copytree(demo_home, checkout / "data")
    with Reader(checkout) as reader:
        for block in blocks_of(page):
            if block.language not in RUNNABLE or block.note.startswith("covered by"):
                continue
            reader.follow(block, f"{name_of(page)}, line {block.line}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_that_are_left_out_name_a_test_that_exists(page: Path) -> None:
    for block in blocks_of(page):
        if block.note.startswith("covered by "):
            assert (ROOT / block.note.removeprefix("covered by ")).is_file(), f"{name_of(page)}, line {block.line}"


class Reader:
    """Somebody with a terminal in a checkout: what they export in one block is there in the next."""

    def __init__(self, checkout: Path) -> None:
        self._folder = checkout
        self._port = str(free_port())
        self._background: list[subprocess.Popen[str]] = []
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
        self._environ["PATH"] = f"{checkout / '.venv/bin'}{os.pathsep}{self._environ['PATH']}"
        # The checkout's packages, wherever the environment was installed from.
        self._environ["PYTHONPATH"] = str(ROOT)

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._background:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            assert process.returncode == 0, f"stopped with {process.returncode}"

    def follow(self, block: Block, where: str) -> None:
        text = block.text.replace("8080", self._port)
        if block.note == "in the background":
            self._start(text, where)
        elif block.language == "sh":
            self._run(["bash", "-euo", "pipefail", "-c", f"{text}\nenv -0 > .environ"], where)
            self._remember()
        elif block.language == "python":
            self._run([sys.executable, "-c", text], where)
        else:
            self._run([sys.executable, "-m", "warehouse", "sql", text], where)

    def _run(self, command: list[str], where: str) -> None:
        result = subprocess.run(
            command, check=False, cwd=self._folder, env=self._environ, capture_output=True, text=True, timeout=SECONDS
        )
        assert result.returncode == 0, f"{where}: {result.stdout[-2000:]}\n{result.stderr[-2000:]}"

    def _start(self, text: str, where: str) -> None:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {text.strip()}"],
            cwd=self._folder,
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._background.append(process)
        for _ in self._seconds():
            assert process.poll() is None, f"{where}: {process.communicate()[0]}"
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ready"):
                    return
            except (urllib.error.URLError, ConnectionError):
                continue
        raise TimeoutError(f"{where}: not ready")

    def _remember(self) -> None:
        stored = self._folder / ".environ"
        for entry in stored.read_text().split("\0"):
            name, found, value = entry.partition("=")
            if found and re.fullmatch(r"WAREHOUSE_\w+", name):
                self._environ[name] = value
        stored.unlink()

    @staticmethod
    def _seconds() -> Iterator[float]:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            yield deadline - time.monotonic()
            time.sleep(0.1)
