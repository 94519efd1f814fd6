# Generated from src/threadkeep/_async/at_once.py by scripts/unasync. Do not edit.
"""Several calls at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from threadkeep.concurrency import Flow

T = TypeVar("T")
U = TypeVar("U")
AT_ONCE = 64


def at_once(items: list[T], action: Callable[[T], U], limit: int = AT_ONCE) -> dict[T, U]:
    """Return the result of the action for each item, `limit` at once; raise the first error when all have ended."""
    results: dict[T, U] = {}
    errors: list[Exception] = []

    def one(item: T) -> None:
        try:
            results[item] = action(item)
        except Exception as error:  # noqa: BLE001 - raised when all have ended
            errors.append(error)

    Flow.each(items, one, limit)
    if errors:
        raise errors[0]
    return {item: results[item] for item in items}
