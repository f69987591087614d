"""Every test has homes of its own and sees no setting of the machine it runs on."""

import os
import random
from pathlib import Path

import pytest

from warehouse.settings import PREFIX, Settings


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


@pytest.fixture
def seed() -> int:
    """Chance for a random test. It is printed with a failure, and TEST_SEED repeats it."""
    seed = int(os.environ.get("TEST_SEED", random.randrange(2**32)))
    print(f"TEST_SEED={seed}")  # noqa: T201 - a failure must be repeatable
    return seed
