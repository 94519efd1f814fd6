"""Conditional requests: ETags of entities and fields, `If-Match`, `If-None-Match`.

An ETag holds the epoch and the revision, so that of a destroyed thread never fits the next of its id.
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec

from threadkeep.errors import UsageError
from threadkeep.ops.batch import Plan
from threadkeep.ops.ops import Epoch, Revision
from threadkeep.ops.reply import Reply
from threadkeep.server.bodies import Refused
from threadkeep.server.call import Call
from threadkeep.server.request import Request

T = TypeVar("T")
_CONDITIONS: Final = ((b"if-match", "If-Match"), (b"if-none-match", "If-None-Match"))
_READS: Final = ("GET", "HEAD")
_TAG: Final = re.compile(r'"([0-9A-Za-z_-]{1,64})\.([0-9]{1,18})"')


class Tag(msgspec.Struct, frozen=True):
    """The version that a client has seen."""

    epoch: str
    revision: int

    def __str__(self) -> str:
        return f'"{self.epoch}.{self.revision}"'


def with_epoch(plan: Plan[T]) -> Plan[tuple[T, str]]:
    """Return the plan, which also gives the epoch of the entity."""
    return Plan(plan.batch, lambda reply: (plan.decode(reply), reply.epoch))


def with_version(plan: Plan[T]) -> Plan[tuple[T, Tag]]:
    """Return the plan, which also gives the version of the whole entity."""
    return Plan(plan.batch, lambda reply: (plan.decode(reply), Tag(reply.epoch, reply.revision)))


def of_incarnation(plan: Plan[T], tag: Tag | None) -> Plan[T]:
    """Return the plan, guarded such that the entity is the incarnation of the tag."""
    if tag is None:
        return plan
    guards = (*plan.batch.guards, Epoch(tag.epoch))
    return Plan(msgspec.structs.replace(plan.batch, guards=guards), plan.decode)


def of_version(plan: Plan[T], tag: Tag | None) -> Plan[T]:
    """Return the plan, guarded such that the whole entity has the version of the tag; 412 where it has not."""
    if tag is None:
        return plan
    guards = (*plan.batch.guards, Epoch(tag.epoch), Revision(tag.revision))

    def read(reply: Reply) -> T:
        if not reply.ok:
            raise PreconditionFailed("it was changed or removed meanwhile; nothing was written")
        return plan.decode(reply)

    return Plan(msgspec.structs.replace(plan.batch, guards=guards), read)


def if_match(call: Call) -> Tag | None:
    """Return the version that must stand; None where the request names none."""
    given = call.request.header(b"if-match")
    if given is None:
        return None
    found = _TAG.fullmatch(given.strip())
    if found is None:
        raise PreconditionFailed(
            "If-Match must be one ETag as this server gave it; nothing was written"
        )
    return Tag(found[1], int(found[2]))


def if_none_match(call: Call) -> str | None:
    """Return the text of If-None-Match: `*`, or ETags that the client has."""
    given = call.request.header(b"if-none-match")
    return None if given is None else given.strip()


def must_be_absent(call: Call) -> bool:
    """Tell whether a write is to create and never to replace: `If-None-Match: *`."""
    given = if_none_match(call)
    if given is None:
        return False
    if given != "*":
        raise UsageError("a write takes If-None-Match: * alone")
    return True


def known_already(call: Call, tag: Tag) -> bool:
    """Tell whether the client has this version already."""
    given = if_none_match(call)
    return given is not None and (
        given == "*" or str(tag) in (part.strip().removeprefix("W/") for part in given.split(","))
    )


def check_conditions(request: Request, taken: tuple[str, ...]) -> None:
    """Refuse a write with a condition that its route does not look at: it would not hold, unnoticed."""
    if request.method in _READS:
        return
    for name, shown in _CONDITIONS:
        if name in request.headers and shown not in taken:
            raise UsageError(f"this resource takes no {shown}")


class PreconditionFailed(Refused):
    """A condition of the request did not hold, so nothing was written."""

    def __init__(self, message: str) -> None:
        super().__init__(412, message)
