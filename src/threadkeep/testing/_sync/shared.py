# Generated from src/threadkeep/testing/_async/shared.py by scripts/unasync. Do not edit.
"""One engine for several stores of a test."""

from __future__ import annotations

from collections.abc import Iterator

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Claim, Due, Engine, Page, Query
from threadkeep.ops.reply import Reply


class Shared:
    """An engine that was set up elsewhere and will be closed elsewhere."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    def setup(self) -> None:
        """Do nothing."""

    def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        return self._engine.run(batch)

    def scan(self, query: Query) -> Page:
        """Return a page."""
        return self._engine.scan(query)

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim."""
        return self._engine.claim(due)

    def watch(self, ref: Ref) -> Iterator[int]:
        """Watch."""
        return self._engine.watch(ref)

    def close(self) -> None:
        """Do nothing."""
