"""Routes of state: the fields of a thread, a user or the app, each with its lease and revision."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep._async.scope import AsyncScope
from threadkeep._async.state import AsyncState
from threadkeep.errors import Conflict, NotFound
from threadkeep.layers import state
from threadkeep.model.leases import FOREVER
from threadkeep.server.call import Call
from threadkeep.server.conditions import (
    PreconditionFailed,
    Tag,
    if_match,
    known_already,
    must_be_absent,
    of_incarnation,
    of_version,
    with_epoch,
    with_version,
)
from threadkeep.server.leases import FieldShown, Leased, shown
from threadkeep.server.resources.turns import fenced
from threadkeep.server.routing import Route
from threadkeep.server.statuses import empty_answer, json_answer


class FieldQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`renew=false` reads without renewing leases."""

    renew: bool = True


class FieldsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which fields: all, or those whose names begin so."""

    prefix: str | None = None
    renew: bool = True


class PrefixQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which fields: all, or those whose names begin so."""

    prefix: str | None = None


class FieldsShown(msgspec.Struct, frozen=True):
    """Fields, sorted by name, and the revision of the whole entity."""

    fields: list[FieldShown]
    revision: int


class SetField(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value to write."""

    value: Any


class SetFields(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values to write together, with one lease."""

    values: dict[str, Any]


class Increment(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to add; an absent field counts as 0."""

    by: int | float = 1


class Push(Leased, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to add to the end of a list; `keep` leaves the last so many."""

    item: Any
    keep: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] | None = None


class TouchFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which fields to renew; all where none are named."""

    names: list[str] = []


class Revised(msgspec.Struct, frozen=True):
    """The revision that a write made."""

    revision: int


class Summed(msgspec.Struct, frozen=True):
    """The sum after an increment."""

    value: int | float


class Lengthened(msgspec.Struct, frozen=True):
    """How long the list is after a push."""

    length: int


class Removed(msgspec.Struct, frozen=True):
    """How many went."""

    removed: int


class Touched(msgspec.Struct, frozen=True):
    """How many fields were looked at."""

    touched: int


async def get_all(call: Call) -> Response:
    """Return the fields, each with its value, revision, lease and end."""
    query = call.query(FieldsQuery)
    entity = call.entity()
    plan = state.entries(entity.ref, query.prefix, renew=query.renew)
    found, tag = await entity.read(with_version(plan))
    if known_already(call, tag):
        return empty_answer({"ETag": str(tag)}, 304)
    fields = [shown(name, entry) for name, entry in found.items()]
    return json_answer(FieldsShown(fields, tag.revision), headers={"ETag": str(tag)})


async def get(call: Call) -> Response:
    """Return one field; 404 where none stands, 304 where the client has it already."""
    renew = call.query(FieldQuery).renew
    entity, name = call.entity(), call.params[-1]
    plan = state.entry(entity.ref, name, None, renew=renew)
    found, epoch = await entity.read(with_epoch(plan))
    if found is None:
        raise NotFound("there is no such field")
    tag = Tag(epoch, found.revision)
    if known_already(call, tag):
        return empty_answer({"ETag": str(tag)}, 304)
    return json_answer(shown(name, found), headers={"ETag": str(tag)})


async def put(call: Call) -> Response:
    """Write one field; with If-Match only over that version, with If-None-Match: * only a new one."""
    given = await call.body(SetField)
    entity, tag, absent = call.entity(), if_match(call), must_be_absent(call)
    plan = state.put(
        entity.ref,
        {call.params[-1]: given.value},
        given.lease(call.store.field_lease(entity.ref.kind)),
        call.store.limits.value,
        if_absent=absent,
        if_revision=None if tag is None else tag.revision,
    )
    revision, epoch = await _held(call, entity, with_epoch(of_incarnation(plan, tag)))
    return json_answer(Revised(revision), headers={"ETag": str(Tag(epoch, revision))})


async def delete(call: Call) -> Response:
    """Delete one field; with If-Match only that version."""
    entity, tag = call.entity(), if_match(call)
    revision = None if tag is None else tag.revision
    plan = state.delete(entity.ref, (call.params[-1],), if_revision=revision)
    return json_answer(Removed(await _held(call, entity, of_incarnation(plan, tag))))


async def patch(call: Call) -> Response:
    """Write several fields with one lease, all or nothing; with If-Match only over that version of all."""
    given = await call.body(SetFields)
    entity, tag = call.entity(), if_match(call)
    lease = given.lease(call.store.field_lease(entity.ref.kind))
    plan = of_version(state.put(entity.ref, given.values, lease, call.store.limits.value), tag)
    revision, now = await _held(call, entity, with_version(plan))
    return json_answer(Revised(revision), headers={"ETag": str(now)})


async def clear(call: Call) -> Response:
    """Delete all fields, or those with a prefix; with If-Match only that version of all."""
    query = call.query(PrefixQuery)
    entity = call.entity()
    plan = of_version(state.clear(entity.ref, query.prefix), if_match(call))
    return json_answer(Removed(await _held(call, entity, plan)))


async def increment(call: Call) -> Response:
    """Add to a number; no concurrent increment is lost."""
    given = await call.body(Increment)
    entity = call.entity()
    lease = given.lease(call.store.field_lease(entity.ref.kind))
    plan = state.increment(entity.ref, call.params[-1], given.by, lease, keep=not given.given)
    return json_answer(Summed(await _held(call, entity, plan)))


async def push(call: Call) -> Response:
    """Add an item to the end of a list."""
    given = await call.body(Push)
    entity = call.entity()
    lease = given.lease(FOREVER) if given.given else None
    with fenced(call, entity.ref):
        length = await AsyncState(entity).push(
            call.params[-1], given.item, keep=given.keep, ttl=lease
        )
    return json_answer(Lengthened(length))


async def touch(call: Call) -> Response:
    """Renew sliding fields, each to its own window."""
    given = await call.body(TouchFields)
    entity = call.entity()
    return json_answer(
        Touched(await _held(call, entity, state.touch(entity.ref, given.names or None)))
    )


async def _held(call: Call, entity: AsyncScope, plan: Any) -> Any:
    """Run a plan that writes; a condition of the request that did not hold is 412."""
    conditional = "if-match" in call.request.headers or "if-none-match" in call.request.headers
    with fenced(call, entity.ref):
        try:
            return await entity.write(plan)
        except Conflict as error:
            if conditional and type(error) is Conflict:
                raise PreconditionFailed(str(error)) from error
            raise


_READ = ("If-None-Match",)
_PUT = ("If-Match", "If-None-Match", "X-Turn")
_DELETE = ("If-Match", "X-Turn")


def _routes(base: str, kind: str) -> tuple[Route, ...]:
    """Return the routes of the state of one kind of entity; the last hole of a path is the field."""
    many, one = f"{base}/state", f"{base}/state/{{field}}"
    return (
        Route(
            "GET",
            many,
            get_all,
            "read",
            query=FieldsQuery,
            answer=FieldsShown,
            kind=kind,
            headers=_READ,
        ),
        Route(
            "PATCH",
            many,
            patch,
            "write",
            body=SetFields,
            answer=Revised,
            kind=kind,
            headers=_DELETE,
        ),
        Route(
            "DELETE",
            many,
            clear,
            "write",
            query=PrefixQuery,
            answer=Removed,
            kind=kind,
            headers=_DELETE,
        ),
        Route(
            "POST",
            f"{base}/state-touch",
            touch,
            "write",
            body=TouchFields,
            answer=Touched,
            kind=kind,
        ),
        Route(
            "GET", one, get, "read", query=FieldQuery, answer=FieldShown, kind=kind, headers=_READ
        ),
        Route("PUT", one, put, "write", body=SetField, answer=Revised, kind=kind, headers=_PUT),
        Route("DELETE", one, delete, "write", answer=Removed, kind=kind, headers=_DELETE),
        Route(
            "POST", f"{one}/increment", increment, "write", body=Increment, answer=Summed, kind=kind
        ),
        Route("POST", f"{one}/push", push, "write", body=Push, answer=Lengthened, kind=kind),
    )


ROUTES = (
    *_routes("/threads/{thread_id}", "thread"),
    *_routes("/users/{user_id}", "user"),
    *_routes("/app", "app"),
)
