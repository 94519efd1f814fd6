"""Work in the background, again and again."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable


class AsyncPeriodic:
    """Runs `action` every `seconds` in a task until stopped; `action` handles its own errors.

    A run that has begun is never cut short, so what it did is known when `stop` returns.
    """

    def __init__(self, action: Callable[[], Awaitable[object]], seconds: float) -> None:
        self._action, self._seconds = action, seconds
        self._end = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, *, now: bool = False) -> None:
        """Begin; with `now` the first run does not wait."""
        self._task = asyncio.get_running_loop().create_task(self._loop(now))

    async def _loop(self, now: bool) -> None:  # noqa: FBT001 - handed on from start
        while now or not await self._ended():
            now = False
            await self._action()

    async def _ended(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                await self._end.wait()
        return self._end.is_set()

    @property
    def ending(self) -> bool:
        """Tell whether a long run should come to its end."""
        return self._end.is_set()

    async def stop(self) -> None:
        """End it and wait for the end; a caller that is cancelled while it waits cuts the run short."""
        self._end.set()
        task, self._task = self._task, None
        if task is None or task is asyncio.current_task():
            return
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait([task])
            raise


class Periodic:
    """The twin for threads."""

    def __init__(self, action: Callable[[], object], seconds: float) -> None:
        self._action, self._seconds = action, seconds
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, *, now: bool = False) -> None:
        """Begin; with `now` the first run does not wait."""
        self._thread = threading.Thread(target=self._loop, args=(now,), daemon=True)
        self._thread.start()

    def _loop(self, now: bool) -> None:  # noqa: FBT001 - handed on from start
        while now or not self._end.wait(self._seconds):
            now = False
            self._action()

    @property
    def ending(self) -> bool:
        """Tell whether a long run should come to its end."""
        return self._end.is_set()

    def stop(self) -> None:
        """End it and wait for the end."""
        self._end.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
