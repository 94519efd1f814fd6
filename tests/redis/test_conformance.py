"""The suite on a Redis server, over its own time, under a user that may do what the docs say and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite

PAGE = Path(__file__).parents[2] / "docs/how-to/valkey.md"


def permissions(prefix: str) -> list[str]:
    """Return the rules of the page, for another prefix."""
    found = re.search(r"ACL SETUSER agent on >secret (.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return [rule.replace("tk:", f"{prefix}:") for rule in found[1].split()]


@pytest.fixture
def make_engine(redis_port: int, tk_prefix: str):
    with redis.Redis(port=redis_port) as admin:
        admin.execute_command("ACL", "SETUSER", tk_prefix, "on", ">secret", *permissions(tk_prefix))

    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        nodes = AsyncNodes.from_url(f"redis://{tk_prefix}:secret@127.0.0.1:{redis_port}")
        return AsyncRedisEngine(nodes, limits, prefix=tk_prefix)

    return make
