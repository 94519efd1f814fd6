"""Telling watchers in this process that an entity has changed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from threadkeep.model.refs import Ref


class Hub:
    """Calls the callbacks of a reference; any thread may publish or subscribe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: dict[Ref, set[Callable[[], None]]] = {}

    def subscribe(self, ref: Ref, wake: Callable[[], None]) -> Callable[[], None]:
        """Call `wake` at each change of the entity until the returned function is called."""
        with self._lock:
            self._watchers.setdefault(ref, set()).add(wake)

        def unsubscribe() -> None:
            with self._lock:
                watchers = self._watchers.get(ref)
                if watchers is not None:
                    watchers.discard(wake)
                    if not watchers:
                        del self._watchers[ref]

        return unsubscribe

    @property
    def watched(self) -> bool:
        """Tell whether anybody watches anything."""
        return bool(self._watchers)

    def publish(self, ref: Ref) -> None:
        """Wake the watchers of an entity."""
        if not self._watchers:
            return
        with self._lock:
            watchers = tuple(self._watchers.get(ref, ()))
        for wake in watchers:
            wake()

    def publish_all(self) -> None:
        """Wake every watcher: somebody else changed something."""
        with self._lock:
            watchers = {wake for group in self._watchers.values() for wake in group}
        for wake in watchers:
            wake()
