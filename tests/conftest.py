"""Every test has homes of its own and sees no setting of the machine it runs on."""

import os
import random
import signal
from pathlib import Path

import pytest

from warehouse.settings import PREFIX, Settings

# The files that take longest, so that none of them is what one worker still does when the others are done.
LONG = (
    "tests/dbt_project/test_build.py",
    "tests/end_to_end/test_installed.py",
    "tests/warehouse/pipeline/test_killed_refresh.py",
    "tests/receiver/test_abuse_slow.py",
    "tests/docs/test_commands.py",
    "tests/benchmarks/test_refresh.py",
    "tests/notebooks/test_notebooks.py",
    "tests/properties/test_order_independence.py",
    "tests/end_to_end/test_ledger.py",
    "tests/benchmarks/test_benchmarks.py",
    "tests/faults/test_kill.py",
    "tests/warehouse/pipeline/test_refresh.py",
    "tests/faults/test_system_calls.py",
    "tests/end_to_end/test_up.py",
    "tests/end_to_end/test_hangup.py",
    "tests/end_to_end/test_installation.py",
    "tests/docs/test_changing.py",
    "tests/end_to_end/test_no_secrets.py",
    "tests/end_to_end/test_spine.py",
    "tests/end_to_end/test_freshness.py",
    "tests/receiver/http/test_framing.py",
    "tests/receiver/http/test_strangers.py",
    "tests/dbt_project/test_arrival.py",
    "tests/dbt_project/test_winners.py",
    "tests/dashboard/test_dashboard.py",
    "tests/warehouse/lake/test_long_readers.py",
    "tests/warehouse/lake/test_ids.py",
)


# A shell starts what runs in its background with Ctrl-C ignored, and commands that tests interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# As `nohup` does with the signal of a terminal that goes.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take long come first; tests marked `long` are left to `make test-long`."""
    if not os.environ.get("TESTS_LONG"):
        left = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left)
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(variable)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of its own for a home; nothing is in it yet."""
    return tmp_path / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings of that home with one key, a free port and little memory."""
    return Settings(home=home, api_keys=("test-key",), port=0, memory=10**9)


@pytest.fixture(scope="session")
def chance_seed() -> int:
    """The number behind `seed`, for what several tests have in common."""
    return int(os.environ.get("TEST_SEED", random.randrange(2**32)))


@pytest.fixture
def seed(chance_seed: int) -> int:
    """Chance for a random test. It is printed with a failure, and TEST_SEED repeats it."""
    print(f"TEST_SEED={chance_seed}")  # noqa: T201 - a failure must be repeatable
    return chance_seed
