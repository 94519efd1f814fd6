# Generated from src/threadkeep/testing/_async/witness.py by scripts/unasync. Do not edit.
"""A handler for tests: it remembers what it was told."""

from __future__ import annotations

from threadkeep._sync.lifecycle import ThreadEvent

EVENT = "thread.destroyed"


class Witness:
    """A handler that remembers what it was told and saw; it fails as often as asked."""

    def __init__(self, failures: int = 0) -> None:
        self.events: list[ThreadEvent] = []
        self.states: list[dict[str, object]] = []
        self._failures = failures

    def __call__(self, event: ThreadEvent) -> None:
        """Handle an event."""
        self.events.append(event)
        self.states.append(event.thread.state.get_all())
        if self._failures:
            self._failures -= 1
            raise RuntimeError("handler failed")
