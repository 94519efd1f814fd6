# Generated from src/threadkeep/engines/document/_async/engine.py by scripts/unasync. Do not edit.
"""The engine over documents: each entity is one, read and written whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from random import random
from typing import Any

from threadkeep.concurrency import Flow, Home, Lock, Pace, Signal
from threadkeep.engines.apply import apply
from threadkeep.engines.document._sync.places import Places
from threadkeep.engines.document._sync.rows import Rows
from threadkeep.engines.document.documents import id_of
from threadkeep.engines.document.pages import newest, within
from threadkeep.engines.document.stored import Stored, ending, fill, taken
from threadkeep.engines.memory import Memory
from threadkeep.engines.memory_view import MemoryView
from threadkeep.engines.notify import Hub
from threadkeep.engines.reads import read
from threadkeep.errors import Unavailable
from threadkeep.model.defaults import micros_of
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import Info
from threadkeep.ops.reply import Reply

TRIES = 1000
STRIPES = 256
LOOK = 0.5  # seconds between two looks of a watcher for changes by other processes
CHUNK = 200


class DocumentEngine:
    """Keep entities as documents of a program's driver: a class with `get`, `set`, `delete` and `list`.

    Atomic among the callers of this engine; with the driver's `compare_and_set` among all processes. A write
    reads and writes the whole entity, a listing newest first reads every document of its kind. The driver
    stays its owner's: it is not closed.

    Args:
        driver: its methods may be awaitable or not; those that are not are called in a thread.
        now: returns microseconds since 1970; the clock of this process when omitted.
        limits: what a call may weigh.
    """

    def __init__(
        self, driver: object, now: Callable[[], int] | None = None, limits: Limits | None = None
    ) -> None:
        self._rows = Rows(driver)
        self._now = now or micros_of(None)
        self._limits = limits or Limits()
        self._places = Places(self._rows)
        self._locks = [Lock() for _ in range(STRIPES)]
        self._hub = Hub()
        self._home = Home()
        self._pace = Pace()
        self._waiting: deque[Ref] = deque()

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do with this driver."""
        return Capabilities(
            name="document",
            durability=getattr(self._rows.calls.driver, "durability", "none"),
            processes=self._rows.compares,
            clock=True,
            version=", ".join(self._rows.extras),
        )

    def setup(self) -> None:
        """Have the driver make itself ready, where it has a method `setup`."""
        self._home.check()
        self._rows.setup()

    def run(self, batch: Batch) -> Reply:
        """Run a batch on one entity: reads in one call of the driver, writes in two."""
        self._home.check()
        check(batch)
        if self._pace.due():
            self._pace.wait()
        if not (batch.guards or batch.once or batch.writes):
            memory = self._memory(self._rows.entity(batch.ref))
            reply = read(MemoryView(memory, batch.ref), batch, self._now())
            if reply is not None:
                return reply
        return Flow.finish(self._apply(batch))

    def _memory(self, *stored: Stored | None) -> Memory:
        memory = Memory(self._now, self._limits)
        for each in stored:
            if each is not None:
                fill(memory, each)
        return memory

    def _apply(self, batch: Batch) -> Reply:
        def change(memory: Memory) -> Reply:
            view, now = MemoryView(memory, batch.ref), self._now()
            return read(view, batch, now) or apply(view, batch, now, self._limits)

        reply: Reply = self._change(batch.ref, change)
        if reply.changed:
            self._hub.publish(batch.ref)
        return reply

    def _change(self, ref: Ref, change: Callable[[Memory], Any]) -> Any:
        """Load an entity, change it, store it; again while other processes are faster."""
        with self._locks[hash(ref) % STRIPES]:
            for attempt in range(TRIES):
                found = self._rows.entity(ref)
                memory = self._memory(found)
                result = change(memory)
                if self._store(ref, memory, found or Stored(ref=ref)):
                    return result
                Flow.sleep(min(attempt, 20) * 0.002 * random())  # noqa: S311 - to keep rivals apart
        raise Unavailable(f"others wrote {ref} faster each time")

    def _store(self, ref: Ref, memory: Memory, before: Stored) -> bool:
        """Store what has changed; False when somebody else has changed it since it was read."""
        after = taken(memory, ref)
        after.version = before.version
        if after == before:
            return True
        if after.empty:
            removed = self._rows.remove(id_of(ref), before.version)
            if removed is not None:
                return removed
        wanted = memory.index.top.get((ref.namespace, ref.kind))
        if wanted is None or after.row is None:
            return self._save(ref, after)
        moves = before.row is not None
        after.row.listed = self._places.take(ref, wanted, moves=moves)
        try:
            return self._save(ref, after)
        finally:
            if moves:
                self._places.moved(ref, [after.row.listed])

    def _save(self, ref: Ref, stored: Stored) -> bool:
        end = ending(stored)
        seconds = None if end is None else max(0, end - self._now()) // SECOND + 2
        return self._rows.save(id_of(ref), stored, stored.version, seconds)

    def scan(self, query: Query) -> Page:
        """Return one page of a listing: by id it reads the documents of the page, else those of the kind."""
        self._home.check()
        seen = 0
        if query.order == "newest":
            seen = self._places.top(query.namespace, query.kind)
        refs = self._rows.refs(query.namespace, query.kind)
        if query.order == "newest":
            stored = self._rows.entities(refs)
            return newest(query, stored, seen, self._memory)
        return self._by_id(query, within(query, refs))

    def _by_id(self, query: Query, refs: list[Ref]) -> Page:
        """Read documents in order until they fill the page."""
        stored: list[Stored] = []
        asked = refs
        while True:
            some, asked = asked[:CHUNK], asked[CHUNK:]
            stored += self._rows.entities(some)
            page = self._memory(*stored).scan(query)
            if page.cursor is not None or not asked:
                return page

    def claim(self, due: Due) -> tuple[Claim, ...]:
        """Lease expired entities to this caller and reclaim what has run out elsewhere; reads every document."""
        self._home.check()
        if due.ref is not None:
            return self._claim(due.ref, due)
        claims: list[Claim] = []
        looked = False
        while len(claims) < due.limit:
            try:
                ref = self._waiting.popleft()
            except IndexError:
                if looked or claims:
                    break
                self._waiting.extend(self._due(due.namespace))
                looked = True
                continue
            if due.namespace in {None, ref.namespace}:
                claims += self._claim(ref, due)
        return tuple(claims)

    def _claim(self, ref: Ref, due: Due) -> tuple[Claim, ...]:
        one = Due(lease=due.lease, ref=ref, token=due.token)
        return Flow.finish(self._change(ref, lambda memory: memory.claim(one)))

    def _due(self, namespace: str | None) -> list[Ref]:
        refs = self._rows.refs(namespace)
        found: list[Ref] = []
        for at in range(0, len(refs), CHUNK):
            now = self._now()
            for stored in self._rows.entities(refs[at : at + CHUNK]):
                due = None if stored.row is None else stored.row.due
                if (due is not None and due <= now) or min(
                    stored.ended.values(), default=now + 1
                ) <= now:
                    found.append(stored.ref)
        return found

    def watch(self, ref: Ref) -> Iterator[int]:
        """Yield the revision now and then after each change, coalesced; others' changes within half a second."""
        self._home.check()
        signal = Signal()
        unsubscribe = self._hub.subscribe(ref, signal.set)
        last = -1
        try:
            while True:
                reply = self.run(Batch(ref, (Info(),)))
                if reply.revision != last:
                    last = reply.revision
                    yield last
                signal.wait(LOOK)
        finally:
            unsubscribe()

    def close(self) -> None:
        """End the threads, not the driver; twice is fine."""
        if not self._home.left:
            self._rows.calls.close()
