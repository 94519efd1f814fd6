from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.cli.conftest import Program
from tests.redis.servers import redis_server


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def server(redis_port: int) -> Iterator[redis.Redis]:
    """A server that holds nothing."""
    with redis.Redis(port=redis_port) as client:
        client.flushall()
        yield client


@pytest.fixture
def url(redis_port: int) -> str:
    return f"redis://127.0.0.1:{redis_port}"


@pytest.fixture
def tk(tmp_path: Path) -> Program:
    return Program(tmp_path)
