"""The older routes of thread values, `/session/...`: other bodies and statuses for the same values."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from threadkeep.errors import NotFound, UsageError
from threadkeep.server.call import Call
from threadkeep.server.resources.values import (
    AllValues,
    OneValue,
    delete_value,
    get_values,
    usable,
    write,
)
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import ValueKey
from threadkeep.server.statuses import json_answer


class PutValue(msgspec.Struct, frozen=True):
    """A value to be set; `key` is that of the path."""

    key: ValueKey
    value: Any


class PutValues(msgspec.Struct, frozen=True):
    """Values to be set together; others of the session stay."""

    values: dict[ValueKey, Any]


class Success(msgspec.Struct, frozen=True):
    """That it was done."""

    success: bool = True


async def get_all(call: Call) -> Response:
    """Return all values of a session (the older route)."""
    return await get_values(call)


async def get(call: Call) -> Response:
    """Return one value of a session, 404 where none stands (the older route)."""
    session, key = call.params
    found = await call.thread(session).state.get_many([key])
    if key not in found:
        raise NotFound("key not found")
    return json_answer(OneValue(found[key]))


async def put(call: Call) -> Response:
    """Set one value of a session; it takes the store's default lease (the older route)."""
    given = await call.body(PutValue)
    session, key = call.params
    if given.key != key:
        raise UsageError("key in URL path must match key in payload")
    await write(call, session, key, given.value, None)
    return json_answer(Success())


async def put_all(call: Call) -> Response:
    """Set several values of a session, all or none (the older route)."""
    given = await call.body(PutValues)
    for key in given.values:
        usable(key, "key")
    thread = call.thread(usable(call.params[0], "session id"))
    if given.values:
        await thread.state.update(given.values)
    return json_answer(Success())


async def delete(call: Call) -> Response:
    """Delete one value of a session, if it stands (the older route)."""
    await delete_value(call)
    return json_answer(Success())


_VALUES = "/session/{session_id}/values"
_VALUE = "/session/{session_id}/values/{key}"
ROUTES = (
    Route("GET", _VALUES, get_all, "read", answer=AllValues),
    Route("POST", _VALUES, put_all, "write", body=PutValues, answer=Success, headers=(KEY,)),
    Route("GET", _VALUE, get, "read", answer=OneValue),
    Route("PUT", _VALUE, put, "write", body=PutValue, answer=Success),
    Route("DELETE", _VALUE, delete, "write", answer=Success),
)
