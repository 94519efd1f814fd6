"""`thread.turn()`: one writer at a time, in the order of asking, fenced."""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from threadkeep._async.scope import AsyncScope, fences
from threadkeep.concurrency import AsyncFlow, AsyncPeriodic
from threadkeep.errors import Conflict, ThreadkeepError, Timeout, UsageError
from threadkeep.layers import turns
from threadkeep.model.ids import new_id
from threadkeep.model.leases import Lease, Sliding

SHORTEST_PAUSE, LONGEST_PAUSE = 0.005, 0.05


class AsyncTurn:
    """A turn on a thread, used with `async with`.

    Within it every write of this task (and of tasks it starts) to the thread carries the fence; after the
    lease ran out or another caller took over, such a write raises TurnLost and nothing is written.
    """

    def __init__(self, scope: AsyncScope, policy: str, lease: float, timeout: float | None) -> None:
        turns.check_policy(policy)
        self._scope, self._policy, self._timeout = scope, policy, timeout
        self._lease: Lease = Sliding(lease)
        self._token = new_id("turn")
        self._fence = 0
        self._held = False
        self._keeper = AsyncPeriodic(self._renew, lease / 3)

    @property
    def token(self) -> int:
        """Return the fencing token: greater than that of every turn before."""
        return self._fence

    @property
    def held(self) -> bool:
        """Tell whether the turn was still this caller's when it was last renewed."""
        return self._held

    async def acquire(self) -> int:
        """Take the turn and return its token, without holding on to it: it ends with its lease."""
        try:
            return await self._acquire()
        except BaseException:
            with suppress(ThreadkeepError):  # the lease will do it; the first error matters more
                await self._leave()
            raise

    async def __aenter__(self) -> Self:
        ref = self._scope.ref
        if ref in fences.get():
            raise UsageError(f"this task holds the turn on {ref} already; it would wait for itself")
        self._fence = await self.acquire()
        self._held = True
        fences.set({**fences.get(), ref: turns.fence(self._fence)})
        self._keeper.start()
        return self

    async def _acquire(self) -> int:
        ref = self._scope.ref
        if self._policy == "interrupt":
            return await self._scope.write(turns.seize(ref, self._token, self._lease))
        place = await self._scope.write(turns.enqueue(ref, self._token, self._lease))
        waited, pause = 0.0, SHORTEST_PAUSE
        while True:
            first = await self._scope.read(turns.is_next(ref, self._token))
            if first:
                plan = turns.take(ref, self._token, place, self._lease)
                fence = await self._scope.write(plan)
                if fence is not None:
                    return fence
            elif first is None:
                again = turns.enqueue(ref, self._token, self._lease)
                place = await self._scope.write(again)
            self._check_patience(waited)
            await AsyncFlow.sleep(pause)
            waited, pause = waited + pause, min(pause * 1.5, LONGEST_PAUSE)

    def _check_patience(self, waited: float) -> None:
        if self._policy == "reject":
            raise Conflict(f"another caller has the turn on {self._scope.ref}", ref=self._scope.ref)
        if self._timeout is not None and waited >= self._timeout:
            raise Timeout(f"no turn on {self._scope.ref} within {self._timeout} seconds")

    async def _leave(self) -> None:
        """Leave nothing behind: neither a place in line nor a turn that was given just now."""
        fence = await self._scope.write(turns.leave(self._scope.ref, self._token))
        if fence is not None:
            await self._scope.write(turns.release(self._scope.ref, fence))

    async def _renew(self) -> None:
        try:
            self._held = await self._scope.write(turns.renew(self._scope.ref, self._fence))
        except ThreadkeepError:
            # Unreachable or gone: the lease decides, and every write meets the fence.
            self._held = False

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ref = self._scope.ref
        fences.set({r: fence for r, fence in fences.get().items() if r != ref})
        self._held = False
        try:
            await AsyncFlow.finish(self._release())
        except ThreadkeepError:
            if error is None:
                raise

    async def _release(self) -> None:
        await self._keeper.stop()
        await self._scope.write(turns.release(self._scope.ref, self._fence))
