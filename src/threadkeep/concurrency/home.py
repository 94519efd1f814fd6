"""Where a store lives: the event loop that uses it."""

from __future__ import annotations

import asyncio

from threadkeep.errors import UsageError


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
