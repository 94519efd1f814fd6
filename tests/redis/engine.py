"""Engines on a server of the tests."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from tests.redis.clock import ClockedNodes
from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep.engines.redis.links import Nodes
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Capabilities


class ClockedEngine(RedisEngine):
    """The engine where time can be injected."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, clock=True)


def clocked(port: int, prefix: str, now: Callable[[], int], limits: Limits) -> ClockedEngine:
    """Return an engine on a server, by a clock of the tests."""
    nodes = ClockedNodes(Nodes.from_url(f"redis://127.0.0.1:{port}"), now)
    return ClockedEngine(nodes, limits, prefix=prefix)
