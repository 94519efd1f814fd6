# Generated from src/threadkeep/testing/_async/broken.py by scripts/unasync. Do not edit.
"""An engine that can be cut off, for tests of what is done without it."""

from __future__ import annotations

from threadkeep.errors import Unavailable
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Engine, Page, Query
from threadkeep.ops.reply import Reply
from threadkeep.testing._sync.shared import Shared


class Broken(Shared):
    """The engine of others, while it is not `down`; the answers of the next `lost` batches do not arrive."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.down = False
        self.lost = 0

    def run(self, batch: Batch) -> Reply:
        """Run a batch, or fail."""
        self._refuse()
        reply = super().run(batch)
        if self.lost:
            self.lost -= 1
            raise Unavailable("the answer was lost", maybe_applied=True)
        return reply

    def scan(self, query: Query) -> Page:
        """Return a page, or fail."""
        self._refuse()
        return super().scan(query)

    def _refuse(self) -> None:
        if self.down:
            raise Unavailable("the engine is cut off")
