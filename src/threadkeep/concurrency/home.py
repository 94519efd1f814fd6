"""Where a store lives: the process and the event loop that use it."""

from __future__ import annotations

import asyncio
import os

from threadkeep.errors import UsageError

_forks = 0  # how many forks this process descends from


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 - a fact about the process
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)


class Home:
    """The process that a store belongs to, the first that uses it; its threads may all share it."""

    def __init__(self) -> None:
        self._forks: int | None = None

    @property
    def left(self) -> bool:
        """Tell whether this is a process forked from the one that the store belongs to."""
        return self._forks is not None and self._forks != _forks

    def check(self) -> None:
        """Raise UsageError in a forked process: connections and threads do not survive a fork."""
        if self._forks is None:
            self._forks = _forks
        elif self._forks != _forks:
            raise UsageError(
                "this store was opened before its process forked; open one in each process"
            )


class AsyncHome(Home):
    """The event loop that a store belongs to: the first that uses it."""

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None

    def check(self) -> None:
        """Raise UsageError in a forked process and in another event loop than before."""
        super().check()
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise UsageError(
                "this AsyncStore belongs to another event loop; open one store per loop"
            )
