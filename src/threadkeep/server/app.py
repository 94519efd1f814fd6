"""The ASGI application: from a request to a route to an answer."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from threadkeep._async.store import AsyncStore
from threadkeep.server import engine, values
from threadkeep.server.bodies import Refused
from threadkeep.server.call import Call
from threadkeep.server.callers import everybody
from threadkeep.server.paths import segments_of
from threadkeep.server.routing import Router
from threadkeep.server.settings import ServerLimits
from threadkeep.server.statuses import problem

MOST_SPACES = 1_000
ROUTES = (*values.ROUTES, *engine.ROUTES)


class Application:
    """The store over HTTP, as an ASGI application.

    Hosted by any ASGI server, or mounted inside an application of Starlette, FastAPI or Django. The
    store stays the caller's: it connects at the first request, and whoever made it closes it.
    """

    def __init__(self, store: AsyncStore, *, limits: ServerLimits | None = None) -> None:
        self.store = store
        self.limits = limits or ServerLimits()
        self.ending = asyncio.Event()
        self._router = Router(ROUTES)
        self._everybody = everybody()
        self._spaces: dict[str, AsyncStore] = {}

    def space(self, namespace: str) -> AsyncStore:
        """Return the store in a namespace."""
        if namespace == self.store.namespace:
            return self.store
        found = self._spaces.pop(namespace, None) or self.store.within(namespace)
        self._spaces[namespace] = found  # the one used last is the last to go
        while len(self._spaces) > MOST_SPACES:
            del self._spaces[next(iter(self._spaces))]
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's start and end."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(scope, receive)
            await answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        request = Request(scope, receive)
        try:
            if len(scope.get("raw_path") or b"") > self.limits.path:
                raise Refused(414, f"the path is longer than {self.limits.path} bytes")
            route, params = self._router.find(scope["method"], segments_of(scope))
            caller = self._everybody
            caller.require(route.right)
            call = Call(request, params, caller, self)
            return await route.handler(call)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the client gets an answer
            return problem(error)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        message: Any = await receive()
        try:
            await self.store.ready()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        while message["type"] != "lifespan.shutdown":
            message = await receive()
        self.ending.set()
        await send({"type": "lifespan.shutdown.complete"})


def app(store: AsyncStore, **options: Any) -> Application:
    """Return the ASGI application that serves a store; options as of `Application`."""
    return Application(store, **options)
