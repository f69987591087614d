"""`warehouse keys`: make the keys that NewStore shows, and the form of them that may be stored."""

import sys

import click

from warehouse.api_keys import as_hashed, hash_key, is_hashed, new_key


@click.group()
def keys() -> None:
    """Make keys for the receiver, and the form of them that may be stored.

    Put the `sha256:` form into WAREHOUSE_API_KEYS or the keys file, and the key itself into NewStore's stream: what is
    stored here then opens nothing.

    \b
    Example:
      warehouse keys new
    """


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def new(as_json: bool) -> None:
    """Make a key: its first line is for NewStore, its second for the keys file.

    \b
    Example:
      warehouse keys new
    """
    key = new_key()
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"key": key, "stored": hash_key(key)}))
    else:
        click.echo(f"key     {key}\nstored  {hash_key(key)}")


@keys.command(name="hash")
def hash_() -> None:
    """Print the stored form of the key on standard input: an argument would stay in the shell's history.

    \b
    Example:
      warehouse keys hash < key.txt
    """
    key = click.prompt("key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    key = key.strip()
    if not key or is_hashed(key):
        raise click.UsageError("standard input holds no key.")
    click.echo(as_hashed(key))
