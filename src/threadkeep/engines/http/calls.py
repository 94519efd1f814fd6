"""Calls to a server: when they end, when they are made again, and what is known of their effect."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from threadkeep.errors import Forbidden, ThreadkeepError, Timeout, Unavailable

T = TypeVar("T")
FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 1.0


class Fate:
    """A call: whether it may be made again (`again`), whether it writes, and whether a try of it went out."""

    __slots__ = ("again", "sent", "writes")

    def __init__(self, *, again: bool, writes: bool) -> None:
        self.again, self.writes = again, writes
        self.sent = False

    @property
    def maybe_applied(self) -> bool:
        """Tell whether the server may have done it."""
        return self.sent and self.writes


class LostError(Exception):
    """A try came to nothing and may have had its effect: the connection ended, or what answered does not know.

    `error`: what the other side said, where it said something.
    """

    def __init__(self, reason: str, error: ThreadkeepError | None = None) -> None:
        super().__init__(reason)
        self.error = error
        self.pause = 0.0


class BusyError(Exception):
    """A try was refused before anything was done; `pause` seconds later the server may take it."""

    def __init__(self, error: ThreadkeepError, pause: float) -> None:
        super().__init__(str(error))
        self.error, self.pause = error, pause


async def persist(
    attempt: Callable[[float, Fate], Awaitable[T]], fate: Fate, where: str, seconds: float
) -> T:
    """Return the result of a call, tried until it succeeds, is refused for good, or `seconds` have passed.

    An attempt is told the loop time at which it must have ended, and marks in its fate when it goes out.
    Raises Timeout or Unavailable with what is known: `maybe_applied` is False only where no try went out
    or the server said that it did nothing.
    """
    clock = asyncio.get_running_loop().time
    deadline, pause, applied = clock() + seconds, FIRST_PAUSE, False
    while True:
        fate.sent, ends = False, False
        error: LostError | BusyError
        try:
            async with asyncio.timeout_at(deadline):
                return await attempt(deadline, fate)
        except TimeoutError:
            late = f"{where} did not answer within {seconds:g} seconds"
            raise Timeout(late, maybe_applied=applied or fate.maybe_applied) from None
        except LostError as lost:
            applied = applied or fate.maybe_applied
            ends, error = fate.sent and not fate.again, lost
        except BusyError as busy:
            error = busy
        except ThreadkeepError as refused:
            raise _told(refused, fate, applied=applied) from None
        pause = max(pause, error.pause)
        left = deadline - clock()
        if ends or left <= pause:
            raise _final(error, where, applied=applied) from error
        await asyncio.sleep(min(left, _spread(pause, asked=error.pause > 0)))
        pause = min(pause * 2, LONGEST_PAUSE)


def _spread(pause: float, *, asked: bool) -> float:
    """Return a pause that differs between callers, so that they do not come back all at once."""
    low, high = (1.0, 1.25) if asked else (0.5, 1.0)
    return pause * random.uniform(low, high)  # noqa: S311 - no secret


def _told(error: ThreadkeepError, fate: Fate, *, applied: bool) -> ThreadkeepError:
    """Return what the server refused with; it does not know of a try before, of which nothing was heard."""
    if isinstance(error, Unavailable):
        error.maybe_applied = applied or (error.maybe_applied and fate.writes)
    elif applied and isinstance(error, Forbidden):
        return Unavailable(f"{error}; a try before it was not answered", maybe_applied=True)
    return error


def _final(error: LostError | BusyError, where: str, *, applied: bool) -> ThreadkeepError:
    found = error.error
    if found is None:
        return Unavailable(f"the connection to {where} failed: {error}", maybe_applied=applied)
    if isinstance(found, Unavailable):
        found.maybe_applied = applied
        return found
    return Unavailable(str(found), maybe_applied=True) if applied else found
