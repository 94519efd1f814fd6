"""An event loop for callers that have none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from threadkeep.errors import UsageError

T = TypeVar("T")


class OverdueError(Exception):
    """The loop did not come to an end of the work in time."""


class LoopThread:
    """Runs coroutines of any number of threads in one event loop, in a thread of its own.

    What waits for a socket without a loop cannot be cut short; here a deadline is exact.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Return the result of a coroutine; it is cancelled when the caller is interrupted.

        OverdueError after so many seconds, whatever the loop does; the coroutine is cancelled then.
        """
        with self._lock:  # so that it is begun before a `stop` that comes after it
            future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.cancel():
                raise OverdueError from None
            return future.result()
        except CancelledError:
            raise UsageError("this store was closed while the call was under way") from None
        except BaseException:
            future.cancel()
            raise

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=_turn, args=(self._loop,), name="threadkeep-loop", daemon=True
            )
            self._thread.start()
        return self._loop

    def stop(self) -> None:
        """Cancel what runs and end the thread; twice is fine."""
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
