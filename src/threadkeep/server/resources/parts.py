"""Routes of user parts: content that waits for the next user message."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from threadkeep.model.leases import FOREVER
from threadkeep.server.call import Call
from threadkeep.server.leases import Leased
from threadkeep.server.resources.state import Removed, Revised
from threadkeep.server.resources.turns import fenced
from threadkeep.server.routing import Route
from threadkeep.server.statuses import json_answer

Format = Literal["openai", "openai-responses", "anthropic", "gemini", "pydantic-ai"]


class SetPart(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part to set; `order`: its place; `uses`: how many messages it is for."""

    part_type: str
    data: Any
    order: Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)] | None = None
    uses: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class PartsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`format`: as content of that API; without it the parts as they were set."""

    format: Format | None = None


class PartsShown(msgspec.Struct, frozen=True):
    """What waits, by name, in order."""

    parts: dict[str, Any]


class AttachParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user message to which the parts are attached, in the form of an API."""

    message: dict[str, Any]
    format: Format = "openai"
    max_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] | None = None
    over: Literal["refuse", "leave_out"] = "refuse"


class AttachedShown(msgspec.Struct, frozen=True):
    """The message with its parts: which were used, which left out."""

    message: dict[str, Any]
    used: list[str]
    left_out: list[str]


async def show(call: Call) -> Response:
    """Return the parts as they were set, or as `content` of an API; nothing is used by it."""
    form = call.query(PartsQuery).format
    parts = call.thread(call.params[0]).parts
    if form is None:
        return json_answer(PartsShown(await parts.all()))
    return json_answer({"content": await parts.look(format=form)})


async def put(call: Call) -> Response:
    """Set a part."""
    given = await call.body(SetPart)
    part = {"part_type": given.part_type, "data": given.data}
    with fenced(call, call.entity().ref):
        revision = await call.thread(call.params[0]).parts.set(
            call.params[1],
            part,
            order=given.order,
            uses=given.uses,
            ttl=given.lease(FOREVER) if given.given else None,
        )
    return json_answer(Revised(revision))


async def delete(call: Call) -> Response:
    """Delete a part, if it stands."""
    with fenced(call, call.entity().ref):
        gone = await call.thread(call.params[0]).parts.delete(call.params[1])
    return json_answer(Removed(int(gone)))


async def clear(call: Call) -> Response:
    """Delete all parts in one step."""
    with fenced(call, call.entity().ref):
        return json_answer(Removed(await call.thread(call.params[0]).parts.clear()))


async def attach(call: Call) -> Response:
    """Attach the parts to a user message; those with a number of uses are counted down."""
    given = await call.body(AttachParts)
    with fenced(call, call.entity().ref):
        done = await call.thread(call.params[0]).parts.attach(
            given.message, format=given.format, max_bytes=given.max_bytes, over=given.over
        )
    return json_answer(AttachedShown(done.message, list(done.used), list(done.left_out)))


_MANY = "/threads/{thread_id}/parts"
_ONE = f"{_MANY}/{{part}}"
ROUTES = (
    Route("GET", _MANY, show, "read", query=PartsQuery, answer=dict[str, Any]),
    Route("DELETE", _MANY, clear, "write", answer=Removed),
    Route("PUT", _ONE, put, "write", body=SetPart, answer=Revised),
    Route("DELETE", _ONE, delete, "write", answer=Removed),
    Route(
        "POST",
        "/threads/{thread_id}/parts-attach",
        attach,
        "write",
        body=AttachParts,
        answer=AttachedShown,
    ),
)
