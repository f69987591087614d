"""Every verb explains itself, and what goes wrong is said in two lines with the exit code that belongs to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from warehouse.cli import VERBS, command
from warehouse.lake.connection import open_lake
from warehouse.settings import Settings


def two_lines(result: subprocess.CompletedProcess[str], code: int) -> tuple[str, str]:
    """The texts after `Error:` and `Try:`, which are all there is on stderr."""
    assert result.returncode == code, result.stderr
    first, second = result.stderr.splitlines()
    assert first.startswith("Error: ")
    assert second.startswith("Try: ")
    return first.removeprefix("Error: "), second.removeprefix("Try: ")


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands with their words, those of groups after their group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from every_command(found, (*path, name))


COMMANDS = dict(every_command(command))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    found = COMMANDS[words]
    spoken = " ".join(("warehouse", *words))
    context = click.Context(command, info_name="warehouse")
    for number, word in enumerate(words, 1):
        context = click.Context(COMMANDS[words[:number]], info_name=word, parent=context)
    shown = found.get_help(context)
    assert f"Usage: {spoken}" in shown
    _, _, examples = shown.partition("Example")
    assert any(f"{spoken} " in f"{line.strip()} " for line in examples.splitlines()), shown
    assert all(option.help for option in found.params if isinstance(option, click.Option)), "an option without a word"


def test_help_is_shown_without_colour_and_on_stdout(run: Run) -> None:
    result = run("quarantine", "list", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: warehouse quarantine list [OPTIONS]")
    assert "\x1b" not in result.stdout


# What only says what it did on a terminal, or talks to a person, has nothing to give to a program.
NOT_FOR_PROGRAMS = {
    "serve", "up", "demo", "simulate", "shell", "completion", "dashboard", "hash", "template",
}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_what_gives_data_gives_it_as_json_too(words: tuple[str, ...]) -> None:
    options = {name for option in COMMANDS[words].params for name in option.opts}
    assert "--json" in options or isinstance(COMMANDS[words], click.Group) or words[-1] in NOT_FOR_PROGRAMS, words


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["doctor"],
        ["sql", "select 1 as one"],
        ["quarantine", "list"],
        ["quarantine", "retry"],
        ["export", "facts.duckdb", "--schema", "log"],
    ],
    ids=" ".join,
)
def test_json_is_one_document_and_nothing_else(run: Run, settings: Settings, arguments: list[str]) -> None:
    open_lake(settings).close()
    result = run(*arguments, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    json.loads(result.stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell(run: Run, shell: str) -> None:
    result = run("completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"_WAREHOUSE_COMPLETE={shell}_complete" in result.stdout


def test_bash_completes_with_it(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "completion.sh"
    script.write_text(run("completion", "bash").stdout)
    ask = (
        f"source {script}; COMP_WORDS=(warehouse quar); COMP_CWORD=1; _warehouse_completion warehouse; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    program = tmp_path / "warehouse"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "from warehouse.cli import main; main()" "$@"\n')
    program.chmod(0o755)
    result = subprocess.run(
        ["bash", "-c", ask],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout.split() == ["quarantine"], result.stderr


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
        (["export"], "warehouse export"),
        (["completion", "csh"], "warehouse completion"),
        (["quarantine", "show"], "warehouse quarantine show"),
        (["quarantine", "list", "--limit", "0"], "warehouse quarantine list"),
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
        message, hint = two_lines(run("serve", "--port", str(port), environ={"WAREHOUSE_API_KEYS": "a-secret-key"}), 1)
    assert str(port) in message
    assert "--port" in hint


@pytest.mark.parametrize("seconds", [0.1, 2.0], ids=["while it opens the lake", "in the query"])
def test_an_interrupted_command_ends_without_a_word(home: Path, seconds: float) -> None:
    query = "select count(*) from range(100000000000) a where hash(range) = 0"
    program = (
        "import sys, warehouse.cli.query_errors, warehouse.cli.row_formats\n"
        "import warehouse.cli.sql, warehouse.lake.time_travel\n"
        "from warehouse.lake.connection import open_lake; from warehouse.settings import Settings\n"
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
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert stderr.strip() == ""
