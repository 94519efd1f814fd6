"""Parts of the next user message: fields of the state whose names begin with `__user_part_`."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers import state
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.leases import Lease
from threadkeep.model.parts import PREFIX, checked, resolved
from threadkeep.model.refs import Ref, check_name
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyOp, Del, Get, Same, Set
from threadkeep.ops.reply import Field, Fields, Reply

MAP = state.MAP


class Waiting(msgspec.Struct, frozen=True):
    """A value that waits: its name, what it holds, and how it stands in the store."""

    name: str
    value: Any
    field: Field

    @property
    def uses(self) -> int | None:
        """Return how often it may still be used; None for any number."""
        return self._number("uses")

    @property
    def order(self) -> int:
        """Return its place among the parts."""
        return self._number("order") or 0

    def _number(self, name: str) -> int | None:
        value: Any = self.value
        found = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
        return found if type(found) is int else None


def key_of(name: str) -> str:
    """Return the field that holds a part."""
    return PREFIX + check_name(name, "part name")


def put(ref: Ref, name: str, part: Any, lease: Lease, limit: int) -> Plan[int]:
    """Plan to set a part; returns the entity's revision."""
    return state.put(ref, {key_of(name): checked(part)}, lease, limit)


def with_use(part: dict[str, Any], order: int | None, uses: int | None) -> dict[str, Any]:
    """Return the part with its place and how often it is to be used."""
    for what, number, least in (("order", order, None), ("uses", uses, 1)):
        if number is None:
            continue
        if type(number) is not int or (least is not None and number < least):
            raise UsageError(f"{what} is {number!r}; pass a whole number")
        part = {**part, what: number}
    return part


def waiting(ref: Ref, *, renew: bool) -> Plan[list[Waiting]]:
    """Plan to read what waits, by `order` and name."""

    def read(reply: Reply) -> list[Waiting]:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        found = [
            Waiting(key.removeprefix(PREFIX), load(field.value, None, ref, "field", key), field)
            for key, field in result.fields.items()
        ]
        return sorted(found, key=lambda one: (one.order, one.name))

    return Plan(Batch(ref, (Get(MAP, prefix=PREFIX, renew=renew),)), read)


def consume(ref: Ref, used: list[Waiting]) -> Plan[bool]:
    """Plan to count one use of each; False, and nothing is done, when one of them changed meanwhile."""
    gone = tuple(PREFIX + one.name for one in used if one.uses == 1)
    ops: list[AnyOp] = [Del(MAP, gone)] if gone else []
    for one in used:
        if one.uses is not None and one.uses > 1:
            left = encode(one.value | {"uses": one.uses - 1})
            lease = Lease(one.field.window, one.field.end)
            ops.append(Set(MAP, {PREFIX + one.name: left}, lease))
    guards = tuple(Same(MAP, PREFIX + one.name, one.field.revision) for one in used)
    return Plan(Batch(ref, tuple(ops), guards), lambda reply: reply.ok)


def parts_of(found: list[Waiting]) -> list[dict[str, Any]]:
    """Return the parts of what waits, in order."""
    return [part for one in found for part in resolved(one.value)]


def clear(ref: Ref) -> Plan[int]:
    """Plan to delete all parts; returns how many stood."""
    return state.clear(ref, PREFIX)
