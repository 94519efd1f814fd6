"""One result for all who wait for it."""

from __future__ import annotations

import asyncio
import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class AsyncOutcome(Generic[T]):
    """A result that is settled once; any number of tasks wait for it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._value: T | None = None

    def settle(self, value: T | None) -> None:
        """Give the result to all who wait now or later."""
        self._value = value
        self._event.set()

    async def wait(self, seconds: float) -> T | None:
        """Return the result; TimeoutError when it takes longer."""
        async with asyncio.timeout(seconds):
            await self._event.wait()
        return self._value


class Outcome(Generic[T]):
    """The twin for threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._value: T | None = None

    def settle(self, value: T | None) -> None:
        """Give the result to all who wait now or later."""
        self._value = value
        self._event.set()

    def wait(self, seconds: float) -> T | None:
        """Return the result; TimeoutError when it takes longer."""
        if not self._event.wait(seconds):
            raise TimeoutError
        return self._value
