"""Writes docs/reference from what it describes: the commands, the settings, the tables. A test keeps it up to date.

python docs/generate.py
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import click
import msgspec.yaml

from warehouse.cli import command
from warehouse.serving.duckdb_export import descriptions
from warehouse.settings import DURATIONS, PREFIX, SIZES, Settings

FOLDER: Final = Path(__file__).parent / "reference"
MODELS: Final = Path(__file__).parent.parent / "dbt_project" / "models"
NOTE: Final = "<!-- Written by docs/generate.py: change what it describes, and run it again. -->\n"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {"cli.md": _commands(), "settings.md": _settings(), "tables.md": _tables()}


def _commands() -> str:
    parts = [NOTE, "# Commands\n", "What each command prints when it is asked for `--help`.\n"]
    for path, verb in _verbs("warehouse", command):
        with click.Context(verb, info_name=path, terminal_width=100, max_content_width=100) as context:
            parts.append(f"## {path}\n\n```text\n{verb.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


def _verbs(path: str, verb: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, verb
    if isinstance(verb, click.Group):
        with click.Context(verb, info_name=path) as context:
            for name in verb.list_commands(context):
                inner = verb.get_command(context, name)
                assert inner is not None, f"{path} lists {name} and does not have it"
                yield from _verbs(f"{path} {name}", inner)


def _settings() -> str:
    lines = [
        NOTE,
        "# Settings\n",
        "Each is an environment variable, or a line in `warehouse.toml` in the working directory (`WAREHOUSE_CONFIG`",
        "names another file) under its name in lower case without the prefix. A command's option wins over the",
        "environment, that over the file. A size has its unit (`B`, `KiB`, `MiB`, `GiB`, `KB`, `MB`, `GB`), so has a",
        "duration (`s`, `m`, `h`, `d`): a number alone is an error. A path is relative to the working directory.\n",
        "| variable | what it is for | default |",
        "|---|---|---|",
    ]
    hints = get_type_hints(Settings, include_extras=True)
    defaults = dict(zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True))
    for field in Settings.__struct_fields__:
        name = f"`{PREFIX}{field.upper()}`"
        lines.append(f"| {name} | {_described(hints[field], field)} | {_shown(field, defaults[field])} |")
    return "\n".join(lines) + "\n"


def _described(hint: Any, field: str) -> str:
    if get_origin(hint) is Annotated:
        for meta in get_args(hint)[1:]:
            if getattr(meta, "description", None):
                return str(meta.description)
    raise SystemExit(f"Error: the setting `{field}` has no description.\nTry: give it one in warehouse/settings.py")


def _shown(field: str, value: object) -> str:
    if value is None or value == ():
        return ""
    if field in SIZES and isinstance(value, int):
        for unit, factor in (("GB", 10**9), ("MiB", 2**20), ("KiB", 2**10)):
            if value % factor == 0:
                return f"`{value // factor}{unit}`"
    if field in DURATIONS and isinstance(value, int):
        for unit, factor in (("d", 86400), ("h", 3600), ("m", 60)):
            if value % factor == 0 and value > factor:
                return f"`{value // factor}{unit}`"
    return f"`{value}`"


def _tables() -> str:
    parts = [
        NOTE,
        "# Tables\n",
        "All times are UTC, all money is in major units with its currency beside it. A row begins with its `tenant`.\n",
    ]
    for schema, heading in (("marts", "marts: the facts"), ("trust", "trust: whether to believe them")):
        parts.append(f"## {heading}\n")
        for model in _models(MODELS / schema):
            described = descriptions()[model["name"]]
            texts = described.columns
            parts.append(f"### {schema}.{model['name']}\n\n{_in_cell(described.text)}\n")
            rows = [
                f"| `{column['name']}` | {column.get('data_type', '')} | {_in_cell(texts[column['name']])} |"
                for column in model["columns"]
            ]
            parts.append("\n".join(["| column | type | what it is |", "|---|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _models(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.glob("*.yml")):
        yield from msgspec.yaml.decode(path.read_bytes()).get("models", [])


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
