"""Watching an entity of an engine in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

from threadkeep.concurrency import AsyncSignal
from threadkeep.engines.notify import Hub
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine
from threadkeep.ops.ops import Info


async def revisions(engine: AsyncEngine, hub: Hub, ref: Ref) -> AsyncIterator[int]:
    """Yield the revision now and then after each change, coalesced."""
    signal = AsyncSignal()
    unsubscribe = hub.subscribe(ref, signal.set)
    last = -1
    try:
        while True:
            reply = await engine.run(Batch(ref, (Info(),)))
            if reply.revision != last:
                last = reply.revision
                yield last
            await signal.wait()
    finally:
        unsubscribe()
