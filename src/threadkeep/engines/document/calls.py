"""Calling the methods of a program's driver, one task or thread at a time unless it allows more."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

from threadkeep.errors import ThreadkeepError, Unavailable, UsageError

_THREAD_BOUND = "can only be used in that same thread"  # as sqlite3 says it


class _Driver:
    """A driver and what it can do."""

    def __init__(self, driver: object, what: str, needed: Iterable[str]) -> None:
        self.driver = driver
        self.what = what
        lacking = [f"{name}()" for name in needed if not self.has(name)]
        if lacking:
            raise UsageError(
                f"{type(driver).__qualname__} is no {what}: it lacks {', '.join(lacking)}"
            )
        found = getattr(driver, "at_once", 1)
        if not isinstance(found, int) or found < 1:
            raise UsageError(f"at_once of {type(driver).__qualname__} must be an int, at least 1")
        self.at_once = found

    def has(self, name: str) -> bool:
        """Tell whether the driver has a method."""
        return callable(getattr(self.driver, name, None))

    def _method(self, name: str) -> Callable[..., Any]:
        return getattr(self.driver, name)

    def _mapped(self, name: str, error: Exception, *, wrote: bool) -> ThreadkeepError:
        if _THREAD_BOUND in str(error):
            return UsageError(
                f"{name}() of the {self.what} {type(self.driver).__qualname__} is called from several threads,"
                " and its connection is for the one that made it: pass check_same_thread=False to sqlite3.connect"
            )
        return Unavailable(
            f"{name}() of the {self.what} {type(self.driver).__qualname__} failed"
            f" ({type(error).__name__})",
            maybe_applied=wrote,
        )


def _called(name: str, method: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    found = method(*args)
    return _listed(found) if isinstance(found, Iterator) or name == "list" else found


def _listed(found: Any) -> Any:
    """Return what is no row but many as a list, as of now: a view changes with the next call."""
    if isinstance(found, str | bytes) or not isinstance(found, Iterable):
        return cast("Any", found)
    return list(cast("Iterable[Any]", found))


class AsyncCalls(_Driver):
    """Calls methods with await, and those without in a thread of the driver's own."""

    def __init__(self, driver: object, what: str, needed: Iterable[str]) -> None:
        super().__init__(driver, what, needed)
        self._gate = asyncio.Semaphore(self.at_once)
        self._pool: ThreadPoolExecutor | None = None

    async def call(self, name: str, *args: Any, wrote: bool = False) -> Any:
        """Return what the method returns; its own errors become Unavailable. `wrote`: it may have had its effect."""
        async with self._gate:
            try:
                return await self._made(name, args)
            except ThreadkeepError:
                raise
            except Exception as error:
                raise self._mapped(name, error, wrote=wrote) from error

    async def _made(self, name: str, args: tuple[Any, ...]) -> Any:
        method = self._method(name)
        if inspect.iscoroutinefunction(method):
            found = await method(*args)
            found = _listed(found) if name == "list" else found
        else:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self.at_once, "threadkeep-driver")
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._pool, partial(_called, name, method, args))
            if inspect.isawaitable(found):
                found = await found
        if isinstance(found, AsyncIterable):
            return [each async for each in cast("AsyncIterable[Any]", found)]
        return found

    def close(self) -> None:
        """End the threads. The driver stays its owner's."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)


class Calls(_Driver):
    """The twin for threads, for a driver without await."""

    def __init__(self, driver: object, what: str, needed: Iterable[str]) -> None:
        super().__init__(driver, what, needed)
        for name in needed:
            if inspect.iscoroutinefunction(self._method(name)):
                raise UsageError(
                    f"{name}() of {type(driver).__qualname__} is to be awaited; take AsyncStore"
                )
        self._gate = threading.Semaphore(self.at_once)

    def call(self, name: str, *args: Any, wrote: bool = False) -> Any:
        """Return what the method returns; its own errors become Unavailable. `wrote`: it may have had its effect."""
        with self._gate:
            try:
                found = _called(name, self._method(name), args)
            except ThreadkeepError:
                raise
            except Exception as error:
                raise self._mapped(name, error, wrote=wrote) from error
        if inspect.isawaitable(found) or isinstance(found, AsyncIterable):
            getattr(cast("object", found), "close", lambda: None)()  # a coroutine nobody will await
            raise UsageError(
                f"{name}() of {type(self.driver).__qualname__} is to be awaited; take AsyncStore"
            )
        return found

    def close(self) -> None:
        """Do nothing. The driver stays its owner's."""
