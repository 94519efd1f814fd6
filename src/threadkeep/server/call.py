"""One request as handlers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from threadkeep._async.entity import AsyncEntity, AsyncThread
from threadkeep._async.listing import AsyncListing
from threadkeep._async.scope import AsyncScope
from threadkeep._async.state import AsyncState
from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref, check_name
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Info
from threadkeep.server.access.budgets import Budgets
from threadkeep.server.access.callers import NOBODY, Caller
from threadkeep.server.bodies import Refused, body_of
from threadkeep.server.deadline import Deadline
from threadkeep.server.json_text import from_json
from threadkeep.server.request import Request
from threadkeep.server.settings import ServerLimits
from threadkeep.server.whole import converted

T = TypeVar("T")
Q = TypeVar("Q", bound=msgspec.Struct)


class Host(Protocol):
    """What all requests share."""

    store: AsyncStore
    limits: ServerLimits
    budgets: Budgets
    deadline: Deadline
    ending: asyncio.Event
    streams: int
    routes: tuple[Any, ...]

    def space(self, caller: Caller | None, namespace: str) -> AsyncStore:
        """Return the store in a namespace, as a caller may use it; None: one that may use all of it."""
        ...


class Call:
    """A request, its caller and the store in the namespace that the caller chose."""

    __slots__ = ("caller", "content", "host", "kind", "params", "request", "store")

    def __init__(
        self,
        request: Request,
        params: tuple[str, ...],
        caller: Caller | None,
        host: Host,
        kind: str = "thread",
    ) -> None:
        self.request, self.params, self.host, self.kind = request, params, host, kind
        self.caller = caller or NOBODY
        self.content = b""  # of the body, as far as it was read
        self.store = host.store
        if caller is not None:
            asked = request.header(b"x-workspace-id")
            self.store = host.space(caller, caller.namespace(asked, host.store.namespace))

    async def raw(self, limit: int | None = None) -> bytes:
        """Return the body; `limit` bytes at most, else the usual limit."""
        found = await body_of(self.request, limit or self.host.limits.body, self.host.deadline)
        self.host.budgets.bytes(self.caller, len(found))
        self.content = found
        return found

    async def body(self, as_type: type[T], *, limit: int | None = None) -> T:
        """Return the body, which is JSON whatever its content type says, as a struct; `limit` as of `raw`."""
        try:
            return converted(from_json(await self.raw(limit)), as_type)
        except UsageError as error:
            if type(error) is not UsageError or str(error).startswith("Failed"):
                raise
            raise UsageError(f"Failed to parse request JSON: {error}") from error

    def query(self, as_type: type[Q]) -> Q:
        """Return the query string as a struct of texts and numbers."""
        return self.query_and(as_type, None)[0]

    def query_and(self, as_type: type[Q], prefix: str | None) -> tuple[Q, dict[str, str]]:
        """Return the query string as a struct, and apart from it the parameters that begin with `prefix`."""
        pairs = self.request.query
        if not as_type.__struct_config__.forbid_unknown_fields:
            pairs = [(name, text) for name, text in pairs if name in as_type.__struct_fields__]
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UsageError("the query names a parameter twice")
        apart: dict[str, str] = {}
        if prefix is not None:
            apart = {n.removeprefix(prefix): found.pop(n) for n in [*found] if n.startswith(prefix)}
        try:
            asked = msgspec.convert(found, as_type, strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(f"the query cannot be read: {error}") from None
        for name in found:
            if getattr(asked, name, found) is None:
                raise UsageError(f"the query cannot be read: {name} is null; leave it out")
        return asked, apart

    def whole(self) -> AsyncStore:
        """Return the store for what belongs to a whole namespace; 403 for callers bound to a part of it."""
        if self.caller.bound:
            raise Refused(403, "the caller may not reach what belongs to the whole namespace")
        return self.host.space(None, self.store.namespace)

    def scope(self, kind: str, id_: str) -> AsyncScope:
        """Return an entity, as a scope that runs plans; writes carry the turn that the caller holds."""
        return AsyncScope(
            self.store, Ref(self.store.namespace, kind, check_name(id_, f"{kind} id"))
        )

    def entity(self) -> AsyncScope:
        """Return the entity that the path names."""
        if self.kind == "app":
            return self.scope("app", "app")
        return self.scope(self.kind, self.params[0])

    def handle(self) -> AsyncEntity:
        """Return the entity that the path names, as programs have it."""
        scope = self.entity()
        return AsyncThread(scope) if self.kind == "thread" else AsyncEntity(scope)

    async def admit(self, found: Ref) -> None:
        """Refuse an entity that the caller may not reach, while there still is a status to say so."""
        if self.caller.bound:
            await (await self.store.ready()).run(Batch(found, (Info(),)))

    def thread(self, id_: str) -> AsyncThread:
        """Return a thread."""
        return AsyncThread(self.scope("thread", id_))

    def state(self, id_: str) -> AsyncState:
        """Return the state of a thread."""
        return AsyncState(self.scope("thread", id_))

    def threads(
        self,
        labels: Mapping[str, str] | None = None,
        prefix: str | None = None,
        limit: int | None = None,
    ) -> AsyncListing:
        """Return the listing of the threads that the caller may reach."""
        labels = dict(labels or {})
        if self.caller.user is not None:
            labels.setdefault("user", self.caller.user)
        if prefix is None:
            prefix = self.caller.threads
        return self.store.threads(prefix=prefix, labels=labels, limit=limit)
