"""A flag that any thread may set."""

from __future__ import annotations

import asyncio
import contextlib
import threading


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
