"""A deadline that many tasks share."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Deadline:
    """Ends blocks that take longer than `seconds`: with TimeoutError, as `asyncio.timeout` does.

    All share one timer. One for each costs more than to read a body that is there already, and a server
    reads thousands of those a second.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._inside: dict[asyncio.Task[Any], float] = {}  # until when; who came first ends first
        self._loop: asyncio.AbstractEventLoop | None = None  # whose timer is set

    def block(self) -> _Block:
        """Return a block of the running task, to enter at once."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a request is answered by a task
        loop = task.get_loop()
        self._inside[task] = loop.time() + self.seconds
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self.seconds, self._look, loop)
        return _Block(self._inside, task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel those whose time is over, and set the timer for the next one."""
        if self._loop is not loop:
            return
        now = loop.time()
        while self._inside:
            task, until = next(iter(self._inside.items()))
            if until > now:
                loop.call_at(until, self._look, loop)
                return
            del self._inside[task]
            task.cancel()
        self._loop = None


class _Block:
    __slots__ = ("_inside", "_task")

    def __init__(self, inside: dict[asyncio.Task[Any], float], task: asyncio.Task[Any]) -> None:
        self._inside, self._task = inside, task

    def __enter__(self) -> None:
        """Do nothing: its time has begun."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Forget the task; TimeoutError where its time was over and nobody else cancelled it."""
        ended = self._inside.pop(self._task, None) is None
        if ended and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error
