"""Every `warehouse …` that a page, a message, a hint or a document names is a command that exists and takes what it is
given there."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from tests.docs.pages import ROOT
from warehouse.cli import command

SOURCES = sorted(path for folder in ("receiver", "warehouse") for path in (ROOT / folder).rglob("*.py"))
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
NAMED = re.compile(r"`(warehouse [^`]+)`")


def texts_of(path: Path) -> Iterator[str]:
    """The texts of a module as they are shown; what is put into one stands there as VALUE."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "VALUE" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def problem_of(named: str) -> str | None:
    """Why a command cannot be run as it is named; None when it can."""
    for single in re.split(r"\s(?:&&|\|\|?|>|<)\s", named):
        words = shlex.split(single)
        if words[:1] != ["warehouse"]:
            continue
        try:
            _parse(command, words[1:])
        except click.UsageError as error:
            return error.format_message()
    return None


def _parse(parsed: click.Command, words: list[str]) -> None:
    context = click.Context(parsed, info_name=parsed.name)
    words = [word for word in words if not word.startswith("…") and word != "..."]
    try:
        options, rest, _ = parsed.make_parser(context).parse_args(list(words))
    except click.BadOptionUsage:
        # Documents speak of an option that takes a value without giving one.
        options, rest, _ = parsed.make_parser(context).parse_args([*words, "VALUE"])
    if isinstance(parsed, click.Group):
        # A mention of a group, such as `warehouse log`, is none of a command.
        if rest and rest[0] != "COMMAND":
            found = parsed.get_command(context, rest[0])
            if found is None:
                raise click.UsageError(f"there is no command {rest[0]}")
            _parse(found, rest[1:])
    elif rest:
        raise click.UsageError(f"it does not take {rest}")
    assert isinstance(options, dict)


def test_what_is_named_can_be_run() -> None:
    wrong, count = {}, 0
    for path in (*SOURCES, *DOCUMENTS):
        texts = texts_of(path) if path.suffix == ".py" else [path.read_text(encoding="utf-8")]
        named = {name for text in texts for name in NAMED.findall(text)}
        count += len(named)
        found = {name: problem for name in sorted(named) if (problem := problem_of(name)) is not None}
        if found:
            wrong[str(path.relative_to(ROOT))] = found
    assert not wrong
    assert count > 100


def test_what_cannot_be_run_is_found() -> None:
    assert problem_of("warehouse quarantine show JOURNAL:POSITION") is None
    assert problem_of("warehouse quarantine show JOURNAL POSITION") is not None
    assert problem_of("warehouse lok") is not None
    assert problem_of("warehouse refresh --fully") is not None
    assert problem_of("warehouse quarantine retry --apply && warehouse refresh --fully") is not None
