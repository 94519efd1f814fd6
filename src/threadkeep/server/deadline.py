"""A deadline that many tasks share."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any


class Deadline:
    """Ends blocks that take longer than `seconds`: with TimeoutError, as `asyncio.timeout` does.

    All tasks that are inside share one timer. A timer for each costs more than reading a body that is there
    already, and a server reads thousands of those a second.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._inside: dict[asyncio.Task[Any], float] = {}  # until when; who came first ends first
        self._loop: asyncio.AbstractEventLoop | None = None  # whose timer is set

    def __enter__(self) -> None:
        """Begin the time of the running task."""
        task = _running()
        loop = task.get_loop()
        self._inside[task] = loop.time() + self.seconds
        if self._loop is not loop:
            self._loop = loop
            loop.call_later(self.seconds, self._look, loop)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Forget the running task; TimeoutError where its time was over and nobody else cancelled it."""
        task = _running()
        ended = self._inside.pop(task, None) is None
        if ended and task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise TimeoutError from error

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


def _running() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a request is answered by a task
    return task
