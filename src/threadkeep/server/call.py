"""One request as handlers see it."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.requests import Request

from threadkeep._async.entity import AsyncThread
from threadkeep._async.listing import AsyncListing
from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.server.bodies import Refused, body_of
from threadkeep.server.access.callers import NOBODY, Caller
from threadkeep.server.json_text import from_json
from threadkeep.server.settings import ServerLimits

T = TypeVar("T")


class Host(Protocol):
    """What all requests share."""

    store: AsyncStore
    limits: ServerLimits
    ending: asyncio.Event

    def space(self, namespace: str) -> AsyncStore:
        """Return the store in a namespace."""
        ...


class Call:
    """A request, its caller and the store in the namespace that the caller chose."""

    __slots__ = ("caller", "host", "params", "request", "store")

    def __init__(
        self, request: Request, params: tuple[str, ...], caller: Caller | None, host: Host
    ) -> None:
        self.request, self.params, self.host = request, params, host
        self.caller = caller or NOBODY
        self.store = host.store
        if caller is not None:
            asked = request.headers.get("x-workspace-id")
            self.store = host.space(caller.namespace(asked, host.store.namespace))

    async def raw(self, limit: int | None = None) -> bytes:
        """Return the body; `limit` bytes at most, else the usual limit."""
        limits = self.host.limits
        return await body_of(self.request, limit or limits.body, limits.body_seconds)

    async def body(self, as_type: type[T]) -> T:
        """Return the body, which is JSON whatever its content type says, as a struct."""
        try:
            return _converted(from_json(await self.raw()), as_type)
        except UsageError as error:
            if type(error) is not UsageError or str(error).startswith("Failed"):
                raise
            raise UsageError(f"Failed to parse request JSON: {error}") from error

    def query(self, as_type: type[T]) -> T:
        """Return the query string as a struct of texts and numbers."""
        pairs = self.request.query_params.multi_items()
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UsageError("the query names a parameter twice")
        try:
            return msgspec.convert(found, as_type, strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(f"the query cannot be read: {error}") from None

    def thread(self, id_: str) -> AsyncThread:
        """Return a thread that the caller may reach."""
        if self.caller.threads is not None and not id_.startswith(self.caller.threads):
            raise Refused(403, "the caller may not reach this thread")
        return self.store.thread(id_)

    def threads(self, **labels: str) -> AsyncListing:
        """Return the listing of the threads that the caller may reach."""
        return self.store.threads(prefix=self.caller.threads, labels=labels)


def _converted(found: Any, as_type: type[T]) -> T:
    try:
        return msgspec.convert(found, as_type)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UsageError(str(error)) from None
