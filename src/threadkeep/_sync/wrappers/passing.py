# Generated from src/threadkeep/_async/wrappers/passing.py by scripts/unasync. Do not edit.
"""What every wrapper does by default: pass the call on."""

from __future__ import annotations

from collections.abc import Iterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due, Engine, Page, Query
from threadkeep.ops.reply import Reply


class Passing:
    """An engine that does nothing of its own; `inner` is the one it wraps."""

    def __init__(self, engine: Engine) -> None:
        self.inner = engine

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    def setup(self) -> None:
        self.inner.setup()

    def run(self, batch: Batch) -> Reply:
        return self.inner.run(batch)

    def scan(self, query: Query) -> Page:
        return self.inner.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        return self.inner.claim(due)

    def watch(self, ref: Ref) -> Iterator[int]:
        return self.inner.watch(ref)

    def close(self) -> None:
        self.inner.close()
