"""Routes of threads themselves: listing, labels, lease, fork, end, changes as they happen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, cast

import msgspec
from starlette.responses import Response

from threadkeep.errors import NotFound, UsageError
from threadkeep.layers import directory
from threadkeep.model.leases import FOREVER
from threadkeep.model.records import ThreadInfo
from threadkeep.server.call import Call
from threadkeep.server.conditions import Tag, if_match, known_already, of_version
from threadkeep.server.events import event, stream
from threadkeep.server.leases import Leased
from threadkeep.server.resources.state import Removed
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import LabelName, LabelValue, Name
from threadkeep.server.standing import page_after
from threadkeep.server.statuses import empty_answer, json_answer

LABEL = "label."


class ThreadsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which threads: newest first, or by id where `prefix` is given; `label.NAME=VALUE` must all hold."""

    prefix: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: str | None = None


class ThreadShown(msgspec.Struct, frozen=True):
    """A thread without its content; `messages` is null in listings."""

    id: str
    namespace: str
    created_at: datetime
    updated_at: datetime
    revision: int
    labels: dict[str, str]
    ttl: float | None
    expires_at: datetime | None
    fields: int
    items: int
    bytes: int
    messages: int | None


class ThreadsShown(msgspec.Struct, frozen=True):
    """A page of threads; `cursor` null: it was the last."""

    threads: list[ThreadShown]
    cursor: str | None


class SetLabels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels to set; null removes one."""

    labels: dict[LabelName, LabelValue | None]


class LabelsShown(msgspec.Struct, frozen=True):
    """All labels."""

    labels: dict[str, str]


class Fork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The id of the copy; `at` leaves out the messages after that number."""

    new_id: Name
    at: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)] | None = None


def shown(info: ThreadInfo) -> ThreadShown:
    """Return a thread for an answer."""
    return ThreadShown(
        info.id,
        info.namespace,
        info.created_at,
        info.updated_at,
        info.revision,
        info.labels,
        info.lease.seconds,
        info.expires_at,
        info.fields,
        info.items,
        info.bytes,
        info.messages,
    )


async def listing(call: Call) -> Response:
    """List threads by pages."""
    query, labels = call.query_and(ThreadsQuery, LABEL)
    threads = call.threads(labels, query.prefix, query.limit)
    with page_after(query.cursor):
        found = await threads.page(query.cursor)
    return json_answer(ThreadsShown([shown(info) for info in found.items], found.cursor))


async def info(call: Call) -> Response:
    """Return what is known of a thread; 404 where it does not exist."""
    found = await call.handle().info()
    if found is None:
        raise NotFound(f"there is no such {call.kind}")
    tag = Tag(found.epoch, found.revision)
    if known_already(call, tag):
        return empty_answer({"ETag": str(tag)}, 304)
    return json_answer(shown(found), headers={"ETag": str(tag)})


async def destroy(call: Call) -> Response:
    """Remove a thread whole; holders of this incarnation get 410 when they write later."""
    return json_answer(Removed(await call.handle().destroy()))


async def set_labels(call: Call) -> Response:
    """Set labels by which the thread can be listed; with If-Match only on that version of the thread."""
    given = await call.body(SetLabels)
    scope = call.entity()
    plan = of_version(directory.set_labels(scope.ref, given.labels), if_match(call))
    found = await scope.write(plan)
    return json_answer(LabelsShown(found))


async def touch(call: Call) -> Response:
    """Renew the thread's own lease, or give it another one; fields keep theirs."""
    given = await call.body(Leased)
    lease = given.lease(FOREVER) if given.given else None
    await call.handle().touch(ttl=lease)
    return empty_answer()


async def fork(call: Call) -> Response:
    """Copy the thread to a new id; 409 when that exists."""
    given = await call.body(Fork)
    copy = await call.thread(call.params[0]).fork(given.new_id, at=given.at)
    found = await copy.info()
    if found is None:
        raise NotFound("the copy was destroyed at once")
    return json_answer(shown(found), 201)


async def watch(call: Call) -> Response:
    """Send an event after each change of the thread; `Last-Event-ID` continues where a stream broke off."""
    after = _revision(call.request.header(b"last-event-id"))
    handle = call.handle()
    await call.admit(call.entity().ref)

    async def events() -> AsyncIterator[bytes]:
        async with aclosing(cast("Any", handle.watch(after=after))) as changes:
            async for change in changes:
                data = json.dumps({"revision": change.revision, "exists": change.exists})
                yield event(data, id_=str(change.revision), name="change")

    return stream(events(), call.host)


def _revision(given: str | None) -> int | None:
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 18):
        raise UsageError("Last-Event-ID must be that of an event of this server")
    return int(given)


def _routes(base: str, kind: str) -> tuple[Route, ...]:
    """Return the routes of one kind of entity."""
    return tuple(
        msgspec.structs.replace(route, path=base + route.path, kind=kind) for route in _OF_ONE
    )


_OF_ONE = (
    Route("GET", "", info, "read", answer=ThreadShown, headers=("If-None-Match",)),
    Route("DELETE", "", destroy, "write", answer=Removed),
    Route(
        "PATCH",
        "/labels",
        set_labels,
        "write",
        body=SetLabels,
        answer=LabelsShown,
        headers=("If-Match", KEY),
    ),
    Route("POST", "/touch", touch, "write", body=Leased, status=204, headers=(KEY,)),
    Route("GET", "/watch", watch, "read", events=True, headers=("Last-Event-ID",)),
)
_ONE = "/threads/{thread_id}"
ROUTES = (
    Route("GET", "/threads", listing, "read", query=ThreadsQuery, answer=ThreadsShown),
    *_routes(_ONE, "thread"),
    *_routes("/users/{user_id}", "user"),
    *_routes("/app", "app"),
    Route("POST", f"{_ONE}/fork", fork, "write", body=Fork, answer=ThreadShown, status=201),
)
