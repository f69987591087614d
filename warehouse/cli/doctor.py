"""`warehouse doctor`: what is wrong and what to do about it, with one line of verdict at the end."""

from typing import TYPE_CHECKING, Final

import click

from warehouse.cli.options import home_option, load_settings
from warehouse.cli.progress import progress
from warehouse.cli.style import console, printable, say_json
from warehouse.errors import SettingsError

if TYPE_CHECKING:
    from warehouse.health.diagnosis import Diagnosis

STYLES: Final = {"ok": "green", "warn": "yellow", "wrong": "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@home_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> int:
    """Check installation, settings, keys, disk, lake, journals, last refresh and clock; change nothing.

    Each line is ok, warn (it works and wants a look) or wrong (it does not, or soon will not), with what to do. The
    exit code is 1 when anything is wrong.

    \b
    Examples:
      warehouse doctor
      warehouse doctor --json
    """
    diagnosis = _diagnose(context)
    if as_json:
        said = {"state": diagnosis.state, "verdict": diagnosis.verdict, "findings": diagnosis.findings}
        say_json(said)
    else:
        _show(diagnosis)
    return 1 if diagnosis.state == "wrong" else 0


def _diagnose(context: click.Context) -> "Diagnosis":
    from warehouse.health.diagnosis import diagnose, without_settings

    with progress("looking"):
        try:
            settings = load_settings(context)
        except SettingsError as error:
            return without_settings(error)
        return diagnose(settings)


def _show(diagnosis: "Diagnosis") -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", "", show_header=False, box=None, pad_edge=False)
    for finding in diagnosis.findings:
        text = Text(printable(finding.message))
        if finding.hint is not None:
            text.append(f"\nTry: {printable(finding.hint)}", "dim")
        table.add_row(Text(finding.state, STYLES[finding.state]), finding.check, text)
    console().print(table, "", Text(diagnosis.verdict, STYLES[diagnosis.state]), sep="\n")
