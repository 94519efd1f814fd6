"""Requests that are right as they stand and do not fit what the store holds: 409 and 404, not 400."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from threadkeep.errors import Conflict, NotFound, UsageError


@contextmanager
def fitting(told: type[UsageError]) -> Generator[None]:
    """Answer 409 where what stands in a field is not what the request adds to, which the error `told` says."""
    try:
        yield
    except told as error:
        if type(error) is not told:
            raise
        raise Conflict(str(error)) from error


@contextmanager
def page_after(cursor: str | None) -> Generator[None]:
    """Answer 404 for a page after a cursor that the listing did not give."""
    try:
        yield
    except UsageError as error:
        if cursor is None:
            raise
        raise NotFound(str(error)) from error
