"""Marks on an entity that ends: that its end was asked for, which handlers are done. They live in `#end`."""

from __future__ import annotations

from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Get, Info, Set, Touch
from threadkeep.ops.reply import EntityInfo, Fields, Reply

MAP = "#end"
ASKED = "#asked"
_YES = b"jtrue"


def ask(ref: Ref) -> Plan[EntityInfo | None]:
    """Plan to let an entity's lease run out at once; returns what it was, None when nothing stood."""
    ops = (Info(), Touch(lease=Lease(end=0)), Set(MAP, {ASKED: _YES}))

    def read(reply: Reply) -> EntityInfo | None:
        known = reply.results[0]
        return known if isinstance(known, EntityInfo) else None

    return Plan(Batch(ref, ops), read)


def marks(ref: Ref) -> Plan[frozenset[str]]:
    """Plan to read the marks."""

    def read(reply: Reply) -> frozenset[str]:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        return frozenset(result.fields)

    return Plan(Batch(ref, (Get(MAP, renew=False, values=False),)), read)


def mark(ref: Ref, handler: str) -> Plan[None]:
    """Plan to note that a handler is done."""
    return Plan(Batch(ref, (Set(MAP, {handler: _YES}),)), lambda _: None)
