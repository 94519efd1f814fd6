"""The ASGI application: from a request to a route to an answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from typing import Any, Final

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.server.access.budgets import Budgets
from threadkeep.server.access.callers import Caller
from threadkeep.server.access.gate import Gate
from threadkeep.server.access.jwt import JwtSettings
from threadkeep.server.access.reach import AsyncReach
from threadkeep.server.bodies import Refused
from threadkeep.server.call import Call
from threadkeep.server.conditions import check_conditions
from threadkeep.server.deadline import Deadline
from threadkeep.server.ending import told_to_end
from threadkeep.server.paths import segments_of
from threadkeep.server.repeating import asked_once
from threadkeep.server.request import Request
from threadkeep.server.request_log import Told
from threadkeep.server.resources.turns import fenced
from threadkeep.server.routes import ROUTES
from threadkeep.server.routing import KEY, Route, Router
from threadkeep.server.settings import ServerLimits
from threadkeep.server.statuses import problem

MOST_SPACES: Final = 1_000
PACKED_FROM: Final = 1_024  # bytes of an answer that is worth packing
_SENT: Final = ("Authorization", "Content-Type", "X-Api-Key", "X-Workspace-Id", "If-Match")
_SHOWN: Final = ("ETag", "X-Request-Id", "Retry-After")


class Application:
    """The store over HTTP, as an ASGI application.

    Hosted by any ASGI server, or mounted inside an application of Starlette, FastAPI or Django. The
    store connects at the first request; whoever made it closes it.

    Args:
        store: what is served. Callers reach its namespace and, where their keys say so, others.
        limits: what a request may weigh.
        jwt: whose tokens are taken beside the keys that `threadkeep keys` made.
        anyone: let everybody in while there are no keys, for the application around this one looks after
            that. Else only callers of this machine are let in.
        cors: origins that browsers may call from; `*` for any.
        sweep: seconds between two sweeps while the server runs; None for none.
        close: close the store when the server ends.
    """

    def __init__(
        self,
        store: AsyncStore,
        *,
        limits: ServerLimits | None = None,
        jwt: JwtSettings | None = None,
        anyone: bool = False,
        cors: tuple[str, ...] = (),
        sweep: float | None = None,
        close: bool = False,
    ) -> None:
        self.store = store
        self.limits = limits or ServerLimits()
        self.ending = asyncio.Event()
        self.streams = 0
        self.routes = tuple(route for route in ROUTES if not route.hidden)
        self.gate = Gate(store, jwt, anyone=anyone, cors=cors)
        self.budgets = Budgets(store, self.limits)
        self.deadline = Deadline(self.limits.body_seconds)
        self._sweep, self._close = sweep, close
        self._router = Router(ROUTES)
        self._spaces: dict[tuple[Caller | None, str], AsyncStore] = {}
        self._http = self._wrapped(cors)

    def _wrapped(self, cors: tuple[str, ...]) -> ASGIApp:
        wrapped: ASGIApp = self._serve
        if cors:
            wrapped = CORSMiddleware(
                wrapped,
                allow_origins=cors,
                allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
                allow_headers=(*_SENT, "If-None-Match", "Last-Event-ID", "Content-Encoding", KEY),
                expose_headers=_SHOWN,
                max_age=3_600,
            )
        return wrapped

    def space(self, caller: Caller | None, namespace: str) -> AsyncStore:
        """Return the store in a namespace, as a caller may use it; None: one that may use all of it."""
        place = (caller, namespace)
        found = self._spaces.pop(place, None)
        if found is None:
            reach = () if caller is None else (partial(AsyncReach, caller),)
            found = self.store.within(namespace, wrap=reach)
        self._spaces[place] = found  # the one used last is the last to go
        while len(self._spaces) > MOST_SPACES:
            del self._spaces[next(iter(self._spaces))]
        return found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's start and end."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        told = Told(request)
        answer = await self._answer(request, told)
        answer.raw_headers.append((b"x-request-id", told.id.encode()))
        told.answered(answer.status_code)
        if _to_be_packed(request, answer):
            packing = GZipMiddleware(answer, minimum_size=PACKED_FROM, compresslevel=1)
            await packing(scope, receive, send)
        else:
            await answer(scope, receive, send)

    async def _answer(self, request: Request, told: Told) -> Response:
        try:
            self._check_size(request)
            segments = segments_of(request.scope)
            route, params = self._router.find(request.method, segments)
            told.route = route.path
            return await self._handled(request, route, params, told)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it is, the client gets an answer
            return problem(error, told.id)

    async def _handled(
        self, request: Request, route: Route, params: tuple[str, ...], told: Told
    ) -> Response:
        if route.right is None:
            return await route.handler(Call(request, params, None, self))
        caller = await self.gate.caller(request)
        told.caller = caller.name
        if self.budgets.bounded:
            await self.budgets.request(caller)
        caller.require(route.right)
        check_conditions(request, route.headers)
        call = Call(request, params, caller, self, route.kind)
        asked, in_turn = b"idempotency-key" in request.headers, b"x-turn" in request.headers
        if not (asked or in_turn):
            return await route.handler(call)
        if in_turn and not route.entity:
            raise UsageError("this resource takes no X-Turn")
        with ExitStack() as stack:
            if asked:
                stack.enter_context(asked_once(call, route))
            if in_turn:
                stack.enter_context(fenced(call, call.entity().ref))
            return await route.handler(call)

    def _check_size(self, request: Request) -> None:
        if request.path_size > self.limits.path:
            raise Refused(414, f"the path is longer than {self.limits.path} bytes")
        if request.headers_size > self.limits.headers:
            raise Refused(431, f"the headers are over the limit of {self.limits.headers} bytes")

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Serve for the time of a block: connects before it, sweeps during it, ends streams politely after it.

        For the lifespan of an application around this one; a server that hosts this one does it by itself.
        """
        async with AsyncExitStack() as stack:
            await self.store.ready()
            if self._close:
                stack.push_async_callback(self.store.aclose)
            stack.enter_context(told_to_end(self.ending))
            if self._sweep:
                await stack.enter_async_context(self.store.sweeper(every=self._sweep))
            stack.callback(self.ending.set)
            yield

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        message: Any = await receive()
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.running())
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
            await send({"type": "lifespan.startup.complete"})
            while message["type"] != "lifespan.shutdown":
                message = await receive()
        await send({"type": "lifespan.shutdown.complete"})


def _to_be_packed(request: Request, answer: Response) -> bool:
    """Tell whether a client unpacks and the answer is worth packing, which streams of events are not."""
    packs = b"gzip" in request.headers.get(b"accept-encoding", b"")
    return packs and len(getattr(answer, "body", b"")) >= PACKED_FROM


def app(store: AsyncStore, **options: Any) -> Application:
    """Return the ASGI application that serves a store; options as of `Application`."""
    return Application(store, **options)
