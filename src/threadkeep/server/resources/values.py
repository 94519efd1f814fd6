"""Routes of thread values: `/sessions/...`. A session is a thread of the same id, its values are its state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep.errors import UsageError
from threadkeep.layers import state
from threadkeep.model.parts import PREFIX, is_part
from threadkeep.model.records import ThreadInfo
from threadkeep.model.refs import check_name
from threadkeep.server.call import Call
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import Name, ValueKey
from threadkeep.server.statuses import empty_answer, json_answer

UNUSABLE = ("", ".", "..")  # a client that resolves dots in URLs could never reach them again
AT_ONCE = 20


class SetValue(msgspec.Struct, frozen=True):
    """A value to be set; without `expiry` it takes the store's default lease, not the old one."""

    key: ValueKey
    value: Any
    expiry: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class OneValue(msgspec.Struct, frozen=True):
    """A value; null also where none stands."""

    value: Any


class AllValues(msgspec.Struct, frozen=True):
    """The values of a session by key."""

    values: dict[str, Any]


class SessionsQuery(msgspec.Struct, frozen=True):
    """Which sessions to list, newest first; what it does not know is ignored, as the contract has it."""

    thread_id: Name | None = None
    task_id: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 50
    offset: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0


class Session(msgspec.Struct, frozen=True):
    """A session that has values; `task_ids` is always empty, for this server knows no tasks."""

    session_id: str
    thread_id: str
    key_count: int
    keys: list[str]
    updated_at: datetime | None
    task_ids: list[str] = []


def usable(name: str, what: str) -> str:
    """Return a name that a value may be set under; UsageError for one that URLs cannot carry."""
    if name in UNUSABLE:
        raise UsageError(f"{what} {name!r} cannot be used: URLs do not carry it")
    return name


async def write(call: Call, session: str, key: str, value: Any, expiry: datetime | None) -> None:
    """Set one value; a part under a part's key may be as large as parts are."""
    usable(session, "session id")
    name = usable(key, "key").removeprefix(PREFIX)
    if name and name != key and is_part(value):
        await call.thread(session).parts.set(name, value, expires_at=expiry, sniff=False)
    else:
        await call.state(session).set(key, value, expires_at=expiry)


async def set_value(call: Call) -> Response:
    """Set one value of a session."""
    given = await call.body(SetValue)
    await write(call, call.params[0], given.key, given.value, given.expiry)
    return empty_answer()


async def get_value(call: Call) -> Response:
    """Return one value of a session; null where none stands."""
    session, key = call.params
    scope = call.scope("thread", session)
    return json_answer(
        {"value": await scope.read(state.get(scope.ref, key, None, None, renew=True))}
    )


async def get_values(call: Call) -> Response:
    """Return all values of a session."""
    return json_answer({"values": await call.state(call.params[0]).get_all()})


async def delete_value(call: Call) -> Response:
    """Delete one value of a session, if it stands."""
    session, key = call.params
    name = key.removeprefix(PREFIX)
    if name and name != key:
        await call.thread(session).parts.delete(name)
    else:
        await call.state(session).delete(key)
    return empty_answer()


async def clear_session(call: Call) -> Response:
    """Delete all values of a session; its messages and snapshots stay."""
    await call.state(call.params[0]).clear()
    return empty_answer()


async def list_sessions(call: Call) -> Response:
    """List the sessions that have values, newest first."""
    query = call.query(SessionsQuery)
    if query.thread_id is not None:
        check_name(query.thread_id, "thread id")
    if query.task_id is not None or query.limit == 0:
        return json_answer([])
    found: list[Session] = []
    skip = query.offset
    async for session in _sessions(call, query):
        if skip:
            skip -= 1
            continue
        found.append(session)
        if len(found) == query.limit:
            break
    return json_answer(found)


async def _sessions(call: Call, query: SessionsQuery) -> AsyncIterator[Session]:
    if query.thread_id is not None:
        info = await call.thread(query.thread_id).info()
        chosen = [] if info is None else [info]
        for session in await _with_values(call, chosen):
            yield session
        return
    batch: list[ThreadInfo] = []
    async for info in call.threads():
        batch.append(info)
        if len(batch) == AT_ONCE:
            for session in await _with_values(call, batch):
                yield session
            batch.clear()
    for session in await _with_values(call, batch):
        yield session


async def _with_values(call: Call, infos: list[ThreadInfo]) -> list[Session]:
    keys = await asyncio.gather(*(call.state(info.id).keys() for info in infos))
    return [
        Session(info.id, info.id, len(names), names, info.updated_at)
        for info, names in zip(infos, keys, strict=True)
        if names
    ]


_VALUES = "/sessions/{session_id}/values"
_VALUE = "/sessions/{session_id}/values/{key}"
ROUTES = (
    Route("POST", _VALUES, set_value, "write", body=SetValue, status=204, headers=(KEY,)),
    Route("GET", _VALUES, get_values, "read", answer=AllValues),
    Route("GET", _VALUE, get_value, "read", answer=OneValue),
    Route("DELETE", _VALUE, delete_value, "write", status=204),
    Route("DELETE", "/sessions/{session_id}", clear_session, "write", status=204),
    Route("GET", "/sessions", list_sessions, "read", query=SessionsQuery, answer=list[Session]),
)
