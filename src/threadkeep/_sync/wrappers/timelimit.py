# Generated from src/threadkeep/_async/wrappers/timelimit.py by scripts/unasync. Do not edit.
"""A limit on how long a call to the engine may take."""

from __future__ import annotations

import math

from threadkeep._sync.wrappers.passing import Passing
from threadkeep.concurrency import Flow
from threadkeep.errors import Timeout, UsageError
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Engine, Page, Query
from threadkeep.ops.reply import Reply


class TimeLimit(Passing):
    """Raise Timeout when a batch, a page or a claim takes longer than `seconds`.

    The call is cancelled, and a write that was cut short may have had its effect: `maybe_applied`.
    Connecting, watching and closing are not limited.

    Under asyncio alone. A thread that waits for an engine cannot be cut short, and a result that is
    there is not thrown away for being late: under threads each call runs to its end, and this
    wrapper changes nothing. There the engine's own limits hold, such as those in its URL.
    """

    def __init__(self, engine: Engine, seconds: float) -> None:
        super().__init__(engine)
        if not 0 < seconds < math.inf:
            raise UsageError(f"the limit is {seconds} seconds; pass a positive, finite number")
        self._seconds = seconds

    def _late(self, what: str, *, writes: bool) -> Timeout:
        more = "; it may have had its effect, so read before you repeat it" if writes else ""
        return Timeout(
            f"{what} took longer than the limit of {self._seconds} seconds{more}",
            maybe_applied=writes,
            seconds=self._seconds,
        )

    def run(self, batch: Batch) -> Reply:
        try:
            return Flow.limit(self.inner.run(batch), self._seconds)
        except TimeoutError:
            raise self._late(f"a call on {batch.ref}", writes=batch.writes) from None

    def scan(self, query: Query) -> Page:
        try:
            return Flow.limit(self.inner.scan(query), self._seconds)
        except TimeoutError:
            raise self._late("a listing", writes=False) from None

    def claim(self, due: Due) -> tuple[Claim, ...]:
        try:
            return Flow.limit(self.inner.claim(due), self._seconds)
        except TimeoutError:
            raise self._late("a claim", writes=True) from None
