"""Tells a SIGHUP that somebody sent, to have the keys read again, from the one of a terminal that was closed."""

import os
import signal
from typing import Final

CONTROLLING: Final = "/dev/tty"


class Terminal:
    """The terminal this process was started in, if it was started in one and not with `nohup`."""

    def __init__(self) -> None:
        self._matters = signal.getsignal(signal.SIGHUP) != signal.SIG_IGN and _is_there()

    def is_gone(self) -> bool:
        """Whether that terminal has been closed since: whoever started this process expects it to end then."""
        return self._matters and not _is_there()


def _is_there() -> bool:
    try:
        descriptor = os.open(CONTROLLING, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        # It is no longer the terminal of this session, or there never was one.
        return False
    os.close(descriptor)
    return True
