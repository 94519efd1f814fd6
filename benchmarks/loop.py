"""One event loop for all asynchronous subjects; it stands still while a synchronous one runs."""

import asyncio
import inspect
from types import TracebackType
from typing import Self


class Loop:
    """Run coroutines to their end from synchronous code, always on the same loop."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._runner.__exit__(kind, error, at)

    def settle(self, value: object) -> object:
        """Return the result of a coroutine, or the value itself when it is none."""
        return self._runner.run(value) if inspect.iscoroutine(value) else value
