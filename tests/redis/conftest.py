from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.races import figures
from tests.redis.servers import redis_cluster, redis_server

say = figures.teller("redis")
pytest_terminal_summary = figures.summary("redis")


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server that all tests of this process share; prefixes keep them apart."""
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="session")
def cluster_ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """The ports of a cluster of three primaries that all tests of this process share."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as ports:
        yield ports


@pytest.fixture
def tk_prefix() -> str:
    """What the keys of this test begin with."""
    return f"t{os.urandom(6).hex()}"
