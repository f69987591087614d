"""The words of a diagnosis: what a check found, how bad it is, and what to do."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

import msgspec


class State(StrEnum):
    """How it stands: `warn` works and wants a look, `wrong` does not work or soon will not."""

    OK = "ok"
    WARN = "warn"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """What one check found, and what to do where that is anything."""

    check: str
    state: State
    message: str
    hint: str | None = None


class Diagnosis(msgspec.Struct, frozen=True):
    """All findings and the worst of their states."""

    state: State
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """The one line to read."""
        wrong, warned = ([f.check for f in self.findings if f.state is state] for state in (State.WRONG, State.WARN))
        if wrong:
            return f"Something is wrong: {listed(wrong)}."
        if warned:
            return f"It works; worth a look: {listed(warned)}."
        return "All is well."


def listed(names: Iterable[str]) -> str:
    """Each name once, with commas."""
    return ", ".join(dict.fromkeys(names))


def told(age: timedelta) -> str:
    """A span of time as a person says it."""
    seconds = age.total_seconds()
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
