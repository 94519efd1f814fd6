"""Several things at once, for tests that run on asyncio and in threads: `AsyncTasks` and its twin `Tasks`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE = 20.0  # seconds after which a test no longer waits
PAUSE = 0.002


class AsyncRunning(Generic[T]):
    """A call that runs in a task of its own."""

    def __init__(self, call: Callable[[], Awaitable[T]]) -> None:
        async def run() -> T:
            return await call()

        self._task = asyncio.get_running_loop().create_task(run())

    @property
    def done(self) -> bool:
        """Tell whether it has ended, well or not."""
        return self._task.done()

    async def result(self, within: float = PATIENCE) -> T:
        """Return what the call returned or raise what it raised; AssertionError when it takes longer."""
        done, _ = await asyncio.wait([self._task], timeout=within)
        if not done:
            self._task.cancel()
            raise AssertionError(f"a call has not ended within {within:.0f} seconds")
        return self._task.result()


class Running(Generic[T]):
    """The twin for threads."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._outcome: list[tuple[T | None, BaseException | None]] = []

        def run() -> None:
            try:
                self._outcome.append((call(), None))
            except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
                self._outcome.append((None, error))

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Tell whether it has ended, well or not."""
        return bool(self._outcome)

    def result(self, within: float = PATIENCE) -> T:
        """Return what the call returned or raise what it raised; AssertionError when it takes longer."""
        self._thread.join(within)
        if not self._outcome:
            raise AssertionError(f"a call has not ended within {within:.0f} seconds")
        value, error = self._outcome[0]
        if error is not None:
            raise error
        return value  # pyright: ignore[reportReturnType] - without an error it is what the call returned


class AsyncTasks:
    """Waiting and doing several things at the same time."""

    @staticmethod
    def begin(call: Callable[[], Awaitable[T]]) -> AsyncRunning[T]:
        """Run a call beside this one."""
        return AsyncRunning(call)

    @staticmethod
    async def outcomes(*calls: Callable[[], Awaitable[T]]) -> list[T | Exception]:
        """Run the calls at the same time; return what each returned or raised, in their order."""
        end = time.monotonic() + 3 * PATIENCE
        running = [AsyncRunning(call) for call in calls]
        found: list[T | Exception] = []
        for each in running:
            try:
                found.append(await each.result(max(0.0, end - time.monotonic())))
            except Exception as error:  # noqa: BLE001 - an outcome like any other
                found.append(error)
        return found

    @staticmethod
    async def together(*calls: Callable[[], Awaitable[T]]) -> list[T]:
        """Run the calls at the same time, all to their end; return their results or raise the first error."""
        return no_errors(await AsyncTasks.outcomes(*calls))

    @staticmethod
    async def until(condition: Callable[[], Awaitable[object]], within: float = PATIENCE) -> None:
        """Ask again until the condition holds; AssertionError when it takes longer."""
        end = time.monotonic() + within
        while not await condition():
            assert time.monotonic() < end, f"what was waited for has not come within {within} s"  # noqa: S101 - part of a test
            await asyncio.sleep(PAUSE)

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Tasks:
    """The twin for threads."""

    @staticmethod
    def begin(call: Callable[[], T]) -> Running[T]:
        """Run a call beside this one."""
        return Running(call)

    @staticmethod
    def outcomes(*calls: Callable[[], T]) -> list[T | Exception]:
        """Run the calls at the same time; return what each returned or raised, in their order."""
        end = time.monotonic() + 3 * PATIENCE
        running = [Running(call) for call in calls]
        found: list[T | Exception] = []
        for each in running:
            try:
                found.append(each.result(max(0.0, end - time.monotonic())))
            except Exception as error:  # noqa: BLE001 - an outcome like any other
                found.append(error)
        return found

    @staticmethod
    def together(*calls: Callable[[], T]) -> list[T]:
        """Run the calls at the same time, all to their end; return their results or raise the first error."""
        return no_errors(Tasks.outcomes(*calls))

    @staticmethod
    def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
        """Ask again until the condition holds; AssertionError when it takes longer."""
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, f"what was waited for has not come within {within} s"  # noqa: S101 - part of a test
            time.sleep(PAUSE)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def no_errors(outcomes: list[T | Exception]) -> list[T]:
    """Return the outcomes when none is an error, else raise the first one."""
    found: list[T] = []
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
        found.append(outcome)
    return found
