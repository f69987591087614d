"""Which home a verb works on: `--home`, before or after the verb, else what the settings say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from warehouse.settings import Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def home_option(function: Decorated) -> Decorated:
    """Give a command the option `--home`; `load_settings` finds its value."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        expose_value=False,
        callback=_remember,
        help="Folder of the journal and the lake.  [default: $WAREHOUSE_HOME, else ./data]",
    )(function)


def load_settings(context: click.Context, **overrides: Any) -> Settings:
    """The settings with what the command line says on top. Raises SettingsError."""
    home: Path | None = context.find_root().obj
    return Settings.load(home=None if home is None else str(home), **overrides)


def _remember(context: click.Context, option: click.Parameter, value: Path | None) -> None:
    del option
    if value is not None:
        context.find_root().obj = value
