"""Several calls at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from threadkeep.concurrency import AsyncFlow

T = TypeVar("T")
U = TypeVar("U")
AT_ONCE = 64


async def at_once(
    items: list[T], action: Callable[[T], Awaitable[U]], limit: int = AT_ONCE
) -> dict[T, U]:
    """Return the result of the action for each item, `limit` at once; raise the first error when all have ended."""
    results: dict[T, U] = {}
    errors: list[Exception] = []

    async def one(item: T) -> None:
        try:
            results[item] = await action(item)
        except Exception as error:  # noqa: BLE001 - raised when all have ended
            errors.append(error)

    await AsyncFlow.each(items, one, limit)
    if errors:
        raise errors[0]
    return {item: results[item] for item in items}
