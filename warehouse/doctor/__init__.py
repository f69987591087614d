"""What is wrong with a home and what to do about it: looks at everything, repairs nothing.

Each check stands for itself: one that cannot be made says so and the others go on. Nothing in a finding is secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import duckdb

from warehouse.doctor import home, machine
from warehouse.doctor.finding import Diagnosis, Finding, State
from warehouse.errors import WarehouseError
from warehouse.settings import Settings

__all__ = ["Diagnosis", "Finding", "State", "diagnose", "without_settings"]

Check = Callable[[Settings], Iterator[Finding]]

CHECKS: Final[Mapping[str, Check]] = {
    "installation": machine.installation,
    "settings": machine.settings_source,
    "keys": machine.keys,
    "privacy": machine.privacy,
    "disk": machine.disk,
    "receiver": machine.receiver,
    "lake": home.lake,
    "journal": home.journal,
    "clock": home.clock,
}


def diagnose(settings: Settings) -> Diagnosis:
    """Look at the installation and at the home of these settings. What is wrong is found, never raised."""
    return _diagnosis(finding for name, check in CHECKS.items() for finding in _made(name, check, settings))


def without_settings(error: WarehouseError) -> Diagnosis:
    """The diagnosis when not even the settings can be read."""
    wrong = Finding("settings", State.WRONG, error.message, error.hint)
    return _diagnosis([*_made("installation", machine.installation, Settings()), wrong])


def _diagnosis(findings: Iterable[Finding]) -> Diagnosis:
    found = tuple(findings)
    return Diagnosis(max((finding.state for finding in found), key=list(State).index), found)


def _made(name: str, check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except WarehouseError as error:
        yield Finding(name, State.WRONG, error.message, error.hint)
    except duckdb.Error as error:
        reason = " ".join(str(error).split())
        yield Finding(name, State.WRONG, reason, "see what is said of the lake; `warehouse status` meets the same")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        yield Finding(name, State.WRONG, f"{place}{error.strerror or error}.", "check that path and its permissions")
