"""Every test has homes of its own and sees no setting of the machine it runs on."""

import os
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
