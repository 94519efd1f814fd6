"""Routes of state: the fields of a thread, a user or the app, each with its lease and revision."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from threadkeep._async.scope import AsyncScope
from threadkeep._async.state import AsyncState
from threadkeep.errors import Conflict, NotFound, UsageError
from threadkeep.layers import state
from threadkeep.model.leases import FOREVER
from threadkeep.model.refs import check_names
from threadkeep.ops.batch import Plan
from threadkeep.ops.ops import Del
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
from threadkeep.server.routing import KEY, Route
from threadkeep.server.shapes import Name
from threadkeep.server.standing import fitting
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
    """Values to write together, with one lease; `remove`: fields to delete with them."""

    values: dict[Name, Any] = msgspec.field(default_factory=dict[str, Any])
    remove: list[Name] = msgspec.field(default_factory=list[str])


class GetFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which fields to read; `renew` false: without renewing leases."""

    names: list[Name]
    renew: bool = True


class ValuesShown(msgspec.Struct, frozen=True):
    """The values of those of the fields that stand."""

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

    names: list[Name] = []


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


async def get_many(call: Call) -> Response:
    """Return the values of several fields, all of one moment; those that do not stand are left out."""
    given = await call.body(GetFields)
    entity = call.entity()
    plan = state.get_many(entity.ref, given.names, None, renew=given.renew)
    return json_answer(ValuesShown(await entity.read(plan) if given.names else {}))


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
    if absent and tag is not None:
        raise PreconditionFailed("If-Match and If-None-Match: * never hold together")
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
    """Write and delete several fields, all or nothing; with If-Match only over that version of all."""
    given = await call.body(SetFields)
    entity, tag = call.entity(), if_match(call)
    lease = given.lease(call.store.field_lease(entity.ref.kind))
    plan = of_version(state.put(entity.ref, given.values, lease, call.store.limits.value), tag)
    plan = _removing(plan, given)
    revision, now = await _held(call, entity, with_version(plan))
    return json_answer(Revised(revision), headers={"ETag": str(now)})


def _removing(plan: Plan[int], given: SetFields) -> Plan[int]:
    """Return the plan, which also deletes fields."""
    if not given.remove:
        return plan
    names = check_names(given.remove)
    both = sorted(set(names) & set(given.values))
    if both:
        raise UsageError(f"field {both[0]!r} is to be written and removed")
    ops = (*plan.batch.ops, Del(state.MAP, names))
    return Plan(msgspec.structs.replace(plan.batch, ops=ops), plan.decode)


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
    with fitting(UsageError):
        return json_answer(Summed(await _held(call, entity, plan)))


async def push(call: Call) -> Response:
    """Add an item to the end of a list."""
    given = await call.body(Push)
    entity = call.entity()
    lease = given.lease(FOREVER) if given.given else None
    with fitting(state.NoList):
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
    conditional = b"if-match" in call.request.headers or b"if-none-match" in call.request.headers
    try:
        return await entity.write(plan)
    except Conflict as error:
        if conditional and type(error) is Conflict:
            raise PreconditionFailed(str(error)) from error
        raise


_READ = ("If-None-Match",)
_PUT = ("If-Match", "If-None-Match")
_DELETE, _PATCH = ("If-Match",), ("If-Match", KEY)


def _routes(base: str, kind: str) -> tuple[Route, ...]:
    """Return the routes of the state of one kind of entity; the last hole of a path is the field."""
    return tuple(
        msgspec.structs.replace(route, path=base + route.path, kind=kind) for route in _OF_ONE
    )


_MANY, _ONE, _SUM = "/state", "/state/{field}", "/state/{field}/increment"
_OF_ONE = (
    Route("GET", _MANY, get_all, "read", query=FieldsQuery, answer=FieldsShown, headers=_READ),
    Route("PATCH", _MANY, patch, "write", body=SetFields, answer=Revised, headers=_PATCH),
    Route("DELETE", _MANY, clear, "write", query=PrefixQuery, answer=Removed, headers=_DELETE),
    Route("POST", "/state-get", get_many, "read", body=GetFields, answer=ValuesShown),
    Route("POST", "/state-touch", touch, "write", body=TouchFields, answer=Touched, headers=(KEY,)),
    Route("GET", _ONE, get, "read", query=FieldQuery, answer=FieldShown, headers=_READ),
    Route("PUT", _ONE, put, "write", body=SetField, answer=Revised, headers=_PUT),
    Route("DELETE", _ONE, delete, "write", answer=Removed, headers=_DELETE),
    Route("POST", _SUM, increment, "write", body=Increment, answer=Summed, headers=(KEY,)),
    Route("POST", f"{_ONE}/push", push, "write", body=Push, answer=Lengthened, headers=(KEY,)),
)
ROUTES = (
    *_routes("/threads/{thread_id}", "thread"),
    *_routes("/users/{user_id}", "user"),
    *_routes("/app", "app"),
)
