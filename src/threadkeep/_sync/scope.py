# Generated from src/threadkeep/_async/scope.py by scripts/unasync. Do not edit.
"""One entity as a handle sees it: it runs plans, guards writes by epoch and turn, and meets its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

import msgspec

from threadkeep.errors import Gone, TooLarge, TurnLost
from threadkeep.layers.part_contents import ContentApart, with_contents
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.engine import Amending
from threadkeep.ops.ops import AnyGuard, Append, Claimed, Drop, Epoch, Restore, Same, Set, Touch
from threadkeep.ops.reply import Reply

if TYPE_CHECKING:
    from threadkeep._sync.lifecycle import Hold
    from threadkeep._sync.store import Store

R = TypeVar("R")
T = TypeVar("T")

# The turns that the running task (or thread) holds.
fences: ContextVar[Mapping[Ref, Same]] = ContextVar("threadkeep_fences", default={})  # noqa: B039 - never changed in place

# The ids of the requests that the running task answers, by the entity that each is about. The first write takes it.
requests: ContextVar[dict[Ref, Callable[[], str]]] = ContextVar("threadkeep_requests", default={})  # noqa: B039 - filled by those who set it


class Scope:
    """A reference, the store it lives in, and the epoch that this handle has seen."""

    __slots__ = ("_epoch", "_hold", "_pinned", "ref", "store")

    def __init__(self, store: Store, ref: Ref, hold: Hold | None = None) -> None:
        self.store = store
        self.ref = ref
        self._pinned = ref.kind == "thread"
        self._epoch = ""
        self._hold = hold

    def read(self, plan: Plan[T]) -> T:
        """Run a plan that only reads."""
        engine = self.store.engine or self.store.ready()
        if self._hold is not None:
            return plan.decode(self._read_held(with_contents(plan.batch)))
        reply = engine.run(plan.batch)
        lifecycle = self.store.lifecycle
        if reply.expired and lifecycle.handled and lifecycle.end(self.ref, wait=False):
            reply = engine.run(plan.batch)
        if not self._epoch:
            self._epoch = reply.epoch
        try:
            return plan.decode(reply)
        except ContentApart:  # a large part, met by a call that reads state
            return plan.decode(engine.run(with_contents(plan.batch)))

    def _read_held(self, batch: Batch) -> Reply:
        """Read the last state of an expired entity; the claim may be extended meanwhile."""
        assert self._hold is not None  # noqa: S101 - the caller asks first
        engine = self.store.ready()
        while True:
            token = self._hold.token
            held = msgspec.structs.replace(batch, guards=(Claimed(token), *batch.guards))
            reply = engine.run(held)
            if reply.failed != 0 or self._hold.token == token:
                break
        if reply.failed == 0:
            raise Gone(f"{self.ref} is being ended by somebody else; this event is no longer ours")
        return reply

    def write(self, plan: Plan[T]) -> T:
        """Run a plan that writes: refused with Gone or TurnLost when this handle's time is over."""
        engine = self.store.engine or self.store.ready()
        guards = self._guards()
        batch = self._complete(plan.batch, guards)
        pending = requests.get()
        asked = pending.get(self.ref) if pending else None
        if asked is not None and batch.once is None:
            batch = msgspec.structs.replace(batch, once=asked())
        reply = self._written(guards, lambda: engine.run(batch))
        if asked is not None and reply.ok:
            self.take_request()
        return plan.decode(reply)

    def amending(self) -> Amending | None:
        """Return the engine where it runs a read and what is made of it in one transaction."""
        engine = self.store.engine or self.store.ready()
        return engine if self._hold is None and isinstance(engine, Amending) else None

    def amend(self, engine: Amending, plan: Plan[T], then: Callable[[T], Plan[R]]) -> R:
        """Run a plan that reads and the one that `then` makes of its result, in one transaction; see `write`."""
        guards = self._guards()
        made: list[Plan[R]] = []

        def decide(reply: Reply) -> Batch:
            made[:] = [then(plan.decode(reply))]
            return self._complete(made[0].batch, guards)

        reply = self._written(guards, lambda: engine.amend(plan.batch, decide))
        return made[0].decode(reply)

    def _written(self, guards: tuple[AnyGuard, ...], call: Callable[[], Reply]) -> Reply:
        """Return the reply of a call that writes under these guards of the handle's own."""
        reply = call()
        while reply.expired and not reply.ok and reply.failed is None:
            self.store.lifecycle.end(self.ref, wait=True)
            reply = call()
        if reply.failed is not None and reply.failed < len(guards):
            raise self._refusal(guards[reply.failed], reply)
        if reply.epoch:
            self._epoch = reply.epoch
        return reply

    def take_request(self) -> str | None:
        """Return the id under which the request may come again, and have the next write go without it."""
        pending = requests.get()
        asked = pending.pop(self.ref, None) if pending else None
        return None if asked is None else asked()

    def _guards(self) -> tuple[AnyGuard, ...]:
        found: list[AnyGuard] = []
        if self._hold is not None:
            found.append(Claimed(self._hold.token))
        elif self._pinned and self._epoch:
            found.append(Epoch(self._epoch))
        fence = fences.get().get(self.ref)
        if fence is not None:
            found.append(fence)
        return tuple(found)

    def _complete(self, batch: Batch, guards: tuple[AnyGuard, ...]) -> Batch:
        """Add what the store's options ask for to a batch, and hold it against the limit."""
        ops = batch.ops
        size = 0
        lease = None if self._hold else self.store.entity_lease(self.ref.kind)
        for op in ops:
            if isinstance(op, Set):
                size += sum(map(len, op.items.values()))
            elif isinstance(op, Append):
                size += sum(map(len, op.items))
            elif isinstance(op, Restore):
                size += sum(len(item.value) for item in op.items)
            elif isinstance(op, Drop):  # nothing is left to have a lease
                lease = None
        if size > self.store.limits.batch:
            raise TooLarge(f"the call weighs {size} bytes; the limit is {self.store.limits.batch}")
        if lease is not None:
            ops = (*ops, Touch(lease=lease, birth=True))
        if not guards and lease is None:
            return batch
        return msgspec.structs.replace(batch, ops=ops, guards=(*guards, *batch.guards))

    def _refusal(self, guard: AnyGuard, reply: Reply) -> Exception:
        if isinstance(guard, Same):
            return TurnLost(
                f"the turn on {self.ref} is over: its lease ran out or another caller took it; nothing was written",
                revision=reply.revision,
                ref=self.ref,
            )
        return Gone(
            f"{self.ref} was destroyed or has expired; take a new handle to begin a new one;"
            " nothing was written",
            ref=self.ref,
        )
