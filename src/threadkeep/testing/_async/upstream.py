"""The tool that a cache stands before, in tests."""

from __future__ import annotations

from typing import Any

from threadkeep.testing.tasks import AsyncTasks

UNSET = object()


class AsyncUpstream:
    """A tool that notes its calls, may take its time, holds them while told to, and fails as often as told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.pause = 0.0
        self.held = False
        self.failures = 0
        self.answer: Any = UNSET

    async def __call__(self, **args: Any) -> Any:
        """Return the arguments and the number of the call, or the answer that was set."""
        self.calls.append(args)
        number = len(self.calls)
        if self.pause:
            await AsyncTasks.sleep(self.pause)
        if self.held:
            await AsyncTasks.until(self._freed)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the tool is out of reach")
        return {**args, "call": number} if self.answer is UNSET else self.answer

    async def _freed(self) -> bool:
        return not self.held

    async def begun(self, before: int) -> bool:
        """Tell whether there were more calls than before."""
        return len(self.calls) > before
