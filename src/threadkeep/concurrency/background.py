"""Work that nobody waits for, until the end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

PATIENCE = 5.0  # seconds that the end waits for threads, which cannot be cut short


class AsyncBackground:
    """Runs calls in tasks of their own; they handle their own errors."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, call: Callable[[], Awaitable[object]]) -> None:
        """Begin a call."""

        async def run() -> None:
            await call()

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Cut short what runs and wait for its end."""
        for task in (tasks := list(self._tasks)):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Background:
    """The twin for threads."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()

    def start(self, call: Callable[[], object]) -> None:
        """Begin a call."""

        def run() -> None:
            try:
                call()
            finally:
                self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, daemon=True)
        self._threads.add(thread)
        thread.start()

    def stop(self) -> None:
        """Wait for what runs, 5 seconds at most."""
        end = time.monotonic() + PATIENCE
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))
