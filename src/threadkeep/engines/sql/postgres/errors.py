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

DRIVER: Final = (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests)
# nothing was applied, and the same call may go through in a moment
_AGAIN: Final = ("40001", "40P01", "55P03")
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
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return error.sqlstate is None or error.sqlstate.startswith("08") or error.sqlstate in _DOWN
    return False


def map_error(error: BaseException, *, wrote: bool) -> ThreadkeepError:
    """Return the error to raise; `wrote`: the call may have changed something before it was lost."""
    if isinstance(error, ThreadkeepError):
        return error
    state = getattr(error, "sqlstate", None) or ""
    if state == "TK001":
        return _refused(error)
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Timeout(f"no connection to PostgreSQL was free in time: {_first(error)}")
    if isinstance(error, PoolClosed):
        return Unavailable(f"the pool of connections is closed: {_first(error)}")
    if state == "57014":
        return Timeout(f"PostgreSQL stopped the call: {_first(error)}; see statement_timeout")
    if state in _AGAIN:
        return Unavailable(f"PostgreSQL refused the call several times: {_first(error)}; try again")
    if state in {"42501", "28000", "28P01", "25006"}:
        return Forbidden(f"PostgreSQL does not allow it: {_first(error)}")
    if state in {"42P01", "42883", "42703", "3F000"}:
        return SchemaMismatch(f"the database lacks what this release needs: {_first(error)}")
    if state.startswith("53"):
        return Unavailable(f"PostgreSQL is short of resources: {_first(error)}")
    if state in {"54000", "54001", "22001"}:
        return TooLarge(f"PostgreSQL cannot take it: {_first(error)}")
    if state.startswith("22"):
        return UsageError(f"PostgreSQL cannot take a value of the call: {_first(error)}")
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
