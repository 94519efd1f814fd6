"""Routes for whoever operates the server: is it alive, is it ready."""

from __future__ import annotations

import asyncio

import msgspec
from starlette.responses import Response

from threadkeep import __version__
from threadkeep.errors import Unavailable
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Info
from threadkeep.server.access.keys import SPACE
from threadkeep.server.call import Call
from threadkeep.server.routing import Route
from threadkeep.server.statuses import json_answer

READY_SECONDS = 5.0


class Alive(msgspec.Struct, frozen=True):
    """That the process answers."""

    status: str
    service: str
    version: str


class Ready(msgspec.Struct, frozen=True):
    """That the engine answers, and what it is."""

    status: str
    engine: str
    schema: int | None


async def health(_: Call) -> Response:
    """Say that the process is alive. No I/O."""
    return json_answer(Alive("healthy", "threadkeep", __version__))


async def ready(call: Call) -> Response:
    """Say that the engine answers and its schema is right; 503 where not, or while the server ends."""
    if call.host.ending.is_set():
        raise Unavailable("the server is ending")
    try:
        async with asyncio.timeout(READY_SECONDS):
            engine = await call.host.store.ready()
            await engine.run(Batch(Ref(SPACE, "app", "app"), (Info(),)))
    except TimeoutError:
        raise Unavailable(f"the engine did not answer within {READY_SECONDS:g} seconds") from None
    found = engine.capabilities
    return json_answer(Ready("ready", found.name, found.schema))


ROUTES = (
    Route("GET", "/health", health, None, answer=Alive, root=True),
    Route("GET", "/ready", ready, None, answer=Ready, root=True),
)
