"""When to let others run."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from time import perf_counter
from typing import ClassVar, Final

ALLOWANCE: Final = 0.0005  # seconds of calls that do not wait, in one turn of the loop


class _Line:
    """The calls of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._line: deque[asyncio.Future[None]] = deque()
        self._turning = False
        self._begun = 0.0  # when this turn began
        self._served = 0  # calls in this turn
        self._share = 1  # calls that fit into a turn, as the last one showed

    def due(self) -> bool:
        if self._line:
            return True
        if not self._turning:
            self._begin()
        self._served += 1
        return perf_counter() - self._begun > AsyncPace.allowance

    def join(self) -> asyncio.Future[None]:
        place = self.loop.create_future()
        self._line.append(place)
        if not self._turning:
            self._begin()
        return place

    def _begin(self) -> None:
        self._turning, self._begun, self._served = True, perf_counter(), 0
        self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        took = perf_counter() - self._begun
        if self._served:
            fits = int(self._served * AsyncPace.allowance / max(took, 1e-6))
            self._share = max(1, min(fits, 2 * self._share))
        self._turning = False
        served = 0
        while self._line and served < self._share:
            place = self._line.popleft()
            if not place.done():  # it was not cancelled
                place.set_result(None)
                served += 1
        if served:
            self._begin()  # after those who were let in: it sees how long they took
            self._served = served


class AsyncPace:
    """Lets calls that never wait by themselves give way, so that no turn of the loop takes long.

    Together they may take about half a millisecond of a turn, however many tasks make them. Who comes later
    stands in line for the turns that follow, so all are served alike. Each event loop has a line of its own,
    whether the loops run one after the other or at the same time.

    A process in which nothing but such calls waits for the loop may set a larger `allowance`.
    """

    allowance: ClassVar[float] = ALLOWANCE

    def __init__(self) -> None:
        self._local = threading.local()  # a thread runs one loop at a time

    def due(self) -> bool:
        """Count a call; True when the caller should `wait` first."""
        return self._here().due()

    async def wait(self) -> None:
        """Stand in line until there is room in a turn of the loop."""
        await self._here().join()

    def _here(self) -> _Line:
        line: _Line | None = getattr(self._local, "line", None)
        if line is None or not line.loop.is_running():  # cheaper than to ask which one runs
            line = self._local.line = _Line(asyncio.get_running_loop())
        return line


class Pace:
    """The twin for threads, which take turns by themselves."""

    def due(self) -> bool:
        """Return False."""
        return False

    def wait(self) -> None:
        """Do nothing."""
