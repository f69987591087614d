"""A server that was started with keys themselves in its environment begins anew with their digests.

What a process was started with stays to be read by its user (`/proc/PID/environ`) for as long as it lives, whatever it
does to its variables; so there has to be another start.
"""

import os
import sys

from warehouse.api_keys import as_hashed
from warehouse.settings import KEYS, PREFIX, split_keys


def forget_keys() -> None:
    """Return only in a process whose environment holds no key, but digests at most. Raises SettingsError."""
    stored = {}
    for field in KEYS:
        name = f"{PREFIX}{field.upper()}"
        if name in os.environ:
            stored[name] = ",".join(map(as_hashed, split_keys(os.environ[name])))
    if any(os.environ[name] != value for name, value in stored.items()):
        # The same process by number, files, blocked signals and command line.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **stored})  # noqa: S606 - itself
