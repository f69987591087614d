"""The system's Chromium, for tests that need a real browser; installed from the system's packages where it may be."""

import os
import shutil
import subprocess
from functools import cache

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser's program; a test on a machine that has none and may not install one is skipped, but never in CI."""
    found = _found() or _installed()
    if found is None:
        reason = "there is no Chromium here, and it cannot be installed: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@cache
def _installed() -> str | None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    for command in (["apt-get", "update"], ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]):
        environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        if subprocess.run(command, env=environ, capture_output=True, timeout=280, check=False).returncode:
            return None
    return _found()
