"""What the server or the driver says, in our words."""

from __future__ import annotations

import json
from typing import Final

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from threadkeep.errors import (
    Forbidden,
    SchemaMismatch,
    ThreadkeepError,
    Timeout,
    TooLarge,
    Unavailable,
    UsageError,
)
from threadkeep.ops.numbers import refused

NO_LINE: Final = (PoolTimeout, PoolClosed, TooManyRequests)  # nothing was sent
DRIVER: Final = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests)
# nothing was applied, and the same call may go through in a moment
_AGAIN: Final = ("40001", "40P01")
OWN: Final = "TK001"  # raised by our functions
_KINDS: Final[tuple[tuple[tuple[str, ...], type[ThreadkeepError], str], ...]] = (
    (("57014",), Timeout, "stopped the call; see statement_timeout"),
    (("55P03",), Timeout, "waited too long for a lock; see lock_timeout"),
    (_AGAIN, Unavailable, "refused the call several times; try again"),
    (("42501", "28", "25006"), Forbidden, "does not allow it"),
    (("42P01", "42883", "42703", "3F000"), SchemaMismatch, "lacks what this release needs"),
    (("54", "22001"), TooLarge, "cannot take it"),
    (("22",), UsageError, "cannot take a value of the call"),
)
_DOWN: Final = ("57P01", "57P02", "57P03", "53300", "25006")


def passes(error: BaseException) -> bool:
    """Tell whether the call had no effect and may simply be made again."""
    state = getattr(error, "sqlstate", None)
    return state in _AGAIN or (
        isinstance(error, errors.UniqueViolation)
        and (error.diag.constraint_name or "").endswith("_listed_idx")
    )


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection went away, so that it is not known whether the call had its effect."""
    if isinstance(error, NO_LINE):
        return False
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in _DOWN
    return False


def map_error(error: BaseException, *, wrote: bool) -> ThreadkeepError:
    """Return the error to raise; `wrote`: the call may have changed something before it was lost."""
    if isinstance(error, ThreadkeepError):
        return error
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Timeout(f"no connection to PostgreSQL was free in time: {_first(error)}")
    if isinstance(error, PoolClosed):
        return Unavailable(f"the pool of connections is closed: {_first(error)}")
    state = getattr(error, "sqlstate", None) or ""
    if state == OWN:
        return _refused(error)
    for states, kind, what in _KINDS:
        if state.startswith(states):
            return kind(f"PostgreSQL {what}: {_first(error)}")
    return Unavailable(
        f"PostgreSQL cannot be reached or failed: {_first(error)}",
        maybe_applied=wrote and (is_lost(error) or not state),
    )


def _first(error: BaseException) -> str:
    """Return the first line of what was said: the others may hold values."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _refused(error: BaseException) -> ThreadkeepError:
    assert isinstance(error, psycopg.Error)  # noqa: S101 - it has a state of ours
    why = error.diag.message_primary or ""
    found = json.loads(error.diag.message_detail or "{}")
    if why in {"fields", "labels"}:
        return TooLarge(
            f"the entity would hold {found['found']} {why}; the limit is {found['limit']}"
        )
    if why == "expired":
        return UsageError("the entity has expired; its last state can be read, not written")
    return UsageError(refused(why, found["field"]))
