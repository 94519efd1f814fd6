"""Keys and their values: one entity each, in the order of namespace and key.

The id of an entity is the key-value namespace, two spaces, the key. A space in the namespace is written as
` !`: so the end of a namespace is never in doubt, and ids are in the order of (namespace, key). What holds
for a namespace as a whole stands at its empty key, which is no key of anybody.

A key has one field. A content type that was given is the link of that field, so one read brings both.
"""

from __future__ import annotations

from typing import Any

from threadkeep.errors import Conflict, UsageError
from threadkeep.layers import directory
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.kv import Found
from threadkeep.model.leases import Lease, moment
from threadkeep.model.refs import NAME_BYTES, Ref, check_name
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, Del, Get, Missing, Same, Set, Touch
from threadkeep.ops.reply import Field, Fields, Names, Reply

KIND = "kv"
MAP = "state"
VALUE = "value"
ASKED = (VALUE,)
END = "  "
SPACE = " !"
TYPE_BYTES = 255


def prefix_of(namespace: str) -> str:
    """Return what the ids of a key-value namespace begin with; UsageError for a name that cannot be."""
    what, most = "key-value namespace", NAME_BYTES - len(END) - 1
    size = len(check_name(namespace, what, most).encode()) + namespace.count(" ")
    if size > most:
        raise UsageError(
            f"{what} is {size} bytes long, of which a space takes two; the limit is {most}"
        )
    return namespace.replace(" ", SPACE) + END


def split(id: str) -> tuple[str, str]:
    """Return namespace and key of an id."""
    at = id.find(" ")
    while id[at : at + 2] == SPACE:
        at = id.find(" ", at + 2)
    return id[:at].replace(SPACE, " "), id[at + len(END) :]


def ref(namespace: str, prefix: str, key: str) -> Ref:
    """Return the reference of a key; UsageError for a name that cannot be.

    `prefix` is that of the key-value namespace, `namespace` the store's own.
    """
    room = NAME_BYTES - len(prefix.encode())
    if len(check_name(key, "key").encode()) > room:
        raise UsageError(
            f"key is {len(key.encode())} bytes long in UTF-8; in this key-value namespace the limit is"
            f" {room}, for both together have {NAME_BYTES - len(END)} (a space in the namespace takes two)"
        )
    return Ref(namespace, KIND, prefix + key)


def _fields(reply: Reply) -> dict[str, Field]:
    result = reply.results[0]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return result.fields


def _usual_type(value: bytes) -> str:
    """Return the content type of a stored value that was given none."""
    if value[:1] == b"b":
        return "application/octet-stream"
    return "text/plain" if value[:2] in (b'j"', b's"') else "application/json"


def as_found(ref: Ref, key: str, fields: dict[str, Field], as_type: Any = None) -> Found | None:
    """Return what stands at a key as the record that callers get."""
    field = fields.get(VALUE)
    if field is None:
        return None
    return Found(
        key=key,
        value=load(field.value, as_type, ref, "key", key),
        content_type=field.refs[0] if field.refs else _usual_type(field.value),
        bytes=len(field.value),
        revision=field.revision,
        lease=Lease(field.window, None if field.window else field.end),
        expires_at=None if field.end is None else moment(field.end),
    )


def get(ref: Ref, key: str, as_type: Any, *, renew: bool) -> Plan[Found | None]:
    """Plan to read a key; None where it does not stand."""
    batch = Batch(ref, (Get(MAP, ASKED, renew=renew),))
    return Plan(batch, lambda reply: as_found(ref, key, _fields(reply), as_type))


def put(
    ref: Ref,
    key: str,
    value: Any,
    lease: Lease,
    limit: int,
    *,
    content_type: str | None = None,
    if_absent: bool = False,
    if_revision: int | None = None,
) -> Plan[int]:
    """Plan to write a key; returns its revision. Conflict when a condition does not hold."""
    if if_absent and if_revision is not None:
        raise UsageError("pass if_absent= or if_revision=, not both")
    if if_revision is not None and (type(if_revision) is not int or if_revision < 0):
        raise UsageError(f"if_revision is {if_revision!r}; pass that of a Found, or 0 for none")
    data = encode(value, limit=limit, place=f"key {key!r}")
    links = None
    if content_type is not None:
        links = {VALUE: (check_name(content_type, "content_type", TYPE_BYTES),)}
    guards: tuple[AnyGuard, ...] = ()
    if if_absent or if_revision == 0:
        guards = (Missing(MAP, VALUE),)
    elif if_revision is not None:
        guards = (Same(MAP, VALUE, if_revision),)
    otherwise = (Get(MAP, ASKED, renew=False),) if guards else ()

    def read(reply: Reply) -> int:
        if not reply.ok:
            raise _conflict(ref, key, reply)
        return reply.revision

    op = Set(MAP, {VALUE: data}, lease, refs=links)
    return Plan(Batch(ref, (op,), guards, otherwise), read)


def _conflict(ref: Ref, key: str, reply: Reply) -> Conflict:
    found = as_found(ref, key, _fields(reply))
    seen = "does not stand" if found is None else f"has revision {found.revision}"
    return Conflict(
        f"key {key!r} {seen}; nothing was written, read and try again",
        found=found,
        revision=reply.revision,
        ref=ref,
    )


def delete(ref: Ref) -> Plan[bool]:
    """Plan to delete a key; tells whether it stood. Its revisions go on where they were."""

    def read(reply: Reply) -> bool:
        result = reply.results[0]
        assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
        return VALUE in result.names

    return Plan(Batch(ref, (Del(MAP),)), read)


def has(ref: Ref) -> Plan[bool]:
    """Plan to tell whether a key stands, renewing nothing."""
    batch = Batch(ref, (Get(MAP, ASKED, renew=False, values=False),))
    return Plan(batch, lambda reply: VALUE in _fields(reply))


def touch(ref: Ref) -> Plan[bool]:
    """Plan to renew a sliding value to its window; tells whether the key stands."""
    ops = (Get(MAP, ASKED, renew=False, values=False), Touch(MAP, ASKED))
    return Plan(Batch(ref, ops), lambda reply: VALUE in _fields(reply))


def drop(ref: Ref) -> Plan[bool]:
    """Plan to remove a key whole; tells whether anything went. Its revisions begin anew."""
    plan = directory.destroy(ref)
    return Plan(plan.batch, lambda reply: plan.decode(reply) > 0)
