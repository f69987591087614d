"""Every command that a page, a message, a hint or a help text names exists and takes the words it is named with."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from tests.docs.pages import ROOT
from warehouse.cli import VERBS, command

SOURCES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile", "pyproject.toml")
FOLDERS = ("docs", "receiver", "warehouse", "dbt_project", "benchmarks", "notebooks")
ENDINGS = {".py", ".md", ".sql", ".yml", ".html", ".css", ".ipynb"}
NAMED = re.compile(r"`+(?P<program>warehouse|make) (?P<words>[^`]+)`")
EXAMPLE = re.compile(r"^\s+warehouse (?P<words>.+?)$", re.MULTILINE)
# Stands for any verb.
ANY = {"COMMAND"}
REDIRECTIONS = re.compile(r"\s*(?:[<>|]|&&).*")


def files() -> Iterator[Path]:
    yield from (ROOT / name for name in SOURCES)
    for folder in FOLDERS:
        yield from sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in ENDINGS and is_ours(path))


def is_ours(path: Path) -> bool:
    return not {"target", "logs", "data"} & set(path.relative_to(ROOT).parts)


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a file and their lines; of a module as they are shown, with VALUE for what is put into one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield 1, text.replace('\\"', '"')
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "VALUE" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


@cache
def named() -> dict[tuple[str, str], list[str]]:
    """Each program with its words, and where it is named."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in files():
        for line, text in texts_of(path):
            for match in NAMED.finditer(text):
                place = f"{path.relative_to(ROOT)}:{line + text.count(chr(10), 0, match.start())}"
                found.setdefault((match["program"], match["words"]), []).append(place)
    return found


def wrong_with(words: list[str]) -> str | None:
    """What `warehouse` would say of these words; None when it would run."""
    found: click.Command = command
    context = click.Context(command, info_name="warehouse")
    words = [word for word in words if word not in ANY]
    options, words = leading_options(words)
    if isinstance(problem := parsed(found, context, options), str):
        return problem
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        inner = found.get_command(context, words[0])
        if inner is None:
            return f"there is no `{words[0]}`"
        found, context, words = inner, click.Context(inner, parent=context, info_name=words[0]), words[1:]
    rest = parsed(found, context, words)
    if isinstance(rest, str):
        return rest
    most = sum(10**6 if argument.nargs < 0 else argument.nargs for argument in arguments_of(found))
    return f"it takes {most} words, not {' '.join(rest)}" if len(rest) > most else None


def leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """Options of `warehouse` itself, such as --home PATH, apart from the verb and what follows."""
    if words and not words[0].startswith("-"):
        return [], words
    verb = next((number for number, word in enumerate(words) if word in VERBS), len(words))
    return words[:verb], words[verb:]


def arguments_of(found: click.Command) -> list[click.Argument]:
    return [parameter for parameter in found.params if isinstance(parameter, click.Argument)]


def parsed(found: click.Command, context: click.Context, words: list[str]) -> list[str] | str:
    """The words that are no options, or what is wrong with the options. One named without its value may stand last."""
    problem = ""
    for attempt in (words, [*words, "VALUE"]):
        try:
            given, rest, _ = found.make_parser(context).parse_args(list(attempt))
        except click.UsageError as error:
            problem = error.format_message()
            continue
        values = [given.get(argument.name or "") for argument in arguments_of(found)]
        return [*(str(value) for value in values if value is not None), *rest]
    return problem


@pytest.mark.parametrize("words", sorted(words for program, words in named() if program == "warehouse"))
def test_it_runs_as_it_is_named(words: str) -> None:
    problem = wrong_with(shlex.split(words, comments=False))
    assert problem is None, f"`warehouse {words}`: {problem}; named in {', '.join(named()['warehouse', words])}"


@pytest.mark.parametrize("words", sorted(words for program, words in named() if program == "make"))
def test_its_target_exists(words: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [word for word in shlex.split(words) if "=" not in word]
    for target in targets:
        assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), named()["make", words]


def every_command(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield f"{path}{name}", found
        if isinstance(found, click.Group):
            yield from every_command(found, f"{path}{name} ")


@pytest.mark.parametrize(("name", "found"), list(every_command(command)), ids=str)
def test_the_examples_of_its_help(name: str, found: click.Command) -> None:
    for match in EXAMPLE.finditer(found.help or ""):
        words = shlex.split(REDIRECTIONS.sub("", match["words"]))
        assert wrong_with(words) is None, f"warehouse {name} --help: {match[0].strip()}"


@pytest.mark.parametrize(
    "words", ["stream status", "quarantine show JOURNAL POSITION", "sql --nothing x", "refresh now", "--nothing sql x"]
)
def test_what_does_not_exist_is_found(words: str) -> None:
    assert wrong_with(words.split()) is not None
