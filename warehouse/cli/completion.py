"""`warehouse completion`: the script with which a shell completes this command's verbs, options and files."""

from typing import Final

import click

SHELLS: Final = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that lets your SHELL complete `warehouse`.

    \b
    Examples:
      warehouse completion bash > ~/.local/share/bash-completion/completions/warehouse
      warehouse completion fish > ~/.config/fish/completions/warehouse.fish
      source <(warehouse completion zsh)
    """
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    from warehouse.cli import command

    kinds: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
    # Made here and not by `source`: that would run the shell only to ask for its version.
    script = kinds[shell](command, {}, "warehouse", "_WAREHOUSE_COMPLETE")
    click.echo(script.source_template % script.source_vars())
