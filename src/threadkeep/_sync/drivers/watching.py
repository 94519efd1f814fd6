# Generated from src/threadkeep/_async/drivers/watching.py by scripts/unasync. Do not edit.
"""Watching an entity of an engine in this process."""

from __future__ import annotations

from collections.abc import Iterator

from threadkeep.concurrency import Signal
from threadkeep.engines.notify import Hub
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine
from threadkeep.ops.ops import Info


def revisions(engine: Engine, hub: Hub, ref: Ref) -> Iterator[int]:
    """Yield the revision now and then after each change, coalesced."""
    signal = Signal()
    unsubscribe = hub.subscribe(ref, signal.set)
    last = -1
    try:
        while True:
            reply = engine.run(Batch(ref, (Info(),)))
            if reply.revision != last:
                last = reply.revision
                yield last
            signal.wait()
    finally:
        unsubscribe()
