"""Routes of key-value namespaces as wholes: which there are, several keys, searches, defaults, counts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from starlette.responses import Response

from threadkeep._async.kv import AsyncKv
from threadkeep.layers.kv import TYPE_BYTES
from threadkeep.model.kv import KvStats
from threadkeep.model.leases import FOREVER, moment
from threadkeep.model.refs import check_name
from threadkeep.server.call import Call
from threadkeep.server.leases import Leased
from threadkeep.server.resources.kv import KeyShown, KeysQuery, key_shown
from threadkeep.server.routing import Route
from threadkeep.server.shapes import ContentType, KvKey, Name
from threadkeep.server.standing import page_after
from threadkeep.server.statuses import empty_answer, json_answer


class SpacesShown(msgspec.Struct, frozen=True):
    """A page of namespaces; `cursor` null: it was the last."""

    namespaces: list[str]
    cursor: str | None


class AskedKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys to read."""

    keys: Annotated[list[KvKey], msgspec.Meta(min_length=1, max_length=1_000)]
    renew: bool | None = None


class ManyShown(msgspec.Struct, frozen=True):
    """Those of the keys that stand, in the order in which they were asked for."""

    found: list[KeyShown]


class PutKeys(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values to write by key, with one lease. Each key is atomic, all of them together are not."""

    values: dict[KvKey, Any]
    content_type: ContentType | None = None


class ManyRevised(msgspec.Struct, frozen=True):
    """The revision of each key."""

    revisions: dict[str, int]


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key must contain, whatever the case; with `values=true`, or its value."""

    keyword: Name
    values: bool = False
    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class MatchesShown(msgspec.Struct, frozen=True):
    """A page of keys that were found, with their values; `cursor` null: it was the last."""

    found: list[KeyShown]
    cursor: str | None


class Defaults(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lease of values that are written without one; `sliding` false: no read renews it."""

    sliding: bool = True

    together: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"properties": {"expires_at": {"type": "null"}, "ttl": {"type": "null"}}},
            {"properties": {"expires_at": {"type": "null"}, "forever": {"const": False}}},
        ]
    }


class DefaultsShown(msgspec.Struct, frozen=True):
    """What holds for a namespace; without `ttl`, `expires_at` and `forever`, the store's own default."""

    ttl: float | None
    expires_at: datetime | None
    forever: bool
    sliding: bool


class TouchedKey(msgspec.Struct, frozen=True):
    """Whether the key stands."""

    touched: bool


def _kv(call: Call) -> AsyncKv:
    return call.whole().kv(call.params[0])


async def spaces(call: Call) -> Response:
    """List the key-value namespaces that hold a key or have defaults."""
    query = call.query(KeysQuery)
    listing = call.whole().kv_namespaces(query.prefix, limit=query.limit)
    with page_after(query.cursor):
        found = await listing.page(query.cursor)
    return json_answer(SpacesShown(list(found.items), found.cursor))


async def get_many(call: Call) -> Response:
    """Return what stands at several keys; each is of its own moment."""
    given = await call.body(AskedKeys)
    found = await _kv(call).get_many(given.keys, renew=given.renew)
    return json_answer(ManyShown([key_shown(one) for one in found.values()]))


async def put_many(call: Call) -> Response:
    """Write several keys; what cannot be stored is refused before the first is written."""
    given = await call.body(PutKeys)
    if given.content_type is not None:
        check_name(given.content_type, "content_type", TYPE_BYTES)
    lease = given.lease(FOREVER) if given.given else None
    done = await _kv(call).set_many(given.values, ttl=lease, content_type=given.content_type)
    return json_answer(ManyRevised(done))


async def touch(call: Call) -> Response:
    """Renew the lease of a key to its own window."""
    return json_answer(TouchedKey(await _kv(call).touch(call.params[1])))


async def search(call: Call) -> Response:
    """List the keys that contain a word, with their values; it looks at one after the other."""
    query = call.query(SearchQuery)
    listing = _kv(call).search(query.keyword, values=query.values, limit=query.limit)
    with page_after(query.cursor):
        found = await listing.page(query.cursor)
    return json_answer(MatchesShown([key_shown(one) for one in found.items], found.cursor))


async def stats(call: Call) -> Response:
    """Count the keys of a namespace and their bytes; it goes through all of them."""
    return json_answer(await _kv(call).stats())


async def defaults(call: Call) -> Response:
    """Return what holds for a namespace."""
    found = await _kv(call).defaults()
    lease = found.lease
    seconds = None if lease is None else lease.seconds
    end = None if lease is None or lease.end is None else moment(lease.end)
    shown = DefaultsShown(seconds, end, forever=lease == FOREVER, sliding=found.sliding)
    return json_answer(shown)


async def set_defaults(call: Call) -> Response:
    """Set what holds for a namespace; values that stand keep their leases."""
    given = await call.body(Defaults)
    lease = given.lease(FOREVER) if given.given else None
    await _kv(call).set_defaults(ttl=lease, sliding=given.sliding)
    return empty_answer()


_SPACE = "/kv/{kv_namespace}"
ROUTES = (
    Route("GET", "/kv", spaces, "read", query=KeysQuery, answer=SpacesShown),
    Route("POST", f"{_SPACE}/keys-get", get_many, "read", body=AskedKeys, answer=ManyShown),
    Route("PATCH", f"{_SPACE}/keys", put_many, "write", body=PutKeys, answer=ManyRevised),
    Route("POST", f"{_SPACE}/keys/{{key}}/touch", touch, "write", answer=TouchedKey),
    Route("GET", f"{_SPACE}/search", search, "read", query=SearchQuery, answer=MatchesShown),
    Route("GET", f"{_SPACE}/stats", stats, "read", answer=KvStats),
    Route("GET", f"{_SPACE}/defaults", defaults, "read", answer=DefaultsShown),
    Route("PUT", f"{_SPACE}/defaults", set_defaults, "write", body=Defaults, status=204),
)
