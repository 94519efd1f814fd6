"""Cancelling a call at its k-th suspension, wherever in its tasks that is.

Every task of the loop runs inside `_Watched`, which sees each suspension. At the k-th the task that
made the call is cancelled: `EARLY` while it is suspended there, or `LATE` when what it waited for is
done and it has not gone on yet, so that the effect has happened and the result is lost.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any


class When(enum.Enum):
    """At which side of an await the cancellation comes."""

    EARLY = "early"
    LATE = "late"


class Interruption:
    """Cancels one task at the k-th suspension of the loop's tasks."""

    def __init__(self, at: int, when: When) -> None:
        self._at, self._when = at, when
        self._victim: asyncio.Task[Any] | None = None
        self.seen = 0

    @property
    def came(self) -> bool:
        """Tell whether there was a k-th suspension."""
        return self.seen >= self._at

    def install(self) -> None:
        """Watch all tasks that begin on the running loop from now on."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._make)

    def _make(
        self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(_run(_Watched(work, self)), loop=loop, **options)

    async def cut(self, call: Callable[[], Awaitable[object]]) -> object:
        """Make a call in a task of its own and cancel that; return what it returned or raised."""
        self.seen = 0

        async def make() -> object:
            self._victim = asyncio.current_task()
            try:
                return await call()
            finally:
                self._victim = None

        try:
            return await asyncio.get_running_loop().create_task(make())
        except asyncio.CancelledError as error:
            return error

    def suspended(self, waits_for: object) -> None:
        """Count a suspension, and cancel when it is the one."""
        if self._victim is None:
            return
        self.seen += 1
        if self.seen != self._at:
            return
        victim = self._victim
        if self._when is When.LATE and isinstance(waits_for, asyncio.Future):
            # before the waiting task's own callback, so that it meets the result and the cancellation
            waits_for.add_done_callback(lambda _: victim.cancel())
        else:
            victim.cancel()


class _Watched:
    """Awaits a coroutine and tells an Interruption of its suspensions."""

    def __init__(self, work: Coroutine[Any, Any, Any], watcher: Interruption) -> None:
        self._work, self._watcher = work, watcher

    def __await__(self) -> Generator[Any, Any, Any]:
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                waits_for = self._work.send(value) if error is None else self._work.throw(error)
            except StopIteration as end:
                return end.value
            self._watcher.suspended(waits_for)
            value, error = None, None
            try:
                value = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 - handed on as it is
                error = thrown


async def _run(watched: _Watched) -> Any:
    return await watched
