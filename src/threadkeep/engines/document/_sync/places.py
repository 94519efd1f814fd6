# Generated from src/threadkeep/engines/document/_async/places.py by scripts/unasync. Do not edit.
"""Places in listings: each higher than all that were ever given for a kind of entity."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import random

import msgspec

from threadkeep.concurrency import Flow, Lock
from threadkeep.engines.document._sync.rows import Rows
from threadkeep.engines.document.documents import document_id
from threadkeep.errors import Unavailable
from threadkeep.model.refs import Ref

STALL = 10.0  # seconds that a listing waits for who has a place and has not stored it
TRIES = 1000


class Top(msgspec.Struct, kw_only=True):
    """The highest place of a kind of entity, and the places that somebody is about to move to."""

    threadkeep: int = 1
    version: int = 0
    top: int = 0
    moving: list[int] = []


class Places:
    """Gives places and tells how high a listing may look. Kept in a document for each kind."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._lock = Lock()
        self._known: dict[tuple[str, str], Top] = {}

    def take(self, ref: Ref, least: int, *, moves: bool) -> int:
        """Return a place of at least `least`. `moves`: a listing waits for `moved` before it looks."""
        place = 0

        def change(top: Top) -> None:
            nonlocal place
            place = max(least, top.top + 1)
            top.top = place
            if moves:
                top.moving.append(place)

        self._change(ref.namespace, ref.kind, change)
        return place

    def moved(self, ref: Ref, places: list[int]) -> None:
        """Tell that the entity stands at its new place, or never will."""
        known = self._known.get((ref.namespace, ref.kind))
        if known is not None and not self._rows.compares:
            known.moving = [each for each in known.moving if each not in places]
            return

        def change(top: Top) -> None:
            top.moving = [each for each in top.moving if each not in places]

        self._change(ref.namespace, ref.kind, change)

    def top(self, namespace: str, kind: str) -> int:
        """Return the highest place given; who moved to it or below has been stored by then."""
        end = time.monotonic() + STALL
        seen: int | None = None
        while True:
            top = self._look(namespace, kind)
            seen = top.top if seen is None else seen
            waiting = [place for place in top.moving if place <= seen]
            if not waiting:
                return seen
            if time.monotonic() > end:  # its process has died
                self.moved(Ref(namespace, kind, ""), waiting)
                return seen
            Flow.sleep(0.005)

    def _look(self, namespace: str, kind: str) -> Top:
        known = self._known.get((namespace, kind))
        if known is not None and not self._rows.compares:
            return known
        with self._lock:
            return self._load(namespace, kind)

    def _load(self, namespace: str, kind: str) -> Top:
        found: Top = self._rows.load(document_id(namespace, kind), Top) or Top()
        if not self._rows.compares:
            found.moving = []  # of a process that has ended
        self._known[namespace, kind] = found
        return found

    def _change(self, namespace: str, kind: str, change: Callable[[Top], None]) -> None:
        """Change the document, again while other processes are faster. Nothing of an entity is written."""
        key, id_ = (namespace, kind), document_id(namespace, kind)
        with self._lock:
            for attempt in range(TRIES):
                known = self._known.get(key) or self._load(namespace, kind)
                fresh = Top(top=known.top, moving=list(known.moving))
                change(fresh)
                try:
                    stored = self._rows.save(id_, fresh, known.version)
                except Unavailable as error:
                    self._known.pop(key, None)
                    raise Unavailable(str(error)) from error
                if stored:
                    self._known[key] = fresh
                    return
                self._known.pop(key, None)
                Flow.sleep(min(attempt, 20) * 0.002 * random())  # noqa: S311 - to keep rivals apart
        raise Unavailable("other processes were faster each time")
