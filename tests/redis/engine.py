"""Engines on a server of the tests, by a clock of the tests."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from tests.redis.clock import AsyncClockedNodes, ClockedNodes
from threadkeep._async.drivers.redis.engine import AsyncRedisEngine
from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep.engines.redis.keys import indexes
from threadkeep.engines.redis.links.url import settings_of
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.model.urls import parse_url
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due
from threadkeep.ops.ops import Info


class ClockedEngine(RedisEngine):
    """The engine where time can be injected."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, clock=True)


class AsyncClockedEngine(AsyncRedisEngine):
    """The same for asyncio."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, clock=True)


class ThoroughEngine(ClockedEngine):
    """One whose claims look after every entity, as those of the memory engine do.

    The engine itself looks after entities with a lease; the others when they are met, or the server
    forgets them. What may be forgotten is then forgotten at another time than by the oracle.
    """

    def claim(self, due: Due) -> tuple[Claim, ...]:
        for namespace, kind in self.spaces() if due.ref is None else ():
            if due.namespace in {None, namespace}:
                ids = indexes(self._layout.places.base(namespace, kind, 0))[3]
                (found,) = self._nodes.call(0, [("ZRANGE", ids, 0, -1)], again=True)
                for id_ in found:
                    self.run(Batch(Ref(namespace, kind, id_.decode()), (Info(),)))
        return super().claim(due)


def clocked(
    url: str,
    prefix: str,
    now: Callable[[], int],
    limits: Limits,
    kind: type[ClockedEngine] = ClockedEngine,
) -> ClockedEngine:
    """Return an engine on a server, by a clock of the tests."""
    return kind(ClockedNodes(settings_of(parse_url(url)), now), limits, prefix=prefix)


def async_clocked(
    url: str, prefix: str, now: Callable[[], int], limits: Limits
) -> AsyncClockedEngine:
    """Return the same for asyncio."""
    nodes = AsyncClockedNodes(settings_of(parse_url(url)), now)
    return AsyncClockedEngine(nodes, limits, prefix=prefix)
