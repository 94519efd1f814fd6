"""Waiting, giving way, doing several things at once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


class AsyncFlow:
    """Waiting, giving way, doing several things at once."""

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    @staticmethod
    async def breathe() -> None:
        """Let the other tasks of the loop run."""
        await asyncio.sleep(0)

    @staticmethod
    async def limit(call: Awaitable[T], seconds: float) -> T:
        """Return the call's result; TimeoutError, and the call is cancelled, when it takes longer."""
        async with asyncio.timeout(seconds):
            return await call

    @staticmethod
    async def apart(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        """Run a blocking call in the pool."""
        return await asyncio.get_running_loop().run_in_executor(pool, call)

    @staticmethod
    async def finish(work: Coroutine[Any, Any, T]) -> T:
        """Do work to its end also when the caller is cancelled, who then waits for it all the same."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()  # seen: the cancellation is what the caller is told
            raise

    @staticmethod
    async def surely(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        """Run a blocking call in the pool, to its end also when the caller is cancelled."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, call))

    @staticmethod
    async def each(
        items: Iterable[T], action: Callable[[T], Awaitable[object]], limit: int
    ) -> None:
        """Run `action` on each item, at most `limit` at once; it handles its own errors."""
        gate = asyncio.Semaphore(limit)

        async def one(item: T) -> None:
            async with gate:
                await action(item)

        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(one(item))

    @staticmethod
    async def together(
        items: Iterable[T], action: Callable[[T], Coroutine[Any, Any, object]]
    ) -> None:
        """Run `action` on all items at once; it handles its own errors."""
        async with asyncio.TaskGroup() as group:
            for item in items:
                group.create_task(action(item))


class Flow:
    """The twin for threads."""

    @staticmethod
    def sleep(seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    @staticmethod
    def breathe() -> None:
        """Do nothing: threads take turns by themselves."""

    @staticmethod
    def limit(call: T, seconds: float) -> T:  # noqa: ARG004 - the twin's signature
        """Return the call's result: a thread's call cannot be cut short, so it has been made already."""
        return call

    @staticmethod
    def apart(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:  # noqa: ARG004
        """Run the call here: the calling thread may block."""
        return call()

    @staticmethod
    def finish(work: T) -> T:
        """Return what the work returned: it has been done already."""
        return work

    @staticmethod
    def surely(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:  # noqa: ARG004
        """Run the call here."""
        return call()

    @staticmethod
    def together(items: Iterable[T], action: Callable[[T], object]) -> None:
        """Run `action` on all items at once: on the last here, on each other in a thread."""
        *others, last = items
        threads = [threading.Thread(target=action, args=(other,)) for other in others]
        for thread in threads:
            thread.start()
        action(last)
        for thread in threads:
            thread.join()

    @staticmethod
    def each(items: Iterable[T], action: Callable[[T], object], limit: int) -> None:  # noqa: ARG004
        """Run `action` on each item in turn."""
        for item in items:
            action(item)
