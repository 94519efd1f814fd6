"""The time of the engine under test."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta

from threadkeep.model.leases import SECOND, Lease, Sliding, moment
from threadkeep.ops.engine import Capabilities
from threadkeep.testing.tasks import AsyncTasks
from threadkeep.testing.telling import PACE

BEGIN = 1_800_000_000 * SECOND
REAL = 0.1  # of a second of a test, where time cannot be injected


class AsyncClock:
    """Time as tests count it: injected where the engine takes it, else real and ten times faster.

    Leases, ends and waits in a test all come from here, so they keep their proportions.
    """

    def __init__(self) -> None:
        self._micros = BEGIN
        self._scale = 1.0
        self._skew = 0

    def follow(self, capabilities: Capabilities) -> None:
        """Use the time that an engine with these capabilities uses."""
        if not capabilities.clock:
            self._scale = float(os.environ.get(PACE) or REAL)
            self._skew = round(capabilities.skew * SECOND)

    def micros(self) -> int:
        """Return the engine's time in microseconds."""
        if self._scale == 1.0:
            return self._micros
        return time.time_ns() // 1000 + self._skew

    def now(self) -> datetime:
        """Return the engine's time."""
        return moment(self.micros())

    def jump(self, seconds: float) -> None:
        """Set an injected clock forward or back."""
        assert self._scale == 1.0, "a test that sets the clock needs the capability clock"
        self._micros += round(seconds * SECOND)

    async def pass_(self, seconds: float) -> None:
        """Let so many seconds of the test pass."""
        if self._scale == 1.0:
            self.jump(seconds)
        else:
            await AsyncTasks.sleep(seconds * self._scale)

    def span(self, seconds: float) -> float:
        """Return what so many seconds of the test are for the engine, for `ttl=`."""
        return seconds * self._scale

    def lease(self, seconds: float) -> Lease:
        """Return a sliding lease of so many seconds of the test."""
        return Sliding(self.span(seconds))

    def after(self, seconds: float) -> datetime:
        """Return the moment that is so many seconds of the test ahead."""
        return self.now() + timedelta(seconds=self.span(seconds))
