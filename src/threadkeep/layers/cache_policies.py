"""Policies: the stored ttl of each tool's results, all in one entity so that one read brings them."""

from __future__ import annotations

import logging
from typing import Final

import msgspec

from threadkeep.errors import CodecError, UsageError
from threadkeep.layers.cache_names import POLICIES, escaped
from threadkeep.model.caches import ToolPolicy
from threadkeep.model.codec import decode_as, encode
from threadkeep.model.leases import FOREVER, Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Del, Get, Set
from threadkeep.ops.reply import Fields, Names, Reply

MAP: Final = "policies"
log = logging.getLogger("threadkeep")


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stored form; `ttl` in microseconds, 0 for FOREVER."""

    tool: str
    ttl: int


def policies_ref(namespace: str) -> Ref:
    """Return the entity that holds the policies."""
    return Ref(namespace, "tool", POLICIES)


def read(namespace: str) -> Plan[dict[str, ToolPolicy]]:
    """Plan to read all policies by tool, sorted; one that is damaged is left out and logged."""

    def decode(reply: Reply) -> dict[str, ToolPolicy]:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        found: list[ToolPolicy] = []
        for field in result.fields.values():
            try:
                stored = decode_as(field.value, _Stored)
            except CodecError:
                log.warning("a tool policy cannot be read and does not hold; set it again")
                continue
            found.append(ToolPolicy(stored.tool, Lease(stored.ttl or None)))
        return {policy.tool: policy for policy in sorted(found, key=lambda one: one.tool)}

    return Plan(Batch(policies_ref(namespace), (Get(MAP, renew=False),)), decode)


def put(namespace: str, tool: str, lease: Lease) -> Plan[None]:
    """Plan to write the policy of a tool."""
    if lease != FOREVER and lease.window is None:
        raise UsageError("the ttl of a policy is a length of time, not a date")
    batch = Batch(policies_ref(namespace), (Set(MAP, {escaped(tool): packed(tool, lease)}),))
    return Plan(batch, lambda _: None)


def packed(tool: str, lease: Lease) -> bytes:
    """Return the stored form of a policy."""
    return encode(_Stored(tool, lease.window or 0))


def remove(namespace: str, tool: str) -> Plan[bool]:
    """Plan to delete the policy of a tool; tells whether there was one."""

    def decode(reply: Reply) -> bool:
        result = reply.results[0]
        assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
        return bool(result.names)

    return Plan(Batch(policies_ref(namespace), (Del(MAP, (escaped(tool),)),)), decode)
