"""Routes of messages: the history of a thread."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from starlette.responses import Response

from threadkeep._async.messages import AsyncMessages
from threadkeep.server.call import Call
from threadkeep.server.resources.state import Removed
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import Name
from threadkeep.server.statuses import json_answer

Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
Page = Annotated[int, msgspec.Meta(ge=1, le=1_000)]


class MessagesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages: the `last` ones, or a page between two numbers, oldest first.

    A window of `last` never begins with the result of a tool call that lies before it.
    """

    last: Page | None = None
    after: Number | None = None
    before: Number | None = None
    limit: Page | None = None

    together: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"properties": {"last": False}},
            {"properties": {"after": False, "limit": False}},
        ]
    }


class TrimQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many messages to keep; none where left out."""

    keep_last: Number = 0


class MessageShown(msgspec.Struct, frozen=True):
    """A message: its number, id, time and content."""

    seq: int
    id: str | None
    created_at: datetime
    value: Any


class MessagesShown(msgspec.Struct, frozen=True):
    """Messages, oldest first."""

    messages: list[MessageShown]


class AppendMessages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages to append together. An id that stands in the thread is skipped, so appending again is safe."""

    messages: list[Any]
    ids: list[Name | None] | None = None


class ReplaceMessages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Messages to stand in the place of all; `if_head`: only while that is the number of the last one."""

    messages: list[Any]
    ids: list[Name | None] | None = None
    if_head: Number | None = None


class AppendedShown(msgspec.Struct, frozen=True):
    """The number of each message, and the ids that stood already."""

    seqs: list[int]
    skipped: list[str]
    revision: int


class Popped(msgspec.Struct, frozen=True):
    """The message that was taken away; null where there was none."""

    message: Any


class Counted(msgspec.Struct, frozen=True):
    """How many messages stand."""

    count: int


def _messages(call: Call) -> AsyncMessages:
    return AsyncMessages(call.scope("thread", call.params[0]))


async def page(call: Call) -> Response:
    """Return messages, oldest first: a page of 1,000 at most, or the last ones."""
    query = call.query(MessagesQuery)
    limit = query.limit if query.last is not None else query.limit or 1_000
    found = await _messages(call).entries(
        last=query.last, after=query.after, before=query.before, limit=limit
    )
    shown = [MessageShown(m.seq, m.id, m.created_at, m.value) for m in found]
    return json_answer(MessagesShown(shown))


async def append(call: Call) -> Response:
    """Add messages at the end, all together and in order."""
    given = await call.body(AppendMessages)
    done = await _messages(call).append(*given.messages, ids=given.ids)
    return json_answer(AppendedShown(list(done.seqs), list(done.skipped), done.revision), 201)


async def replace(call: Call) -> Response:
    """Put other messages in the place of all; numbers go on."""
    given = await call.body(ReplaceMessages)
    done = await _messages(call).replace(given.messages, ids=given.ids, if_head=given.if_head)
    return json_answer(AppendedShown(list(done.seqs), list(done.skipped), done.revision))


async def trim(call: Call) -> Response:
    """Remove all but the last messages; calls of tools stay with their results."""
    keep = call.query(TrimQuery).keep_last
    return json_answer(Removed(await _messages(call).trim(keep_last=keep)))


async def pop(call: Call) -> Response:
    """Take the last message away and return it."""
    return json_answer(Popped(await _messages(call).pop()))


async def count(call: Call) -> Response:
    """Return how many messages stand, without reading them."""
    return json_answer(Counted(await _messages(call).count()))


_MANY = "/threads/{thread_id}/messages"
ROUTES = (
    Route("GET", _MANY, page, "read", query=MessagesQuery, answer=MessagesShown),
    Route(
        "POST",
        _MANY,
        append,
        "write",
        body=AppendMessages,
        answer=AppendedShown,
        status=201,
        headers=(KEY,),
    ),
    Route("PUT", _MANY, replace, "write", body=ReplaceMessages, answer=AppendedShown),
    Route("DELETE", _MANY, trim, "write", query=TrimQuery, answer=Removed),
    Route("POST", f"{_MANY}/pop", pop, "write", answer=Popped, headers=(KEY,)),
    Route("GET", f"{_MANY}/count", count, "read", answer=Counted),
)
