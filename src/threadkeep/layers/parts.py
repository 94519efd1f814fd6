"""Parts of the next user message: fields of the state whose names begin with `__user_part_`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from threadkeep.errors import UsageError
from threadkeep.layers.part_contents import (
    CONTENT,
    STATE,
    covering,
    longer,
    name_of,
    split,
    unlinked,
    whole,
)
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.leases import Lease
from threadkeep.model.part_budget import Weight, weight_of
from threadkeep.model.parts import PREFIX, checked, is_part, resolved
from threadkeep.model.refs import Ref, check_name
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, AnyOp, Del, Get, Missing, Revision, Same, Set, Touch
from threadkeep.ops.reply import Field, Fields, Names, Reply

_OUTLINE = (
    Get(STATE, prefix=PREFIX, renew=False),
    Get(CONTENT, renew=False, values=False),
)


class Waiting(msgspec.Struct, frozen=True):
    """A value that waits: its name, what it holds, and how it stands in the store.

    `size`: the bytes of its content where that stands apart; `value` may then be without it.
    """

    name: str
    value: Any
    field: Field
    size: int | None = None

    @property
    def uses(self) -> int | None:
        """Return how often it may still be used; None for any number."""
        found = self._number("uses")
        return found if found is not None and found > 0 else None

    @property
    def order(self) -> int:
        """Return its place among the parts."""
        return self._number("order") or 0

    @property
    def weight(self) -> Weight:
        """Return what it weighs in a budget."""
        total = Weight()
        for part in resolved(self.value):
            total += weight_of(part, self.size)
        return total

    def _number(self, name: str) -> int | None:
        value: Any = self.value
        found = cast("dict[str, Any]", value).get(name) if is_part(value) else None
        return found if type(found) is int else None


class Outline(msgspec.Struct, frozen=True):
    """What stands, without large contents; and those, by name."""

    waiting: list[Waiting]
    contents: dict[str, Field]


class Spare(msgspec.Struct, frozen=True):
    """Contents that nothing links to any more, as of a revision."""

    contents: tuple[str, ...]
    revision: int


class Record(msgspec.Struct, frozen=True):
    """A part as it is to be stored: its field, and its content where that stands apart."""

    key: str
    value: bytes
    lease: Lease
    content: bytes | None


def key_of(name: str) -> str:
    """Return the field that holds a part."""
    key = PREFIX + check_name(name, "part name")
    return check_name(key, "part name")


def record(name: str, part: Any, lease: Lease, limit: int, *, sniff: bool) -> Record:
    """Return a part as it is to be stored; UsageError and TooLarge name what is wrong with it."""
    key = key_of(name)
    try:
        field, content = split(checked(part, limit, sniff=sniff))
    except UsageError as error:
        raise type(error)(f"part {name!r}: {error}") from None
    return Record(key, encode(field, place=f"part {name!r}"), lease, content)


def put(ref: Ref, made: Record, stands: Field | None = None) -> Plan[tuple[int, Spare] | None]:
    """Plan to set a part; returns the entity's revision and the contents that became spare.

    `stands`: the content as it is thought to stand already. None, and nothing is done: it is otherwise.
    """
    ops: list[AnyOp] = [*_OUTLINE]
    guards: tuple[AnyGuard, ...] = ()
    name = ""
    if made.content is None:
        ops.append(Set(STATE, {made.key: made.value}, made.lease))
    else:
        name = name_of(made.content)
        ops.append(Set(STATE, {made.key: made.value}, made.lease, refs={made.key: (name,)}))
        lease: Lease | None = longer(made.lease)
        if stands is not None:
            lease = covering(lease, stands)
            guards = (Same(CONTENT, name, stands.revision),)
        else:
            guards = (Missing(CONTENT, name),)
        ops.append(
            Touch(CONTENT, (name,)) if lease is None else Set(CONTENT, {name: made.content}, lease)
        )

    def read(reply: Reply) -> tuple[int, Spare] | None:
        if not reply.ok:
            return None
        spare = _spare(reply, (made.key,))
        kept = tuple(content for content in spare.contents if content != name)
        return reply.revision, msgspec.structs.replace(spare, contents=kept)

    return Plan(Batch(ref, tuple(ops), guards), read)


def delete(ref: Ref, name: str) -> Plan[tuple[bool, Spare]]:
    """Plan to delete a part; returns whether it stood, and the contents that became spare."""
    key = key_of(name)

    def read(reply: Reply) -> tuple[bool, Spare]:
        result = reply.results[-1]
        assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
        return bool(result.names), _spare(reply, (key,))

    return Plan(Batch(ref, (*_OUTLINE, Del(STATE, (key,)))), read)


def clear(ref: Ref) -> Plan[int]:
    """Plan to delete all parts with their contents; returns how many parts stood."""

    def read(reply: Reply) -> int:
        result = reply.results[0]
        assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
        return len(result.names)

    return Plan(Batch(ref, (Del(STATE, prefix=PREFIX), Del(CONTENT))), read)


def sweep(ref: Ref, spare: Spare) -> Plan[None]:
    """Plan to delete spare contents, unless the thread changed since; then a later call does it."""
    ops = (Del(CONTENT, spare.contents),)
    return Plan(Batch(ref, ops, (Revision(spare.revision),)), lambda _: None)


def outline(ref: Ref) -> Plan[Outline]:
    """Plan to see what waits, by `order` and name, without large contents. Renews nothing."""

    def read(reply: Reply) -> Outline:
        fields, contents = _outlined(reply)
        return Outline(_ordered(ref, fields, contents, fields), contents)

    return Plan(Batch(ref, _OUTLINE), read)


def waiting(ref: Ref, names: Iterable[str] | None = None) -> Plan[list[Waiting]]:
    """Plan to read what waits, or some of it, by `order` and name."""
    keys = None if names is None else tuple(PREFIX + name for name in names)
    prefix = PREFIX if keys is None else None

    def read(reply: Reply) -> list[Waiting]:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        return _ordered(ref, result.fields, result.linked, whole(result))

    return Plan(Batch(ref, (Get(STATE, keys, prefix, refs=CONTENT),)), read)


def consume(ref: Ref, used: list[Waiting], once: str) -> Plan[Spare | None]:
    """Plan to count one use of each; None, and nothing is done, when one of them changed meanwhile."""
    gone = tuple(PREFIX + one.name for one in used if one.uses == 1)
    ops: list[AnyOp] = [*_OUTLINE]
    if gone:
        ops.append(Del(STATE, gone))
    ops += [_counted(ref, one) for one in used if (one.uses or 0) > 1]
    guards = tuple(Same(STATE, PREFIX + one.name, one.field.revision) for one in used)

    def read(reply: Reply) -> Spare | None:
        return _spare(reply, gone) if reply.ok else None

    return Plan(Batch(ref, tuple(ops), guards, once=once), read)


def _counted(ref: Ref, one: Waiting) -> Set:
    key, field = PREFIX + one.name, one.field
    part = load(field.value, None, ref, "field", key)  # as it stands: without a large content
    lease = Lease(field.window, None if field.window else field.end)
    refs = {key: field.refs} if field.refs else None
    return Set(STATE, {key: encode({**part, "uses": (one.uses or 1) - 1})}, lease, refs=refs)


def _ordered(
    ref: Ref, fields: dict[str, Field], contents: dict[str, Field], shown: dict[str, Field]
) -> list[Waiting]:
    found: list[Waiting] = []
    for key, field in fields.items():
        value = load(shown[key].value, None, ref, "field", key)
        linked = contents.get(field.refs[0]) if field.refs else None
        size = None if linked is None else (linked.size or len(linked.value)) - 1
        found.append(Waiting(key.removeprefix(PREFIX), value, field, size))
    return sorted(found, key=lambda one: (one.order, one.name))


def _outlined(reply: Reply) -> tuple[dict[str, Field], dict[str, Field]]:
    fields, contents = reply.results[:2]
    assert isinstance(fields, Fields)  # noqa: S101 - the replies to two Gets
    assert isinstance(contents, Fields)  # noqa: S101
    return fields.fields, contents.fields


def _spare(reply: Reply, gone: tuple[str, ...]) -> Spare:
    """Return the contents to which nothing links after a batch that began with an outline."""
    fields, contents = _outlined(reply)
    kept = (field for key, field in fields.items() if key not in gone)
    return Spare(unlinked(contents, kept), reply.revision)
