"""The memory engine: the reference semantics over dicts, and the oracle of the tests."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from threadkeep.engines.apply import apply
from threadkeep.engines.cursor import Place, check_query, pack, unpack
from threadkeep.engines.memory_view import Cell, Index, Key, MemoryView
from threadkeep.engines.notify import Hub
from threadkeep.engines.reads import dead_sizes, is_over, read, row_info
from threadkeep.engines.tend import tend
from threadkeep.engines.view import HIDDEN
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Listed, Page, Query
from threadkeep.ops.reply import EntityInfo, Reply


class Memory:
    """Entities in this process's memory; lost at its end. Any thread may call it."""

    def __init__(self, now: Callable[[], int], limits: Limits) -> None:
        self.cells: dict[Ref, Cell] = {}
        self.tombstones: dict[tuple[Ref, str], int] = {}
        self.due: dict[Ref, int] = {}
        self.index = Index()
        self.hub = Hub()
        self._now = now
        self._limits = limits
        self._lock = threading.Lock()

    capabilities = Capabilities(name="memory", durability="none", processes=False, clock=True)

    def run(self, batch: Batch) -> Reply:
        """Run a batch."""
        check(batch)
        with self._lock:
            view = MemoryView(self, batch.ref)
            now = self._now()
            reply = read(view, batch, now) or apply(view, batch, now, self._limits)
        if reply.changed:
            self.hub.publish(batch.ref)
        return reply

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to the caller and reclaim what has run out."""
        with self._lock:
            now = self._now()
            space = due.ref.namespace if due.ref else due.namespace
            for key in [k for k, until in self.tombstones.items() if until <= now]:
                if space in (None, key[0].namespace):
                    del self.tombstones[key]
            asked = [due.ref] if due.ref else [r for r, at in self.due.items() if at <= now]
            claims: list[Claim] = []
            for ref in asked:
                if due.namespace is not None and ref.namespace != due.namespace:
                    continue
                claim = tend(MemoryView(self, ref), ref, now, due)
                if claim is not None:
                    claims.append(claim)
                if len(claims) >= due.limit:
                    break
        return tuple(claims)

    def scan(self, query: Query) -> Page:
        """Return one page of a listing."""
        check_query(query)
        with self._lock:
            if query.order == "id":
                return self._by_id(query)
            return self._newest(query)

    def _alive(self, ref: Ref, query: Query) -> bool:
        cell = self.cells[ref]
        row = cell.row
        if is_over(row, max(self._now(), row.updated)):
            return False
        if any(row.labels.get(name) != value for name, value in query.labels):
            return False
        if cell.logs or row.labels or row.end is not None:
            return True
        now = max(self._now(), row.updated)
        return any(
            f.end is None or f.end > now
            for map_, stored in cell.maps.items()
            if not map_.startswith(HIDDEN)
            for f in stored.values()
        )

    def _list(self, refs: list[Ref]) -> tuple[Listed, ...]:
        return tuple(Listed(ref, self._info(ref)) for ref in refs)

    def _info(self, ref: Ref) -> EntityInfo:
        row = self.cells[ref].row
        dead = dead_sizes(MemoryView(self, ref), row, max(self._now(), row.updated))
        return row_info(row, dead)

    def _by_id(self, query: Query) -> Page:
        key = (query.namespace, query.kind)
        ids = self.index.ids.get(key)
        if ids is None:
            everything = self.index.places.get((*key, None), {})
            ids = self.index.ids[key] = sorted(ref.id for ref in everything.values())
        prefix, last = query.prefix or "", unpack(query).last
        start = bisect_left(ids, prefix) if last is None else bisect_right(ids, last)
        found: list[Ref] = []
        for at in range(start, len(ids)):
            name = ids[at]
            if not name.startswith(prefix):
                break
            ref = Ref(query.namespace, query.kind, name)
            if self._alive(ref, query):
                if len(found) == query.limit:
                    return Page(self._list(found), pack(Place("id", last=found[-1].id)))
                found.append(ref)
        return Page(self._list(found))

    def _newest(self, query: Query) -> Page:
        keys: list[Key] = [(query.namespace, query.kind, label) for label in query.labels]
        keys = keys or [(query.namespace, query.kind, None)]
        places = min((self.index.of(key) for key in keys), key=len)
        place = unpack(query)
        top = next(reversed(places), 0)
        moved = [at for at in self._moved(places, place) if self._alive(places[at], query)]
        if len(moved) > query.limit:
            del moved[query.limit :]
            return self._page(places, moved, place.within_moved(moved[-1], top))
        room, below = query.limit - len(moved), place.below
        for at in reversed(places):
            if (below is not None and at >= below) or not self._alive(places[at], query):
                continue
            if room == 0:
                return self._page(places, moved, Place("newest", below, top))
            moved.append(at)
            below, room = at, room - 1
        return self._page(places, moved, None)

    def _moved(self, places: dict[int, Ref], place: Place) -> list[int]:
        """Return, lowest first, what has moved up since the last page and had not had its turn."""
        found: list[int] = []
        if place.seen is None:
            return found
        for at in reversed(places):
            if at <= place.seen:
                break
            if place.awaits(at, self.cells[places[at]].row.prior):
                found.append(at)
        return found[::-1]

    def _page(self, places: dict[int, Ref], found: list[int], after: Place | None) -> Page:
        refs = [places[at] for at in found]
        refs.sort(key=lambda ref: self.cells[ref].row.updated, reverse=True)
        return Page(self._list(refs), pack(after) if after else None)
