"""The suite on a cluster of six Valkey 9, over whose primaries 64 shards of a namespace are spread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.redis.engine import async_clocked
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(cluster_url: str, tk_prefix: str):
    def make(now: Callable[[], int], limits: Limits) -> AsyncEngine:
        return async_clocked(cluster_url, tk_prefix, now, limits)

    return make
