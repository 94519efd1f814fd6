"""From a worker thread to those who wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

Pairs = list[tuple[Any, Any]]  # (slot, result or exception)


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
