"""What a caller may reach: a wrapper around the engine through which all of a caller's calls go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import CoroutineType
from typing import Any, Final

import msgspec

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import AnyGuard, AnyOp, Drop, Epoch, Info, Label, Revision
from threadkeep.ops.reply import EntityInfo, Reply
from threadkeep.server.access.callers import Caller
from threadkeep.server.bodies import Refused

USER: Final = "user"  # the label that says whose a thread is


class AsyncReach:
    """The engine as a caller may use it. What is out of reach is refused with 403 before anything is asked.

    A caller bound to a user reaches that user and the threads labelled `user` with it; a thread that it
    creates gets the label. One trip more for each call to a thread.
    """

    def __init__(self, caller: Caller, engine: AsyncEngine) -> None:
        self._engine, self._caller = engine, caller

    @property
    def capabilities(self) -> Capabilities:
        """Say what the engine can do."""
        return self._engine.capabilities

    async def setup(self) -> None:
        """Do nothing: the engine was set up before."""

    async def aclose(self) -> None:
        """Do nothing: the engine is closed by whoever opened it."""

    def run(self, batch: Batch) -> CoroutineType[Any, Any, Reply]:
        """Run a batch on an entity that the caller may reach."""
        self._check(batch.ref)
        if batch.writes:
            self._caller.require("write")
        if self._caller.user is None or batch.ref.kind != "thread":
            return self._engine.run(batch)
        return self._as_user(batch, self._caller.user)

    async def scan(self, query: Query) -> Page:
        """List what the caller may reach."""
        prefix = self._caller.threads
        self._check(Ref(query.namespace, query.kind, prefix or self._caller.user or "any"))
        if prefix is not None and not (
            query.order == "id" and (query.prefix or "").startswith(prefix)
        ):
            raise Refused(403, "the caller may only list by id, with the prefix it is bound to")
        if self._caller.user is not None and (USER, self._caller.user) not in query.labels:
            raise Refused(403, "the caller may only list with the label user it is bound to")
        return await self._engine.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        """Claim what the caller may reach; what it does not name is that of its namespace."""
        self._caller.require("write")
        if due.ref is not None:
            self._check(due.ref)
            if self._caller.user is not None:
                await self.run(Batch(due.ref, (Info(),)))
        elif self._caller.bound:
            raise Refused(403, "the caller may only claim threads that it names")
        if due.namespace is None and due.ref is None and not self._caller.everywhere:
            due = msgspec.structs.replace(due, namespace=self._caller.namespaces[0])
        elif due.namespace is not None:
            self._caller.namespace(due.namespace, due.namespace)
        return await self._engine.claim(due)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        """Watch an entity that the caller may reach."""
        self._check(ref)
        if self._caller.user is not None and ref.kind == "thread":
            return self._watch_as_user(ref)
        return self._engine.watch(ref)

    async def _watch_as_user(self, ref: Ref) -> AsyncIterator[int]:
        async for revision in self._engine.watch(ref):
            await self.run(Batch(ref, (Info(),)))  # it may have become another's
            yield revision

    def _check(self, ref: Ref) -> None:
        caller = self._caller
        caller.namespace(ref.namespace, ref.namespace)
        if not caller.bound:
            return
        threads = caller.threads
        if ref.kind == "thread":
            allowed = threads is None or ref.id.startswith(threads)
        else:
            allowed = ref.kind == "user" and ref.id == caller.user
        if not allowed:
            raise Refused(403, f"the caller may not reach this {ref.kind}")

    async def _as_user(self, batch: Batch, user: str) -> Reply:
        """Run a batch on a thread if it is the user's; what was seen is guarded, so nothing comes between."""
        if any(isinstance(op, Label) and op.labels.get(USER, user) != user for op in batch.ops):
            raise Refused(403, "the caller may not give the thread to another user")
        while True:
            known = (await self._engine.run(Batch(batch.ref, (Info(),)))).results[0]
            if isinstance(known, EntityInfo) and known.labels.get(USER) != user:
                raise Refused(403, "the caller may not reach this thread")
            guard, extra = _seen(known, batch, user)
            reply = await self._engine.run(
                msgspec.structs.replace(
                    batch, ops=(*batch.ops, *extra), guards=(*batch.guards, guard)
                )
            )
            if reply.failed == len(batch.guards):
                continue
            if reply.ok and extra:
                return msgspec.structs.replace(reply, results=reply.results[: len(batch.ops)])
            return reply


def _seen(known: object, batch: Batch, user: str) -> tuple[AnyGuard, tuple[AnyOp, ...]]:
    """Return the guard that holds while the thread is as it was seen, and what labels a new one."""
    labels = batch.writes and not any(isinstance(op, Drop) for op in batch.ops)
    extra = (Label({USER: user}),) if labels else ()
    if isinstance(
        known, EntityInfo
    ):  # sent again, a batch must be what it was when the thread was new
        return Epoch(known.epoch), extra if batch.once is not None else ()
    return Revision(0), extra
