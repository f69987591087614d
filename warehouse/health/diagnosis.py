"""What is wrong with a home and what to do about it: looks at everything, repairs nothing.

Each check stands for itself: one that cannot be made says so and the others go on. Nothing in a finding is secret.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Final, cast

from warehouse.errors import WarehouseError
from warehouse.health.finding import Diagnosis, Finding, State
from warehouse.remedies import INSTALL
from warehouse.settings import Settings
from warehouse.system.sources import CHECK_IT, Sources

__all__ = ["Diagnosis", "Finding", "State", "diagnose", "without_settings"]

Check = Callable[[Settings], Iterator[Finding]]

# By what a finding is called: the module of the check and its name there. Each is imported when its turn comes, since a
# package that is missing must not keep the others from being made.
CHECKS: Final[Mapping[str, tuple[str, str]]] = {
    "installation": ("checks_installation", "installation"),
    "settings": ("checks_machine", "settings_source"),
    "keys": ("checks_machine", "keys"),
    "privacy": ("checks_machine", "privacy"),
    "disk": ("checks_machine", "disk"),
    "receiver": ("checks_machine", "receiver"),
    "lake": ("checks_home", "lake"),
    "log": ("checks_home", "log"),
    "build": ("checks_home", "build"),
    "journal": ("checks_home", "journal"),
    "figures": ("checks_home", "figures"),
    "clock": ("checks_home", "clock"),
}


def diagnose(settings: Settings) -> Diagnosis:
    """Look at the installation and at the home of these settings. What is wrong is found, never raised."""
    return _diagnosis(finding for name in CHECKS for finding in made(name, settings))


def without_settings(error: WarehouseError) -> Diagnosis:
    """The diagnosis when not even the settings can be read."""
    wrong = Finding("settings", State.WRONG, error.message, error.hint)
    return _diagnosis([*made("installation", Settings()), wrong])


def _diagnosis(findings: Iterable[Finding]) -> Diagnosis:
    found = tuple(findings)
    return Diagnosis(max((finding.state for finding in found), key=list(State).index), found)


def made(name: str, settings: Settings) -> Iterator[Finding]:
    """What a check finds, and, where it fails, that: the findings it had by then stand."""
    found: list[Finding] = []
    sources = Sources()
    check = sources.read(name, lambda: _check(name), INSTALL)
    if check is not None:
        sources.read(name, lambda: found.extend(check(settings)), CHECK_IT)
    yield from found
    for unread in sources.unread:
        yield Finding(name, State.WRONG, unread.reason, unread.hint)


def _check(name: str) -> Check:
    module, function = CHECKS[name]
    return cast("Check", getattr(import_module(f"warehouse.health.{module}"), function))
