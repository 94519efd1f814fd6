"""What a caller may reach: checked before anything is asked of the engine."""

from __future__ import annotations

import msgspec

from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Query
from threadkeep.server.bodies import Refused
from threadkeep.server.access.callers import ANY, Caller


def check_ref(caller: Caller, default: str, ref: Ref) -> None:
    """Refuse an entity of another namespace, and one outside of what the caller is bound to."""
    if caller.namespace(ref.namespace, default) != ref.namespace:
        raise Refused(403, "the caller may not use this namespace")
    if caller.threads is not None and not (
        ref.kind == "thread" and ref.id.startswith(caller.threads)
    ):
        raise Refused(403, f"the caller may not reach this {ref.kind}")


def check_batch(caller: Caller, default: str, batch: Batch) -> None:
    """Refuse a batch that the caller may not run."""
    check_ref(caller, default, batch.ref)
    if batch.writes:
        caller.require("write")


def check_query(caller: Caller, default: str, query: Query) -> None:
    """Refuse a listing that would show what the caller may not reach."""
    prefix = caller.threads or ""
    check_ref(caller, default, Ref(query.namespace, query.kind, prefix or "any"))
    if prefix and not (query.order == "id" and (query.prefix or "").startswith(prefix)):
        raise Refused(403, "the caller may only list by id, with the prefix it is bound to")


def narrowed(caller: Caller, default: str, due: Due) -> Due:
    """Return a request for claims that stays within the caller's namespace."""
    if due.ref is not None:
        check_ref(caller, default, due.ref)
    elif caller.threads is not None:
        raise Refused(403, "the caller may only claim threads that it names")
    if due.namespace is not None or due.ref is None:
        if due.namespace is None and ANY in caller.namespaces:
            return due
        return msgspec.structs.replace(
            due, namespace=caller.namespace(due.namespace, default)
        )
    return due
