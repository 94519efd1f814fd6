"""Calls of many callers, made in groups over a few lines."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from threadkeep.concurrency.mailbox import Slot

J = TypeVar("J")
LOOK = 256  # jobs that are passed over in search of one that may begin
Outcomes = list[Any]  # for each job a result, or the exception to raise


def share(waiting: int, free: int, least: int, most: int) -> int:
    """Return how many jobs one of `free` lines takes."""
    return min(most, max(least, -(-waiting // max(1, free))))


class AsyncPump(Generic[J]):
    """Hands jobs to `work` in groups; what waits while all `width` lines are busy goes with the next group.

    A group has at most `most` jobs and `heaviest` bytes; what waits is shared among the lines that are free, unless
    that would leave less than `least` to each. Jobs of one `key` are under way on one line only, so they
    are done in the order of asking. A caller that is cancelled harms no other: its job is left out if it has not
    begun, else done all the same.
    """

    def __init__(
        self,
        work: Callable[[list[J]], Awaitable[Outcomes]],
        weigh: Callable[[J], int],
        *,
        width: int,
        most: int,
        heaviest: int,
        least: int | None = None,
        key: Callable[[J], Hashable] | None = None,
    ) -> None:
        self._work, self._weigh, self._key = work, weigh, key
        self._width, self._most, self._heaviest = width, most, heaviest
        self._least = least or most
        self._waiting: deque[tuple[J, asyncio.Future[Any]]] = deque()
        self._under_way: dict[
            Hashable, list[asyncio.Future[Any]]
        ] = {}  # the last one is the group's end
        self._lines: set[asyncio.Task[None]] = set()
        self._busy = self._working = 0

    async def call(self, job: J) -> Any:
        """Return the result of a job or raise its exception."""
        loop = asyncio.get_running_loop()
        slot: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((job, slot))
        if self._busy < self._width:
            self._busy += 1
            line = loop.create_task(self._serve())
            self._lines.add(line)
            line.add_done_callback(self._lines.discard)
        return await slot

    async def settle(self, key: Hashable) -> None:
        """Wait for the end of a job of this key whose caller was cancelled while it was under way."""
        slots = self._under_way.get(key)
        if slots is not None and any(slot.cancelled() for slot in slots):
            await asyncio.wait([slots[-1]])

    def _take(self) -> list[tuple[J, asyncio.Future[Any]]]:
        group: list[tuple[J, asyncio.Future[Any]]] = []
        passed: list[tuple[J, asyncio.Future[Any]]] = []
        weight = 0
        most = share(len(self._waiting), self._width - self._working, self._least, self._most)
        while self._waiting and len(group) < most and len(passed) < LOOK:
            job, slot = self._waiting[0]
            if slot.done():  # its caller has left
                self._waiting.popleft()
                continue
            if self._key is not None and self._key(job) in self._under_way:
                passed.append(self._waiting.popleft())  # the line that has it will take this too
                continue
            weight += self._weigh(job)
            if group and weight > self._heaviest:
                break
            group.append(self._waiting.popleft())
        self._waiting.extendleft(reversed(passed))
        return group

    def _begin(self, group: list[tuple[J, asyncio.Future[Any]]]) -> Callable[[], None]:
        """Note what is under way; call the result when it no longer is."""
        if self._key is None:
            return lambda: None
        ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        slots: dict[Hashable, list[asyncio.Future[Any]]] = {}
        for job, slot in group:
            slots.setdefault(self._key(job), []).append(slot)
        for key, held in slots.items():
            self._under_way[key] = [*held, ended]

        def end() -> None:
            for key in slots:
                del self._under_way[key]
            ended.set_result(None)

        return end

    async def _serve(self) -> None:
        while group := self._take():
            outcomes: Outcomes
            end = self._begin(group)
            self._working += 1
            try:
                outcomes = await self._work([job for job, _ in group])
            except BaseException as error:  # noqa: BLE001 - every caller is told
                outcomes = [error] * len(group)
            self._working -= 1
            end()
            for (_, slot), outcome in zip(group, outcomes, strict=True):
                if slot.done():
                    continue
                if isinstance(outcome, asyncio.CancelledError):
                    slot.cancel()
                elif isinstance(outcome, BaseException):
                    slot.set_exception(outcome)
                else:
                    slot.set_result(outcome)
        self._busy -= 1  # in the same step as the last look: who comes after it begins a line

    async def stop(self) -> None:
        """Wait for what was begun."""
        while self._lines:
            await asyncio.wait(list(self._lines))


class Pump(Generic[J]):
    """The twin for threads: a caller that finds a free line does the work itself, of one group."""

    def __init__(
        self,
        work: Callable[[list[J]], Outcomes],
        weigh: Callable[[J], int],
        *,
        width: int,
        most: int,
        heaviest: int,
        least: int | None = None,
        key: Callable[[J], Hashable] | None = None,  # noqa: ARG002 - callers cannot leave: nothing is to be kept apart
    ) -> None:
        self._work, self._weigh = work, weigh
        self._width, self._most, self._heaviest = width, most, heaviest
        self._least = least or most
        self._waiting: deque[tuple[J, Slot]] = deque()
        self._busy = 0
        self._idle = threading.Condition()

    def call(self, job: J) -> Any:
        """Return the result of a job or raise its exception."""
        slot = Slot()
        with self._idle:
            self._waiting.append((job, slot))
            leads = self._busy < self._width
            self._busy += leads
        if leads and self._serve_one():  # others wait, and this caller has its answer to take home
            threading.Thread(target=self._serve, daemon=True).start()
        with slot.ready:
            pass
        if isinstance(slot.result, BaseException):
            raise slot.result
        return slot.result

    def settle(self, key: Hashable) -> None:
        """Do nothing: no caller is cancelled."""

    def _take(self) -> list[tuple[J, Slot]]:
        group: list[tuple[J, Slot]] = []
        weight = 0
        free = self._width - self._busy + 1  # and this one
        most = share(len(self._waiting), free, self._least, self._most)
        while self._waiting and len(group) < most:
            weight += self._weigh(self._waiting[0][0])
            if group and weight > self._heaviest:
                break
            group.append(self._waiting.popleft())
        return group

    def _serve_one(self) -> bool:
        """Do the work of one group; True when the line goes on, which is then the caller's to see to."""
        with self._idle:
            group = self._take()
        try:
            outcomes = self._work([job for job, _ in group]) if group else []
        except BaseException as error:  # noqa: BLE001 - every caller is told
            outcomes = [error] * len(group)
        for (_, slot), outcome in zip(group, outcomes, strict=True):
            slot.result = outcome
            slot.ready.release()
        with self._idle:
            if self._waiting:
                return True
            self._busy -= 1
            self._idle.notify_all()
            return False

    def _serve(self) -> None:
        while self._serve_one():
            pass

    def stop(self) -> None:
        """Wait for what was begun."""
        with self._idle:
            self._idle.wait_for(lambda: not self._busy)
