"""Requests that may come again: with the same `Idempotency-Key` they have one effect and the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from threadkeep._async.scope import requests
from threadkeep.errors import UsageError
from threadkeep.server.call import Call
from threadkeep.server.routing import KEY, Route

_NAME: Final = KEY.lower().encode()
_LONGEST: Final = 255
_NEW: Final = frozenset({"POST", "PATCH"})  # what is sent again has an effect again


@contextmanager
def asked_once(call: Call, route: Route) -> Generator[None]:
    """Let the first write to the entity that the path names carry the request's id.

    UsageError for a write that cannot be kept from a second effect by it. On reads and on writes that set or
    delete, and so may be sent again anyhow, it means nothing.
    """
    if not has_key(call):
        yield
        return
    if KEY not in route.headers and route.method in _NEW and route.right != "read":
        raise UsageError(f"this resource takes no {KEY}")
    if KEY not in route.headers or not route.entity:
        yield
        return
    mark = requests.set({call.entity().ref: lambda: request_id(call, route.path)})
    try:
        yield
    finally:
        requests.reset(mark)


def has_key(call: Call) -> bool:
    """Tell whether a request names itself; UsageError where it does so badly."""
    key = call.request.header(_NAME)
    if key is not None and not 0 < len(key) <= _LONGEST:
        raise UsageError(f"{KEY} must have 1 to {_LONGEST} characters")
    return key is not None


def request_id(call: Call, path: str) -> str:
    """Return the id of a request: that of its caller, key, resource, query and body, as far as that was read."""
    request = call.request
    told = (
        call.caller.id,
        request.header(_NAME),
        request.method,
        path,
        *call.params,
        request.query,
    )
    made = hashlib.sha256(repr(told).encode("utf-8", "surrogatepass"))
    made.update(call.content)
    return f"request-{made.hexdigest()}"
