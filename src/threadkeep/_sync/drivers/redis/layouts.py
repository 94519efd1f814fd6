# Generated from src/threadkeep/_async/drivers/redis/layouts.py by scripts/unasync. Do not edit.
"""The two layouts on Valkey and Redis."""

from __future__ import annotations

from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep._sync.drivers.redis.keyed import KeyedEngine
from threadkeep.engines.redis.keyed.names import Keyed
from threadkeep.engines.redis.links import Nodes
from threadkeep.engines.redis.url import Spread
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine


def engine_on(
    nodes: Nodes,
    limits: Limits,
    keyed: Keyed | None,
    spread: Spread | None = None,
    *,
    durable: bool = False,
) -> Engine:
    """Return the engine on these servers, with the layout that `keyed` says (None: threadkeep's own).

    `durable`: each write waits for the server's disk; the other layout leaves that to the server.
    """
    places = spread or Spread(prefix="tk", shards=None)
    if keyed is None:
        return RedisEngine(nodes, limits, durable=durable, **places)
    return KeyedEngine(nodes, limits, keyed, **places)
