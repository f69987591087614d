"""Places to put backups: a folder, and a real S3 server behind a proxy."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3 import TARGET, Proxy, environ_of, s3_server


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    with s3_server() as port:
        yield port


@pytest.fixture
def s3(s3_port: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """The server as this process finds it, through a proxy that has no faults yet."""
    with Proxy(s3_port, random.Random(seed), 0.0) as proxy:
        for name, value in environ_of(proxy.port).items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture(params=["folder", "s3"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place of its own for this test."""
    if request.param == "folder":
        return str(tmp_path / "target")
    request.getfixturevalue("s3")
    return f"{TARGET}-{request.node.name.partition('[')[0]}"
