from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.redis.servers import redis_server


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server that all tests of this process share; prefixes keep them apart."""
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def prefix() -> str:
    """What the keys of this test begin with."""
    from os import urandom

    return f"t{urandom(6).hex()}"
