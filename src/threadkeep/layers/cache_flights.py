"""Single flight: who fills an entry has a claim on it, a field with a lease, and nobody else calls meanwhile.

A claim is void when its lease runs out, and when the entry is written or removed by somebody else: then what
the filler brings is not stored, for it may be older than the removal.
"""

from __future__ import annotations

import msgspec

from threadkeep.layers.cache_entries import FLIGHT, Seen, entry, fields, gets, seen
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import AnyGuard, Del, Epoch, Get, Same, Set, Touch
from threadkeep.ops.reply import Names, Reply


class Claim(msgspec.Struct, frozen=True):
    """A claim as its holder knows it."""

    ref: Ref
    key: str
    revision: int
    epoch: str


class Begun(msgspec.Struct, frozen=True):
    """What stood when a claim was asked for, and the claim; None: somebody else has it."""

    seen: Seen | None
    claim: Claim | None


def claim(ref: Ref, key: str, window: int) -> Plan[Begun]:
    """Plan to claim a key for `window` microseconds and see what stands there."""
    taking = Set(FLIGHT, {key: b""}, Lease(window=window), absent_only=True)

    def read(reply: Reply) -> Begun:
        taken = reply.results[2]
        assert isinstance(taken, Names)  # noqa: S101 - the reply to a Set
        mine = None if taken.names else Claim(ref, key, reply.revision, reply.epoch)
        return Begun(seen(reply, key), mine)

    return Plan(Batch(ref, (*gets(key), taking)), read)


def wait(ref: Ref, key: str) -> Plan[tuple[Seen | None, bool]]:
    """Plan to see what stands at a key and whether somebody has a claim on it."""
    flight = Get(FLIGHT, (key,), renew=False, values=False)
    batch = Batch(ref, (*gets(key), flight))
    return Plan(batch, lambda reply: (seen(reply, key), key in fields(reply, 2)))


def _held(claim: Claim) -> tuple[AnyGuard, ...]:
    return Same(FLIGHT, claim.key, claim.revision), Epoch(claim.epoch)


def keep(claim: Claim) -> Plan[bool]:
    """Plan to renew a claim; False when it is void."""
    batch = Batch(claim.ref, (Touch(FLIGHT, (claim.key,)),), _held(claim))
    return Plan(batch, lambda reply: reply.ok)


def release(claim: Claim) -> Plan[bool]:
    """Plan to give a claim up; False when it is void."""
    batch = Batch(claim.ref, (Del(FLIGHT, (claim.key,)),), _held(claim))
    return Plan(batch, lambda reply: reply.ok)


def fill(claim: Claim, data: bytes, lease: Lease, stale_for: int) -> Plan[bool]:
    """Plan to write the entry and give the claim up; False, and nothing is written, when the claim is void."""
    ops = (entry(claim.key, data, lease, stale_for), Del(FLIGHT, (claim.key,)))
    return Plan(Batch(claim.ref, ops, _held(claim)), lambda reply: reply.ok)
