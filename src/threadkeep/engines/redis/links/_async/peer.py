"""One server and the connection to it."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable

from threadkeep.concurrency import AsyncFlow, AsyncLock
from threadkeep.engines.redis.links._async.synced import AsyncSynced
from threadkeep.engines.redis.links.errors import Closed
from threadkeep.engines.redis.links.link import AsyncLink
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import Unavailable

AnyLink = AsyncLink | AsyncSynced
Opener = Callable[[float], Awaitable[AnyLink]]  # is given the seconds it may take


class AsyncPeer:
    """Keeps one connection to a server, and opens another when that is lost; at most one caller tries."""

    def __init__(self, address: Address, opener: Opener, *, synced: bool = False) -> None:
        self.address = address
        self._opener = opener
        self._lock = AsyncLock()
        self._link: AnyLink | None = None
        self._old: list[AnyLink] = []
        self._failures = 0
        self._why = f"{address} cannot be reached"
        self._next = 0.0  # no new attempt before
        self._closed = False
        self._twin = None if synced else AsyncPeer(address, self._open_synced, synced=True)

    @property
    def link(self) -> AnyLink | None:
        """Return the connection if there is one that can be used."""
        link = self._link
        return link if link is not None and link.usable else None

    @property
    def synced(self) -> AsyncPeer:
        """Return the same server over another connection, whose answers wait for its disk."""
        return self._twin or self

    async def _open_synced(self, seconds: float) -> AnyLink:
        link = await self._opener(seconds)
        return AsyncSynced(link) if isinstance(link, AsyncLink) else link

    async def ready(self, limit: float) -> AnyLink:
        """Return the connection, opened if need be. Raises Unavailable, Forbidden or UsageError."""
        async with self._lock:
            link = self.link
            if link is not None:
                return link
            now = time.monotonic()
            wait = max(0.0, self._next - now)
            if self._closed:
                raise Closed("the store is closed")
            if now + wait >= limit:
                raise Unavailable(self._why)
            await AsyncFlow.sleep(wait)
            return await self._open(limit - now - wait)

    async def _open(self, seconds: float) -> AnyLink:
        try:
            link = await self._opener(seconds)
        except Unavailable as error:
            self._why = str(error)
            self._failures += 1
            longest = min(0.25, 0.01 * 2 ** min(self._failures, 10))
            self._next = time.monotonic() + random.uniform(longest / 2, longest)  # noqa: S311 - no secret
            raise
        self._failures = 0
        if self._link is not None:
            self._old = [old for old in [*self._old, self._link] if old.lost is None]
        self._link, self.address = link, link.address
        if self._closed:
            await link.aclose()
        return link

    async def aclose(self) -> None:
        """Close the connection; twice is fine."""
        self._closed = True
        if self._twin is not None:
            await self._twin.aclose()
        for link in [*self._old, *([self._link] if self._link is not None else [])]:
            await link.aclose()
