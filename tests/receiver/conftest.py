"""One receiver for all tests that leave it as they found it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Receiver, running


@pytest.fixture(scope="module", params=[None, 1], ids=["uvicorn", "warehouse serve"])
def receiver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Under plain uvicorn all deliveries go the long way, under `warehouse serve` plain ones the short way."""
    home: Path = tmp_path_factory.mktemp("receiver") / "home"
    environ = {"WAREHOUSE_API_KEYS": "test-key,second-key", "WAREHOUSE_MAX_BODY": "32MiB"}
    with running(home, environ, workers=request.param) as running_receiver:
        yield running_receiver
