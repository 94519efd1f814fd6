"""The suite on Redis 7.0, over its own time, under a user that may do what the docs say and no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.redis.users import add_user
from tests.servers.redis import RedisServer
from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(redis7: RedisServer, tk_prefix: str):
    login = add_user(redis7, tk_prefix)

    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        nodes = AsyncNodes.from_url(f"redis://{login}@127.0.0.1:{redis7.port}")
        return AsyncRedisEngine(nodes, limits, prefix=tk_prefix)

    return make
