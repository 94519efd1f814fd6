"""State: named values of an entity, each with a lease and a revision of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from threadkeep.errors import Conflict, UsageError
from threadkeep.layers.part_contents import CONTENT, STATE, whole
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.leases import Lease, moment
from threadkeep.model.parts import PREFIX
from threadkeep.model.records import Entry
from threadkeep.model.refs import Ref, check_name, check_names
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, AnyOp, Del, Get, Incr, Missing, Same, Set, Touch
from threadkeep.ops.reply import Count, Field, Fields, Names, Number, Reply

MAP = STATE


def _fields(reply: Reply) -> dict[str, Field]:
    result = reply.results[0]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return whole(result)


def _names(reply: Reply) -> dict[str, Field]:
    """Return fields that were read without their values."""
    result = reply.results[0]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return result.fields


def _parts(names: Iterable[str]) -> bool:
    """Tell whether any of the names is that of a part, whose content may stand apart."""
    return any(name.startswith(PREFIX) for name in names)


def get(ref: Ref, name: str, default: Any, as_type: Any, *, renew: bool) -> Plan[Any]:
    """Plan to read one field; `default` where none stands."""
    check_name(name, "field name")

    def read(reply: Reply) -> Any:
        field = reply.results[0].fields.get(name)  # type: ignore[union-attr] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType] - the hot path; the reply to a Get
        if field is None:
            return default
        if field.refs:  # pyright: ignore[reportUnknownMemberType]
            field = _fields(reply)[name]
        return load(field.value, as_type, ref, "field", name)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    return Plan(Batch(ref, (Get(MAP, (name,), None, renew),)), read)


def get_many(ref: Ref, names: Any, as_type: Any, *, renew: bool) -> Plan[dict[str, Any]]:
    """Plan to read several fields; the absent ones are left out."""
    asked = check_names(names)
    batch = Batch(ref, (Get(MAP, asked, renew=renew),))
    return Plan(batch, lambda reply: _values(ref, _fields(reply), asked, as_type))


def get_all(ref: Ref, prefix: str | None, as_type: Any, *, renew: bool) -> Plan[dict[str, Any]]:
    """Plan to read all fields, or those with a prefix, sorted by name."""
    if prefix is not None and prefix:
        check_name(prefix, "prefix")
    batch = Batch(ref, (Get(MAP, prefix=prefix or None, renew=renew),))

    def read(reply: Reply) -> dict[str, Any]:
        fields = _fields(reply)
        return _values(ref, fields, sorted(fields), as_type)

    return Plan(batch, read)


def _values(
    ref: Ref, fields: dict[str, Field], order: list[str] | tuple[str, ...], as_type: Any
) -> dict[str, Any]:
    return {
        name: load(fields[name].value, as_type, ref, "field", name)
        for name in order
        if name in fields
    }


def as_entry(ref: Ref, name: str, field: Field, as_type: Any = None) -> Entry:
    """Return a field as the record that callers get."""
    return Entry(
        value=load(field.value, as_type, ref, "field", name),
        revision=field.revision,
        lease=Lease(field.window, None if field.window else field.end),
        expires_at=None if field.end is None else moment(field.end),
    )


def entry(ref: Ref, name: str, as_type: Any, *, renew: bool = False) -> Plan[Entry | None]:
    """Plan to read one field with its lease and revision."""
    check_name(name, "field name")

    def read(reply: Reply) -> Entry | None:
        field = _fields(reply).get(name)
        return None if field is None else as_entry(ref, name, field, as_type)

    return Plan(Batch(ref, (Get(MAP, (name,), renew=renew),)), read)


def entries(ref: Ref, prefix: str | None, *, renew: bool = False) -> Plan[dict[str, Entry]]:
    """Plan to read all fields with their leases and revisions."""

    def read(reply: Reply) -> dict[str, Entry]:
        fields = _fields(reply)
        return {name: as_entry(ref, name, fields[name]) for name in sorted(fields)}

    return Plan(Batch(ref, (Get(MAP, prefix=prefix or None, renew=renew),)), read)


def put(
    ref: Ref,
    items: Mapping[str, Any],
    lease: Lease,
    limit: int,
    *,
    if_absent: bool = False,
    if_revision: int | None = None,
) -> Plan[int]:
    """Plan to write fields with one lease; returns the entity's revision.

    Conflict when a field stands (`if_absent`) or has another revision (`if_revision`; 0: must be absent).
    """
    if if_absent and if_revision is not None:
        raise UsageError("pass if_absent= or if_revision=, not both")
    if if_revision is not None and (type(if_revision) is not int or if_revision < 0):
        raise UsageError(
            f"if_revision is {if_revision!r}; pass the revision of an entry, or 0 for none"
        )
    data = {
        check_name(name, "field name"): encode(value, limit=limit, place=f"field {name!r}")
        for name, value in items.items()
    }
    guards: tuple[AnyGuard, ...] = ()
    if if_absent or if_revision == 0:
        guards = tuple(Missing(MAP, name) for name in data)
    elif if_revision is not None:
        guards = tuple(Same(MAP, name, if_revision) for name in data)
    otherwise = (_standing(tuple(data)),) if guards else ()
    ops = (Set(MAP, data, lease),) if data else ()

    def read(reply: Reply) -> int:
        if not reply.ok:
            raise conflict(ref, reply, tuple(data))
        return reply.revision

    return Plan(Batch(ref, ops, guards, otherwise), read)


def _standing(names: tuple[str, ...]) -> Get:
    """Return the read of what stands where a guard does not hold."""
    return Get(MAP, names, renew=False, refs=CONTENT if _parts(names) else None)


def conflict(ref: Ref, reply: Reply, names: tuple[str, ...]) -> Conflict:
    """Return the error of a failed guard on fields, with what stands there now."""
    found = {n: load(f.value, None, ref, "field", n) for n, f in _fields(reply).items()}
    seen = ", ".join(f"{n!r} at revision {f.revision}" for n, f in _fields(reply).items())
    return Conflict(
        f"{ref} holds {seen or 'none of the named fields'}; nothing was written, read and try again",
        found=found.get(names[0]) if len(names) == 1 else found,
        revision=reply.revision,
        ref=ref,
    )


class NoList(UsageError):
    """What stands in a field is no list, so nothing can be pushed to it."""


def increment(ref: Ref, name: str, by: Any, lease: Lease, *, keep: bool) -> Plan[Any]:
    """Plan to add to a number; returns the sum."""
    if type(by) is not int and type(by) is not float:
        raise UsageError(f"by must be an int or a float, not {type(by).__name__}")
    if type(by) is float and by - by != 0:
        raise UsageError(f"by is {by}; it must be a finite number")
    op = Incr(MAP, check_name(name, "field name"), by, lease, keep)

    def read(reply: Reply) -> int | float:
        result = reply.results[0]
        assert isinstance(result, Number)  # noqa: S101 - the reply to an Incr
        return result.value

    return Plan(Batch(ref, (op,)), read)


def delete(ref: Ref, names: Any, *, if_revision: int | None = None) -> Plan[int]:
    """Plan to delete fields; returns how many stood. Conflict when one has not this revision."""
    asked = check_names(names)
    guards = () if if_revision is None else tuple(Same(MAP, n, if_revision) for n in asked)
    otherwise = (_standing(asked),) if guards else ()

    def read(reply: Reply) -> int:
        if not reply.ok:
            raise conflict(ref, reply, asked)
        return _removed(reply)

    return Plan(Batch(ref, (Del(MAP, asked),), guards, otherwise), read)


def clear(ref: Ref, prefix: str | None) -> Plan[int]:
    """Plan to delete all fields, or those with a prefix; returns how many stood."""
    ops: tuple[AnyOp, ...] = (Del(MAP, prefix=prefix or None),)
    if ref.kind == "thread" and PREFIX.startswith(prefix or ""):
        ops = (*ops, Del(CONTENT))
    return Plan(Batch(ref, ops), _removed)


def _removed(reply: Reply) -> int:
    result = reply.results[0]
    assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
    return len(result.names)


def keys(ref: Ref, prefix: str | None) -> Plan[list[str]]:
    """Plan to list the names of the fields, sorted, renewing nothing."""
    batch = Batch(ref, (Get(MAP, prefix=prefix or None, renew=False, values=False),))
    return Plan(batch, lambda reply: sorted(_names(reply)))


def has(ref: Ref, name: str) -> Plan[bool]:
    """Plan to tell whether a field stands, renewing nothing."""
    check_name(name, "field name")
    batch = Batch(ref, (Get(MAP, (name,), renew=False, values=False),))
    return Plan(batch, lambda reply: name in _names(reply))


def touch(ref: Ref, names: Any) -> Plan[int]:
    """Plan to renew sliding fields, each to its own window; returns how many there are."""
    fields = None if names is None else check_names(names)

    def read(reply: Reply) -> int:
        result = reply.results[0]
        assert isinstance(result, Count)  # noqa: S101 - the reply to a Touch
        return result.count

    ops: tuple[AnyOp, ...] = (Touch(MAP, fields),)
    if ref.kind == "thread" and (fields is None or _parts(fields)):
        ops = (*ops, Touch(CONTENT))
    return Plan(Batch(ref, ops), read)
