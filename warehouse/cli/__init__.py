"""The command `warehouse`: a verb a module, imported only when it is the one that runs.

Data goes to stdout, everything else to stderr. A failure is two lines there, `Error:` then `Try:`; the exit code is 1
for a failure, 2 for wrong usage, 130 after Ctrl-C.
"""

import importlib
import sys
from typing import Final, NoReturn, cast

import click

from warehouse.cli.exit_codes import exit_code_of
from warehouse.cli.options import home_option
from warehouse.system.disk import keep_private

VERBS: Final = (
    "serve",
    "refresh",
    "up",
    "sql",
    "shell",
    "status",
    "doctor",
    "quarantine",
    "export",
    "dashboard",
    "replay",
    "reference",
    "log",
    "keys",
    "simulate",
    "demo",
    "benchmark",
    "completion",
)


class LazyGroup(click.Group):
    """A group whose verb `v` is the command `v` of the module `warehouse.cli.v`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, those of every day first."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb; None when there is no such verb."""
        del ctx
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"warehouse.cli.{cmd_name}")
        return cast("click.Command", getattr(module, cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with the first sentence of each, whole and not cut short."""
        verbs = [(verb, self.get_command(ctx, verb)) for verb in VERBS]
        with formatter.section("Commands"):
            formatter.write_dl([(verb, found.get_short_help_str(200)) for verb, found in verbs if found is not None])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@home_option
@click.version_option(package_name="newstore-warehouse", message="%(package)s %(version)s")
@click.pass_context
def command(context: click.Context) -> None:
    """An event-sourced warehouse for retailers on NewStore.

    \b
    Examples:
      warehouse demo
      warehouse --home /srv/newstore serve
      warehouse sql "select status, count(*) from marts.fct_orders group by all"
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line of this process and exit with its code. What it writes is for this user alone."""
    keep_private()
    sys.exit(exit_code_of(lambda: command.main(prog_name="warehouse", standalone_mode=False)))
