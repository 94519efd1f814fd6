"""The two layouts on Valkey and Redis."""

from __future__ import annotations

from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep._async.drivers.redis.keyed import AsyncKeyedEngine
from threadkeep.engines.redis.keyed.names import Keyed
from threadkeep.engines.redis.links import AsyncNodes
from threadkeep.engines.redis.url import Spread
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine


def engine_on(
    nodes: AsyncNodes,
    limits: Limits,
    keyed: Keyed | None,
    spread: Spread | None = None,
    *,
    durable: bool = False,
) -> AsyncEngine:
    """Return the engine on these servers, with the layout that `keyed` says (None: threadkeep's own).

    `durable`: each write waits for the server's disk; the other layout leaves that to the server.
    """
    places = spread or Spread(prefix="tk", shards=None)
    if keyed is None:
        return AsyncRedisEngine(nodes, limits, durable=durable, **places)
    return AsyncKeyedEngine(nodes, limits, keyed, **places)
