"""The few things that asyncio and threads do differently, in pairs: `AsyncX` and its twin `X`.

Everything above is written once against `AsyncX`; the generated twin uses `X`.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from threadkeep.errors import UsageError

T = TypeVar("T")
Pairs = list[tuple[Any, Any]]  # (slot, result or exception)

AsyncLock = asyncio.Lock
Lock = threading.Lock


class AsyncHome:
    """The event loop that a store belongs to: the first that uses it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Raise UsageError when called from another event loop than before."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise UsageError(
                "this AsyncStore belongs to another event loop; open one store per loop"
            )


class Home:
    """The twin for threads, which may all share a store."""

    def check(self) -> None:
        """Do nothing."""


class AsyncMailbox:
    """Takes results from a worker thread to the tasks of one event loop, one wake-up per delivery."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def open(self) -> asyncio.Future[Any]:
        """Return a slot for one result."""
        return self._loop.create_future()

    async def wait(self, slot: asyncio.Future[Any]) -> Any:
        """Return the slot's result or raise its exception."""
        return await slot

    def deliver(self, pairs: Pairs) -> None:
        """Hand results over; called by the worker thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, pairs)

    @staticmethod
    def _settle(pairs: Pairs) -> None:
        for slot, result in pairs:
            if slot.done():
                continue
            if isinstance(result, BaseException):
                slot.set_exception(result)
            else:
                slot.set_result(result)


class Slot:
    """Where one thread waits for one result."""

    __slots__ = ("ready", "result")

    def __init__(self) -> None:
        self.ready = threading.Lock()
        self.ready.acquire()
        self.result: Any = None


class Mailbox:
    """The twin for threads."""

    def open(self) -> Slot:
        """Return a slot for one result."""
        return Slot()

    def wait(self, slot: Slot) -> Any:
        """Return the slot's result or raise its exception."""
        with slot.ready:
            pass
        if isinstance(slot.result, BaseException):
            raise slot.result
        return slot.result

    def deliver(self, pairs: Pairs) -> None:
        """Hand results over; called by the worker thread."""
        for slot, result in pairs:
            slot.result = result
            slot.ready.release()


class AsyncSignal:
    """A flag that any thread may set and one task waits for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Set the flag."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait until the flag is set and clear it; False when `seconds` have passed before."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Signal:
    """The twin for threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Set the flag."""
        self._event.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the flag is set and clear it; False when `seconds` have passed before."""
        if not self._event.wait(seconds):
            return False
        self._event.clear()
        return True


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


class AsyncPace:
    """Says when calls that never wait should give way, so that no turn of the loop takes long.

    One task may make 32 calls in a turn; where many tasks call, each makes its share of that.
    """

    _CALLS = 32

    def __init__(self) -> None:
        self._burst, self._made, self._ways = self._CALLS, 0, 0

    def due(self) -> bool:
        """Count a call; True when the caller should give way first."""
        self._made += 1
        if self._made < self._burst:
            return False
        self._made = 0
        if not self._ways:
            asyncio.get_running_loop().call_soon(self._turn)
        self._ways += 1
        return True

    def _turn(self) -> None:
        self._burst, self._ways = max(1, self._CALLS // self._ways), 0


class Pace:
    """The twin for threads, which take turns by themselves."""

    def due(self) -> bool:
        """Return False."""
        return False


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
    def each(items: Iterable[T], action: Callable[[T], object], limit: int) -> None:  # noqa: ARG004
        """Run `action` on each item in turn."""
        for item in items:
            action(item)
