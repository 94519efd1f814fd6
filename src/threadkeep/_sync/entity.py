# Generated from src/threadkeep/_async/entity.py by scripts/unasync. Do not edit.
"""Handles: a thread, a user, the app. Making one does no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from threadkeep._sync.messages import Messages
from threadkeep._sync.parts import Parts
from threadkeep._sync.scope import Scope
from threadkeep._sync.snapshots import Snapshots
from threadkeep._sync.state import State, Ttl
from threadkeep._sync.turn import Turn
from threadkeep.layers import directory, ending, forking
from threadkeep.model.leases import FOREVER, SECOND, lease_of
from threadkeep.model.records import Change, ThreadInfo
from threadkeep.model.refs import ref
from threadkeep.ops.engine import Due

if TYPE_CHECKING:
    from threadkeep._sync.lifecycle import Lifecycle


class Entity:
    """A user's entity or the app's: state that spans threads."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.state = State(scope)

    @property
    def id(self) -> str:
        """Return the id."""
        return self._scope.ref.id

    @property
    def namespace(self) -> str:
        """Return the namespace."""
        return self._scope.ref.namespace

    def info(self) -> ThreadInfo | None:
        """Return what is known of the entity; None when it does not exist. One trip."""
        return self._scope.read(directory.info(self._scope.ref))

    def set_labels(self, **labels: str | None) -> dict[str, str]:
        """Set labels by which it can be listed (None removes one) and return all. Atomic, one trip."""
        return self._scope.write(directory.set_labels(self._scope.ref, labels))

    def touch(self, *, ttl: Ttl = None, expires_at: datetime | None = None) -> None:
        """Renew the entity's own lease, or give it another one. Fields keep theirs; see `state.touch`."""
        given = ttl is not None or expires_at is not None
        lease = lease_of(ttl, expires_at, FOREVER) if given else None
        self._scope.write(directory.touch(self._scope.ref, lease))

    def destroy(self) -> int:
        """Remove everything and return how many fields and items went.

        Atomic. Holders of this incarnation get Gone when they write later.
        """
        return self._scope.write(directory.destroy(self._scope.ref))

    def watch(self, *, after: int | None = None) -> Iterator[Change]:
        """Yield a Change after each change, by whatever process; several in a row may come as one.

        Watching begins with the first iteration; with `after`, a revision, what has changed since then
        comes at once.
        """
        engine = self._scope.store.ready()
        last = after
        for revision in engine.watch(self._scope.ref):
            if last is not None and revision != last:
                yield Change(revision, exists=revision > 0)
            last = revision


class Thread(Entity):
    """One conversation: state, messages, snapshots, all of it one unit of atomicity."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.messages = Messages(scope)
        self.snapshots = Snapshots(scope)
        self.parts = Parts(scope)

    def turn(
        self, policy: str = "queue", *, lease: float = 30, timeout: float | None = None
    ) -> Turn:
        """Return a turn to enter with `with`: one writer at a time.

        `policy` when another has it: "queue" waits in order (at most `timeout` seconds, then Timeout),
        "reject" raises Conflict, "interrupt" takes it over. `lease` seconds after its holder died a turn is
        free again; a living holder renews it.
        """
        return Turn(self._scope, policy, lease, timeout)

    def fork(self, new_id: str, *, at: int | None = None) -> Thread:
        """Copy the thread to a new id and return its handle; Conflict when that exists.

        `at` leaves out the messages after that number; state, snapshots and labels are those of now. Fields
        keep their ends, messages their numbers. Atomic on the new thread; three trips.
        """
        source, store = self._scope.ref, self._scope.store
        target = ref(source.namespace, "thread", new_id)
        known = self._scope.read(directory.outline(source))
        ops = self._scope.read(forking.contents(source, known, at))
        copy = Scope(store, target)
        copy.write(directory.create(target, ops))
        return Thread(copy)

    def destroy(self) -> int:
        """Remove everything and return how many fields and items went.

        Atomic. Holders of this incarnation, this handle among them, get Gone when they write later.
        `thread.destroyed` handlers of this store are told first and read the last state; when one fails the
        thread is gone for all others and the sweeper calls the handler again before it is removed.
        """
        lifecycle: Lifecycle = self._scope.store.lifecycle
        if not lifecycle.handled:
            return super().destroy()
        if self._scope.read(directory.outline(self._scope.ref)) is None:
            return super().destroy()  # to ask for an end would make an entity to be ended
        known = self._scope.write(ending.ask(self._scope.ref))
        engine = self._scope.store.ready()
        due = Due(lease=30 * SECOND, ref=self._scope.ref)
        gone: int | None = None
        for claim in engine.claim(due):
            gone = lifecycle.conclude(claim)
        if gone is None:
            gone = known.fields + known.items if known is not None else 0
        return gone
