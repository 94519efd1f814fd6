"""A handler for tests: it remembers what it was told."""

from __future__ import annotations

from threadkeep._async.lifecycle import AsyncThreadEvent

EVENT = "thread.destroyed"


class AsyncWitness:
    """A handler that remembers what it was told and saw; it fails as often as asked."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[AsyncThreadEvent] = []
        self.states: list[dict[str, object]] = []
        self._failures = failures

    async def __call__(self, event: AsyncThreadEvent) -> None:
        """Handle an event."""
        self.events.append(event)
        self.states.append(await event.thread.state.get_all())
        if self._failures:
            self._failures -= 1
            raise RuntimeError("handler failed")
