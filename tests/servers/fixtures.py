"""Servers that the tests of one process share; each is started when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.cluster import Cluster
from tests.servers.mariadb import MariadbServer
from tests.servers.redis import RedisServer


@pytest.fixture(scope="session")
def redis7() -> Iterator[RedisServer]:
    """Redis 7.0."""
    with RedisServer("redis7") as server:
        yield server


@pytest.fixture(scope="session")
def redis8() -> Iterator[RedisServer]:
    """Redis 8."""
    with RedisServer("redis8") as server:
        yield server


@pytest.fixture(scope="session")
def valkey9() -> Iterator[RedisServer]:
    """Valkey 9."""
    with RedisServer("valkey9") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariadbServer]:
    """MariaDB; each test takes a database or a store of its own."""
    with MariadbServer() as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Six Valkey 9: three primaries, each with its replica."""
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis7_url(redis7: RedisServer) -> str:
    return redis7.url


@pytest.fixture(scope="session")
def redis8_url(redis8: RedisServer) -> str:
    return redis8.url


@pytest.fixture(scope="session")
def valkey9_url(valkey9: RedisServer) -> str:
    return valkey9.url


@pytest.fixture(scope="session")
def cluster_url(cluster: Cluster) -> str:
    return cluster.url
