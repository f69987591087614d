"""A process under the shim that forks one child for each fault: a child costs milliseconds, an interpreter a second.

Reads one command a line on stdin, `{"act", "home", "trace", "plan", "arguments"}`, and answers each with
`{"status", "said"}`: the exit code or minus the signal, and what the child said before it ended.
"""

import ctypes
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from receiver.intake.group_commit import JOURNAL_ROOM
from warehouse.delivery.envelope import decode
from warehouse.errors import WarehouseError
from warehouse.journal import JournalWriter
from warehouse.log.sealer import seal
from warehouse.settings import Settings

FAILED = 3


def write(settings: Settings, say: int, groups: list[list[str]], rotate: int) -> None:
    """Append group after group as the receiver does it: after one that fails, the next goes to a new journal."""
    writer: JournalWriter | None = None
    for number, group in enumerate(groups):
        try:
            if writer is not None and number % rotate == 0:
                writer.close()
                writer = None
            writer = writer or JournalWriter(settings.journal_dir, JOURNAL_ROOM)
            writer.append([decode(body.encode(), number) for body in group])
        except WarehouseError:
            if writer is not None:
                writer.close()
            writer = None
        else:
            os.write(say, f"{number}\n".encode())
    if writer is not None:
        writer.close()


def act(name: str, settings: Settings, say: int, arguments: dict[str, Any]) -> None:
    if name == "write":
        write(settings, say, **arguments)
    elif name == "seal":
        seal(settings)
    else:
        raise AssertionError(name)


def child(command: dict[str, Any], say: int) -> int:
    settings = Settings.load({}, home=command["home"], journal_keep=0)
    shim = ctypes.CDLL(None)
    shim.fault_arm(*(command[name].encode() for name in ("root", "trace", "plan")))
    try:
        act(command["act"], settings, say, command["arguments"])
    except (WarehouseError, OSError):
        return FAILED
    return 0


def main() -> None:
    """Serve commands until stdin ends."""
    for line in sys.stdin:
        command = json.loads(line)
        listening, saying = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code = child(command, saying)
            except BaseException:  # noqa: BLE001 - a child must never run on into the loop of its parent
                Path(command["trace"] + ".error").write_text(traceback.format_exc())
            os._exit(code)
        os.close(saying)
        with os.fdopen(listening) as pipe:
            said = pipe.read().split()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(json.dumps({"status": status, "said": said}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
