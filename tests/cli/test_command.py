"""Every verb explains itself, and what goes wrong is said in two lines with the exit code that belongs to it."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from warehouse.cli import VERBS


def two_lines(result: subprocess.CompletedProcess[str], code: int) -> tuple[str, str]:
    """The texts after `Error:` and `Try:`, which are all there is on stderr."""
    assert result.returncode == code, result.stderr
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert second.startswith("Try: ")
    return first.removeprefix("Error: "), second.removeprefix("Try: ")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(run: Run, verb: str) -> None:
    result = run(verb, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"Usage: warehouse {verb}" in result.stdout
    assert "Example" in result.stdout
    assert f"  warehouse {verb}" in result.stdout or f" warehouse {verb} " in result.stdout
    assert ("--home" in result.stdout) == (verb not in ("simulate", "keys"))


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_the_command_alone_lists_its_verbs(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.returncode, result.stderr) == (0, "")
    for verb in VERBS:
        assert f"\n  {verb} " in result.stdout


def test_the_version(run: Run) -> None:
    assert run("--version").stdout.startswith("newstore-warehouse ")


@pytest.mark.parametrize(
    ("arguments", "help_of"),
    [
        (["reload"], "warehouse"),
        (["--house", "x", "status"], "warehouse"),
        (["sql"], "warehouse sql"),
        (["sql", " ; "], "warehouse sql"),
        (["sql", "--format", "xml", "select 1"], "warehouse sql"),
        (["sql", "--json", "--format", "csv", "select 1"], "warehouse sql"),
        (["replay"], "warehouse replay"),
        (["refresh", "now"], "warehouse refresh"),
        (["serve", "--port", "99999"], "warehouse serve"),
        (["demo", "--events", "none"], "warehouse demo"),
        (["simulate", "--events", "5"], "warehouse simulate"),
        (["simulate", "--out", "x", "--to", "http://127.0.0.1"], "warehouse simulate"),
    ],
)
def test_wrong_usage(run: Run, arguments: list[str], help_of: str) -> None:
    _, hint = two_lines(run(*arguments), 2)
    assert hint == f"`{help_of} --help`"


def test_a_home_that_is_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    message, _ = two_lines(run("--home", str(file), "status"), 2)
    assert str(file) in message


def test_a_home_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message, _ = two_lines(run("--home", str(tmp_path / "file" / "home"), "refresh"), 1)
    assert str(tmp_path / "file") in message


def test_the_home_may_be_named_before_or_after_the_verb(run: Run, tmp_path: Path) -> None:
    for arguments in (["--home", "x", "status"], ["status", "--home", "x"], ["--home", "y", "status", "--home", "x"]):
        assert run(*arguments).stdout.splitlines()[0].split() == ["home", str(tmp_path / "x")]


def test_a_setting_that_is_wrong_is_named(run: Run) -> None:
    message, _ = two_lines(run("status", environ={"WAREHOUSE_WORKERS": "many"}), 1)
    assert "WAREHOUSE_WORKERS" in message


def test_serving_without_a_key(run: Run, home: Path) -> None:
    message, _ = two_lines(run("serve", "--port", "0"), 1)
    assert "WAREHOUSE_API_KEYS" in message
    assert not home.exists()


def test_serving_on_a_port_that_is_taken(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message, hint = two_lines(run("serve", "--port", str(port), environ={"WAREHOUSE_API_KEYS": "secret"}), 1)
    assert str(port) in message
    assert "--port" in hint


def test_an_interrupted_command_ends_without_a_word(home: Path) -> None:
    query = "select count(*) from range(100000000000) a where hash(range) = 0"
    program = (
        "import sys; from warehouse.lake import open_lake; from warehouse.settings import Settings\n"
        f"open_lake(Settings.load({{}}, home={str(home)!r})).close()\n"
        f"sys.argv = ['warehouse', '--home', {str(home)!r}, 'sql', {query!r}]\n"
        "from warehouse.cli import main; print('ready', flush=True); main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr.strip() == ""
