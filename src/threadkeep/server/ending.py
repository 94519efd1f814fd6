"""Hearing that the process was told to end, before the server begins to wait for open streams."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_end(event: asyncio.Event) -> Generator[None]:
    """Set the event when the process gets SIGINT or SIGTERM; whoever handled these goes on doing so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def heard(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)
        if callable(before[number]):
            before[number](number, frame)

    for number in _SIGNALS:
        before[number] = signal.getsignal(number)
        signal.signal(number, heard)
    try:
        yield
    finally:
        for number in _SIGNALS:
            if signal.getsignal(number) is heard:
                signal.signal(number, before[number])
