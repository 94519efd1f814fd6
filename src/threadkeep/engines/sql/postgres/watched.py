"""What this process watches, and what it has last seen of it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from threadkeep.model.refs import Ref


def key_of(ref: Ref) -> str:
    """Return what an entity is called among watchers, as the server's function does."""
    text = f"{ref.namespace}\x1f{ref.kind}\x1f{ref.id}"
    return sha256(text.encode()).hexdigest()[:32]


class Watched:
    """Entities with their keys; one may be watched several times. Any thread may add and remove."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refs: Counter[Ref] = Counter()
        self._keys: dict[str, Ref] = {}
        self._last: dict[Ref, tuple[Any, ...]] = {}
        self._unsettled: list[tuple[int | None, Ref]] = []

    @property
    def keys(self) -> list[str]:
        """Return all keys."""
        return list(self._keys)

    def add(self, ref: Ref) -> str:
        """Watch an entity and return its key."""
        key = key_of(ref)
        with self._lock:
            self._refs[ref] += 1
            self._keys[key] = ref
        return key

    def remove(self, ref: Ref) -> None:
        """Undo one `add`."""
        with self._lock:
            self._refs[ref] -= 1
            if self._refs[ref] <= 0:
                del self._refs[ref]
                self._keys.pop(key_of(ref), None)
                self._last.pop(ref, None)

    def ref_of(self, key: str) -> Ref | None:
        """Return the entity of a key."""
        return self._keys.get(key)

    def settle(self, ref: Ref) -> None:
        """Have `settled` return an entity when those have ended who began before writers knew of it."""
        with self._lock:
            self._unsettled.append((None, ref))

    @property
    def unsettled(self) -> bool:
        """Tell whether there is anything to settle."""
        return bool(self._unsettled)

    def settled(self, oldest: int, next_: int) -> list[Ref]:
        """Return the entities whose writers of before they were watched have all ended.

        `oldest` is the oldest transaction that runs, `next_` the first that has not begun.
        """
        with self._lock:
            before, self._unsettled = self._unsettled, []
            for edge, ref in before:
                if edge is None or edge > oldest:
                    self._unsettled.append((next_ if edge is None else edge, ref))
        return [ref for edge, ref in before if edge is not None and edge <= oldest]

    def columns(self) -> tuple[list[str], list[str], list[str]]:
        """Return namespaces, kinds and ids of all."""
        with self._lock:
            refs = list(self._keys.values())
        return [r.namespace for r in refs], [r.kind for r in refs], [r.id for r in refs]

    def changed(self, rows: Iterable[tuple[Any, ...]]) -> list[Ref]:
        """Return the entities that are not as they were seen last; a row is an address and what stands there."""
        found: list[Ref] = []
        with self._lock:
            for namespace, kind, id_, *state in rows:
                ref = Ref(namespace, kind, id_)
                if ref in self._refs and self._last.get(ref) != tuple(state):
                    self._last[ref] = tuple(state)
                    found.append(ref)
        return found
