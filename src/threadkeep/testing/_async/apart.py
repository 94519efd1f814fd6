"""Checking a store that others use: nothing of theirs is touched, and nothing is left behind."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable

from msgspec.structs import replace

from threadkeep._async.urls import open_engine
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import TOMBSTONE, AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import Claimed, Drop
from threadkeep.ops.reply import Reply
from threadkeep.testing._async.clock import BEGIN
from threadkeep.testing.tasks import AsyncTasks

OWN = "check-"  # begins every namespace that the suite uses
LATER = BEGIN + 300 * 366 * 86_400 * SECOND  # after everything that a test did to its clock


class AsyncApart:
    """An engine that refuses other namespaces than the suite's and tells of each entity written to.

    A claim that names no namespace takes from those that were told of, never from all.
    """

    def __init__(self, engine: AsyncEngine, told: Callable[[Ref], None]) -> None:
        self._engine, self._told = engine, told
        self._spaces: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    async def setup(self) -> None:
        """Set the engine up."""
        await self._engine.setup()

    async def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        self._check(batch.ref.namespace)
        if batch.writes:
            self._spaces.add(batch.ref.namespace)
            self._told(batch.ref)
        return await self._engine.run(batch)

    async def scan(self, query: Query) -> Page:
        """Return a page."""
        self._check(query.namespace)
        return await self._engine.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim."""
        if due.ref is not None or due.namespace is not None:
            self._check(due.ref.namespace if due.ref else due.namespace)
            return await self._engine.claim(due)
        found: list[Claim] = []
        for space in sorted(self._spaces):
            if len(found) < due.limit:
                narrow = replace(due, namespace=space, limit=due.limit - len(found))
                found += await self._engine.claim(narrow)
        return tuple(found)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Watch."""
        self._check(ref.namespace)
        return self._engine.watch(ref)

    async def aclose(self) -> None:
        """Close the engine."""
        await self._engine.aclose()

    @staticmethod
    def _check(namespace: str | None) -> None:
        assert (namespace or "").startswith(OWN), f"the suite reached into {namespace!r}"


async def capabilities_of(url: str) -> Capabilities:
    """Connect, and return what the engine says of itself."""
    engine = open_engine(url, lambda: time.time_ns() // 1000, Limits())
    try:
        await engine.setup()
        return engine.capabilities
    finally:
        await engine.aclose()


async def remove(url: str, refs: Iterable[Ref], *, within: float = 90) -> tuple[Ref, ...]:
    """Remove entities of a check, and their tombstones where the clock can be set.

    Return those that are still claimed by a test that broke off when `within` seconds have passed.
    """
    now = LATER
    engine = open_engine(url, lambda: now, Limits())
    left = {ref for ref in refs if ref.namespace.startswith(OWN)}
    spaces = sorted({ref.namespace for ref in left})
    end = time.monotonic() + within
    try:
        await engine.setup()
        while left:
            for ref in sorted(left):
                if await _removed(engine, ref):
                    left.discard(ref)
            if left and time.monotonic() > end:
                break
            if left:
                await AsyncTasks.sleep(0.5)
        now += TOMBSTONE + SECOND
        for space in spaces:
            await engine.claim(Due(lease=SECOND, namespace=space))
    finally:
        await engine.aclose()
    return tuple(sorted(left))


async def _removed(engine: AsyncEngine, ref: Ref) -> bool:
    if not (await engine.run(Batch(ref, (Drop(),)))).expired:
        return True
    for claim in await engine.claim(Due(lease=SECOND, ref=ref)):
        guard = Claimed(claim.token)
        return (await engine.run(Batch(ref, (Drop(),), (guard,)))).ok
    return False
