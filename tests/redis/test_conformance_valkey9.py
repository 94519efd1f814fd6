"""The suite on Valkey 9, by the clock of the tests, under a user that may do what the docs say."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.redis.engine import async_clocked
from tests.redis.users import add_user
from tests.servers.redis import RedisServer
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(valkey9: RedisServer, tk_prefix: str):
    url = f"redis://{add_user(valkey9, tk_prefix)}@127.0.0.1:{valkey9.port}"

    def make(now: Callable[[], int], limits: Limits) -> AsyncEngine:
        return async_clocked(url, tk_prefix, now, limits)

    return make
