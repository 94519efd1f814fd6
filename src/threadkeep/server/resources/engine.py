"""Routes of the HTTP engine: the six methods of an engine, in the wire form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import msgspec
from starlette.responses import Response

from threadkeep.errors import UsageError
from threadkeep.model.refs import ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Capabilities, Due, Query
from threadkeep.ops.ops import Info
from threadkeep.server.call import Call
from threadkeep.server.events import event, stream
from threadkeep.server.repeating import has_key, request_id
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import EntityKind, Name, Namespace
from threadkeep.server.statuses import json_answer, problem

WIRE = "application/x-threadkeep"
MOST = 256  # batches of one call


class WatchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entity to watch."""

    namespace: Namespace
    kind: EntityKind
    id: Name


async def _raw(call: Call) -> bytes:
    return await call.raw(call.host.limits.batch)


def _wire(content: bytes) -> Response:
    return Response(content, media_type=WIRE)


async def capabilities(call: Call) -> Response:
    """Say what the engine behind this server can do."""
    return json_answer(await call.host.store.capabilities())


async def batch(call: Call) -> Response:
    """Run one batch on one entity, atomically; of several, one after the other in the body, each by itself.

    Several run at once and are answered in order with 200, those that failed by what they would have
    been answered alone. A batch carries its request id as `once`; a single one may have it as Idempotency-Key.
    """
    messages = wire.split(await _raw(call), most=MOST)
    call.host.budgets.more_requests(call.caller, len(messages) - 1)
    if has_key(call) and len(messages) > 1:
        raise UsageError(f"{KEY} is for one batch; several carry their request ids themselves")
    if len(messages) == 1:
        return _wire(await _run(call, messages[0]))
    return _wire(b"".join(await asyncio.gather(*(_run_of_many(call, one) for one in messages))))


async def _run(call: Call, message: memoryview) -> bytes:
    trusted = call.caller.may("admin")
    found = wire.decode_batch(message, limit=call.host.limits.batch, trusted=trusted)
    if found.once is None and found.writes and has_key(call):
        found = msgspec.structs.replace(found, once=request_id(call, "/batch"))
    engine = await call.store.ready()
    return wire.encode_reply(await engine.run(found))


async def _run_of_many(call: Call, message: memoryview) -> bytes:
    try:
        return await _run(call, message)
    except Exception as error:  # noqa: BLE001 - it is told of in the place of its reply
        found = problem(error, call.request.header(b"x-request-id") or "-")
        after = found.headers.get("retry-after")
        return wire.encode_failure(wire.Failure(found.status_code, bytes(found.body), after))


async def scan(call: Call) -> Response:
    """Return one page of a listing."""
    raw, trusted = await _raw(call), call.caller.may("admin")
    query: Query = wire.decode_query(raw, limit=call.host.limits.batch, trusted=trusted)
    engine = await call.store.ready()
    return _wire(wire.encode_page(await engine.scan(query)))


async def claim(call: Call) -> Response:
    """Lease expired entities to this caller."""
    due: Due = wire.decode_due(await _raw(call), limit=call.host.limits.batch)
    engine = await call.store.ready()
    claims = await engine.claim(due)
    return _wire(wire.encode_claims(claims))


async def watch(call: Call) -> Response:
    """Send the revision of an entity now and after each change, as server-sent events.

    With `Last-Event-ID` the first one comes only when something changed since that event.
    """
    query = call.query(WatchQuery)
    watched = ref(query.namespace, query.kind, query.id)
    call.caller.namespace(watched.namespace, watched.namespace)
    await call.admit(watched)
    engine = await call.store.ready()
    seen = call.request.header(b"last-event-id")

    async def events() -> AsyncIterator[bytes]:
        last, epoch = 0, ""
        async with aclosing(cast("AsyncGenerator[int]", engine.watch(watched))) as revisions:
            async for revision in revisions:
                if revision <= last or not epoch:  # perhaps another incarnation
                    epoch = (await engine.run(Batch(watched, (Info(),)))).epoch or "-"
                last = revision
                id_ = f"{revision}.{epoch}"
                if id_ != seen:
                    yield event(str(revision), id_=id_)

    return stream(events(), call.host)


ROUTES = (
    Route("GET", "/engine", capabilities, "read", answer=Capabilities),
    Route("POST", "/batch", batch, "read", binary=True, headers=(KEY,)),
    Route("POST", "/scan", scan, "read", binary=True),
    Route("POST", "/claim", claim, "write", binary=True),
    Route(
        "GET", "/watch", watch, "read", query=WatchQuery, events=True, headers=("Last-Event-ID",)
    ),
)
