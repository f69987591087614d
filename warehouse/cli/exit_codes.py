"""How a command ends when it does not end well: two lines on stderr that say what happened and what to do."""

import os
import sys
from collections.abc import Callable
from typing import Final

import click

from warehouse.errors import WarehouseError

FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130


def exit_code_of(action: Callable[[], object]) -> int:
    """Run a command and give the exit code of its process; what went wrong is on stderr by then."""
    try:
        code = action()
        # A pipe that nobody reads shows itself only now.
        sys.stdout.flush()
    except WarehouseError as error:
        return _failed(error.message, error.hint, FAILED)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "warehouse"
        return _failed(error.format_message(), f"`{path} --help`", WRONG_USAGE)
    except click.ClickException as error:
        return _failed(error.format_message(), "`warehouse --help`", FAILED)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except RuntimeError as error:
        # What DuckDB makes of Ctrl-C in the main thread.
        if str(error) != "Query interrupted":
            raise
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more on its way out and would complain about the same pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _failed(
            f"{place}{error.strerror or error}.", "check that path, its permissions and the room on its disk", FAILED
        )
    return code if isinstance(code, int) else 0


def say(message: str, hint: str) -> None:
    """The two lines of what went wrong, on stderr."""
    line = " ".join(message.split())
    error, hint_word = (
        click.style(word, fg=colour, bold=True) for word, colour in (("Error:", "red"), ("Try:", "cyan"))
    )
    click.echo(f"{error} {line}\n{hint_word} {hint}", err=True)


def _failed(message: str, hint: str, code: int) -> int:
    say(message, hint)
    return code
