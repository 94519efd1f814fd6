"""The suite on a Redis server, over its own time: leases of seconds run out for real."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(redis_port: int, prefix: str):
    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        nodes = AsyncNodes.from_url(f"redis://127.0.0.1:{redis_port}")
        return AsyncRedisEngine(nodes, limits, prefix=prefix)

    return make
