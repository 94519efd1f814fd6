"""When to let others run."""

from __future__ import annotations

import asyncio


class AsyncPace:
    """Says when calls that never wait should give way, so that no turn of the loop takes long.

    One task may make 32 calls in a turn; where many tasks call, each makes its share of that.
    """

    _CALLS = 32

    def __init__(self) -> None:
        self._burst, self._made, self._ways = self._CALLS, 0, 0

    def due(self) -> bool:
        """Count a call; True when the caller should give way first."""
        self._made += 1
        if self._made < self._burst:
            return False
        self._made = 0
        if not self._ways:
            asyncio.get_running_loop().call_soon(self._turn)
        self._ways += 1
        return True

    def _turn(self) -> None:
        self._burst, self._ways = max(1, self._CALLS // self._ways), 0


class Pace:
    """The twin for threads, which take turns by themselves."""

    def due(self) -> bool:
        """Return False."""
        return False
