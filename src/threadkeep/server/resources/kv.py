"""Routes of key-value namespaces: keys and values beside threads."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep.errors import Conflict, NotFound
from threadkeep.model.kv import Found
from threadkeep.model.leases import FOREVER
from threadkeep.server.call import Call
from threadkeep.server.conditions import (
    PreconditionFailed,
    Tag,
    if_match,
    known_already,
    must_be_absent,
)
from threadkeep.server.leases import Leased
from threadkeep.server.resources.state import FieldQuery, Removed, Revised
from threadkeep.server.routing import Route
from threadkeep.server.shapes import ContentType, KvPrefix
from threadkeep.server.standing import page_after
from threadkeep.server.statuses import empty_answer, json_answer


class PutKey(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value to write; `if_revision`: only over that one (0: only where none stands)."""

    value: Any
    content_type: ContentType | None = None
    if_revision: Annotated[int, msgspec.Meta(ge=0, le=1 << 60)] | None = None


class KeyShown(msgspec.Struct, frozen=True):
    """What stands at a key."""

    key: str
    value: Any
    content_type: str
    revision: int
    ttl: float | None
    expires_at: datetime | None


class KeysQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys, in order."""

    prefix: KvPrefix | None = None
    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class KeysShown(msgspec.Struct, frozen=True):
    """A page of keys; `cursor` null: it was the last."""

    keys: list[str]
    cursor: str | None


def key_shown(found: Found) -> KeyShown:
    """Return what stands at a key for an answer."""
    return KeyShown(
        found.key,
        found.value,
        found.content_type,
        found.revision,
        found.lease.seconds,
        found.expires_at,
    )


def _tag(revision: int) -> Tag:
    return Tag("kv", revision)


def _revision(call: Call, given: int | None) -> int | None:
    """Return the revision that must stand, by the body or by If-Match."""
    tag = if_match(call)
    if tag is None:
        return given
    if tag.epoch != "kv" or given not in {None, tag.revision}:
        raise PreconditionFailed("If-Match is not the ETag of this key")
    return tag.revision


async def get(call: Call) -> Response:
    """Return what stands at a key; 404 where nothing does."""
    space, key = call.params
    renew = call.query(FieldQuery).renew if "renew" in dict(call.request.query) else None
    found = await call.whole().kv(space).get(key, renew=renew)
    if found is None:
        raise NotFound("nothing stands at this key")
    tag = _tag(found.revision)
    if known_already(call, tag):
        return empty_answer({"ETag": str(tag)}, 304)
    return json_answer(key_shown(found), headers={"ETag": str(tag)})


async def put(call: Call) -> Response:
    """Write a key; with If-Match only over that version, with If-None-Match: * only where nothing stands."""
    given = await call.body(PutKey)
    space, key = call.params
    absent, wanted = must_be_absent(call), _revision(call, given.if_revision)
    if absent and wanted is not None:
        raise PreconditionFailed("If-None-Match: * never holds together with another condition")
    try:
        revision = (
            await call.whole()
            .kv(space)
            .set(
                key,
                given.value,
                ttl=given.lease(FOREVER) if given.given else None,
                content_type=given.content_type,
                if_absent=absent,
                if_revision=wanted,
            )
        )
    except Conflict as error:
        if absent or b"if-match" in call.request.headers:
            raise PreconditionFailed(str(error)) from error
        raise
    return json_answer(Revised(revision), headers={"ETag": str(_tag(revision))})


async def delete(call: Call) -> Response:
    """Delete a key, if it stands."""
    space, key = call.params
    return json_answer(Removed(await call.whole().kv(space).delete(key)))


async def keys(call: Call) -> Response:
    """List keys in order, by pages."""
    query = call.query(KeysQuery)
    listing = call.whole().kv(call.params[0]).keys(query.prefix, limit=query.limit)
    with page_after(query.cursor):
        found = await listing.page(query.cursor)
    return json_answer(KeysShown(list(found.items), found.cursor))


async def drop(call: Call) -> Response:
    """Delete all keys of a namespace."""
    return json_answer(Removed(await call.whole().kv(call.params[0]).delete_namespace()))


_SPACE = "/kv/{kv_namespace}"
ROUTES = (
    Route("GET", f"{_SPACE}/keys", keys, "read", query=KeysQuery, answer=KeysShown),
    Route("DELETE", f"{_SPACE}/keys", drop, "write", answer=Removed),
    Route(
        "GET",
        f"{_SPACE}/keys/{{key}}",
        get,
        "read",
        query=FieldQuery,
        answer=KeyShown,
        headers=("If-None-Match",),
    ),
    Route(
        "PUT",
        f"{_SPACE}/keys/{{key}}",
        put,
        "write",
        body=PutKey,
        answer=Revised,
        headers=("If-Match", "If-None-Match"),
    ),
    Route("DELETE", f"{_SPACE}/keys/{{key}}", delete, "write", answer=Removed),
)
