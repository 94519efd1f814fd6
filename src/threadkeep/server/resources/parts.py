"""Routes of user parts: content that waits for the next user message."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from starlette.responses import Response

from threadkeep.errors import UsageError
from threadkeep.layers.part_choice import Attached
from threadkeep.model.leases import FOREVER
from threadkeep.model.options import MiB
from threadkeep.model.part_budget import GivesWay
from threadkeep.server.call import Call
from threadkeep.server.leases import Leased
from threadkeep.server.resources.state import Removed, Revised
from threadkeep.server.resources.turns import fenced
from threadkeep.server.routing import KEY, Route
from threadkeep.server.statuses import json_answer

Format = Literal["openai", "openai-responses", "anthropic", "gemini", "pydantic-ai"]
Bound = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class SetPart(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part to set. `order`: its place; `uses`: how many messages it is for; `tokens`: its share of a budget."""

    part_type: str
    data: Any
    order: Annotated[int, msgspec.Meta(ge=-1_000_000, le=1_000_000)] | None = None
    uses: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None
    tokens: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None = None


_FITTING: Final = ("max_bytes", "max_tokens", "leave_out")


class PartsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`format`: as content of that API, which counts a use of each; without it the parts as they were set.

    `use=false` counts nothing. `max_bytes`, `max_tokens`: bounds on all parts together. `leave_out`: what gives
    way to them: `last`, `first` or `largest`; without it 413.
    """

    format: Format | None = None
    max_bytes: Bound | None = None
    max_tokens: Bound | None = None
    leave_out: GivesWay | None = None
    use: bool = True

    together: ClassVar[dict[str, Any]] = {
        "anyOf": [{"required": ["format"]}, {"properties": dict.fromkeys(_FITTING, False)}]
    }


class PartsShown(msgspec.Struct, frozen=True):
    """What waits, by name, in order."""

    parts: dict[str, Any]


class AttachParts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user message to which the parts are attached, in the form of an API; text becomes a message."""

    message: dict[str, Any] | str
    format: Format = "openai"
    max_bytes: Bound | None = None
    max_tokens: Bound | None = None
    leave_out: GivesWay | None = None


async def show(call: Call) -> Response:
    """Return the parts as they were set; with `format` as content of an API, and count a use of each."""
    query = call.query(PartsQuery)
    parts = call.thread(call.params[0]).parts
    if query.format is None:
        for name in _FITTING:
            if getattr(query, name) is not None:
                raise UsageError(f"{name} is for parts in a format; name that too")
        return json_answer(PartsShown(await parts.all()), headers=_FRESH)
    with fenced(call, call.entity().ref):
        taken = await parts.take(
            format=query.format,
            max_bytes=query.max_bytes,
            max_tokens=query.max_tokens,
            leave_out=query.leave_out,
            use=query.use,
        )
    return json_answer(taken, headers=_FRESH)


async def put(call: Call) -> Response:
    """Set a part."""
    given = await call.body(SetPart, limit=_body(call.store.limits.part, call.host.limits.body))
    with fenced(call, call.entity().ref):
        revision = await call.thread(call.params[0]).parts.set(
            call.params[1],
            {"part_type": given.part_type, "data": given.data},
            order=given.order,
            uses=given.uses,
            tokens=given.tokens,
            ttl=given.lease(FOREVER) if given.given else None,
        )
    return json_answer(Revised(revision))


def _body(part: int, usual: int) -> int:
    """Return how long the body of a part may be: its content grows by a third as base64."""
    return max(usual, part // 3 * 4 + MiB)


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
    """Attach the parts to a user message, and count a use of each."""
    given = await call.body(AttachParts)
    with fenced(call, call.entity().ref):
        done = await call.thread(call.params[0]).parts.attach(
            given.message,
            format=given.format,
            max_bytes=given.max_bytes,
            max_tokens=given.max_tokens,
            leave_out=given.leave_out,
        )
    return json_answer(done)


_FRESH = {"Cache-Control": "no-store"}  # what was read may be used up by it
_MANY = "/threads/{thread_id}/parts"
_ONE = f"{_MANY}/{{part}}"
ROUTES = (
    Route(
        "GET",
        _MANY,
        show,
        "read",
        query=PartsQuery,
        answer=dict[str, Any],
        headers=("X-Turn", KEY),
    ),
    Route("DELETE", _MANY, clear, "write", answer=Removed),
    Route("PUT", _ONE, put, "write", body=SetPart, answer=Revised),
    Route("DELETE", _ONE, delete, "write", answer=Removed),
    Route(
        "POST",
        "/threads/{thread_id}/parts-attach",
        attach,
        "write",
        body=AttachParts,
        answer=Attached,
        headers=(KEY,),
    ),
)
