from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import redis

from threadkeep import Store


@pytest.fixture
def cache() -> str:
    """The name of a cache of this test's own."""
    return f"t{os.urandom(6).hex()}"


@pytest.fixture
def url(valkey9_url: str, cache: str) -> str:
    return f"{valkey9_url}?layout=keys&name={cache}&prefix={cache}.tk"


@pytest.fixture
def other(valkey9_url: str) -> Iterator[redis.Redis]:
    """The client of an agent that knows nothing of threadkeep."""
    with redis.Redis.from_url(valkey9_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url) as store:
        yield store
