"""What the server or a driver says, in our words."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from threadkeep.errors import (
    Forbidden,
    SchemaMismatch,
    ThreadkeepError,
    Timeout,
    TooLarge,
    Unavailable,
    UsageError,
)


class Lost(Exception):
    """The connection is no more. `sent`: the server may have had what was to be sent."""

    def __init__(self, text: str, *, sent: bool) -> None:
        super().__init__(text)
        self.sent = sent


class Failed(Exception):
    """The server refused a statement; those behind it in the packet were not run."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Oversized(Exception):
    """A packet is larger than the server takes; nothing was sent."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(
            f"the call takes {size} bytes on the wire, and the server's max_allowed_packet is {limit}"
        )


Trouble: Final = (Lost, Failed, Oversized)

DUPLICATE, DEADLOCK, LOCK_WAIT, CHANGED, NO_TABLE = 1062, 1213, 1205, 1020, 1146
PASSING: Final = frozenset({DUPLICATE, DEADLOCK, CHANGED})  # nothing is applied: it may go through
_GONE: Final = frozenset(
    {
        *(1040, 1042, 1053, 1077, 1078, 1079, 1080, 1081, 1152, 1156, 1158, 1159, 1160, 1161),
        *(1184, 1203, 1927, 3169, 4031),
        *range(2000, 2100),  # of the drivers themselves
    }
)
_UNSENT: Final = frozenset({1040, 1203, 2002, 2003, 2005})  # no connection came about
_KINDS: Final[tuple[tuple[frozenset[int], type[ThreadkeepError], str], ...]] = (
    (frozenset({LOCK_WAIT}), Timeout, "had the call wait too long for a lock"),
    (frozenset({1317, 1969, 3024}), Timeout, "stopped the call"),
    (
        frozenset({1044, 1045, 1142, 1143, 1227, 1290, 1370, 1698, 1792, 1836}),
        Forbidden,
        "does not allow it",
    ),
    (frozenset({1049, 1054, 1146, 1305}), SchemaMismatch, "lacks what this release needs"),
    (frozenset({1118, 1153, 1301, 1406}), TooLarge, "cannot take it"),
    (frozenset({1264, 1292, 1366}), UsageError, "cannot take a value of the call"),
)


def failure(error: Exception, *, sent: bool) -> Lost | Failed:
    """Return what a driver's error means. `sent`: it came after something had been sent."""
    args: tuple[Any, ...] = error.args
    code = args[0] if args and isinstance(args[0], int) else 0
    text = str(args[1]) if len(args) > 1 else str(error)
    if code in _GONE or code == 0:
        return Lost(f"{text} ({code})", sent=sent and code not in _UNSENT)
    return Failed(code, f"{text} ({code})")


def map_error(error: Exception, *, wrote: bool) -> ThreadkeepError:
    """Return the error to raise; `wrote`: the call may have changed something before it was lost."""
    if isinstance(error, ThreadkeepError):
        return error
    if isinstance(error, Oversized):
        return TooLarge(f"{error}; send less at once or raise it")
    if isinstance(error, Failed):
        if error.code in PASSING:
            return Unavailable(f"the server refused the call several times; try again: {error}")
        for codes, kind, what in _KINDS:
            if error.code in codes:
                return kind(f"the server {what}: {_first(error)}")
        return Unavailable(f"the server failed: {_first(error)}")
    return Unavailable(f"the server cannot be reached: {_first(error)}", maybe_applied=wrote)


def _first(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextmanager
def in_our_words() -> Generator[None]:
    """Raise the error of ours for what goes wrong in a call that changes nothing."""
    try:
        yield
    except Trouble as error:
        raise map_error(error, wrote=False) from error
