from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from tests.cli.conftest import Program
from tests.servers.redis import RedisServer


@pytest.fixture(scope="session")
def emptied() -> Iterator[RedisServer]:
    """A server that no other test uses, for each test here empties it."""
    with RedisServer("redis7") as server:
        yield server


@pytest.fixture
def server(emptied: RedisServer) -> Iterator[redis.Redis]:
    """A client of a server that holds nothing."""
    with redis.Redis(port=emptied.port) as client:
        client.flushall()
        yield client


@pytest.fixture
def url(emptied: RedisServer) -> str:
    return emptied.url


@pytest.fixture
def tk(tmp_path: Path) -> Program:
    return Program(tmp_path)
