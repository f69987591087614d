"""One receiver for all tests that leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Receiver, running


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    home: Path = tmp_path_factory.mktemp("receiver") / "home"
    with running(
        home, {"WAREHOUSE_API_KEYS": "test-key,second-key", "WAREHOUSE_MAX_BODY": "32MiB"}
    ) as running_receiver:
        yield running_receiver
