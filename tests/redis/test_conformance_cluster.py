"""The suite on a cluster of three primaries, over which 64 shards of a namespace are spread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(cluster_ports: list[int], tk_prefix: str):
    hosts = ",".join(f"127.0.0.1:{port}" for port in cluster_ports)

    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        nodes = AsyncNodes.from_url(f"redis+cluster://{hosts}")
        return AsyncRedisEngine(nodes, limits, prefix=tk_prefix)

    return make
