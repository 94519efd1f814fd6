"""Turns: one writer of a thread at a time, in the order of asking, fenced.

The map `#turn` holds a field `holder` and one field for each caller that waits; all have leases, so what
a dead process leaves runs out. A field's revision orders the waiters and fences the holder.
"""

from __future__ import annotations

from threadkeep.errors import UsageError
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Del, Get, Missing, Same, Set, Touch
from threadkeep.ops.reply import Fields, Reply

MAP = "#turn"
HOLDER = "holder"
POLICIES = ("queue", "reject", "interrupt")


def check_policy(policy: str) -> None:
    """Raise UsageError for a policy that there is not."""
    if policy not in POLICIES:
        raise UsageError(f"policy is {policy!r}; use one of {', '.join(POLICIES)}")


def _mark(token: str) -> bytes:
    return b'j"' + token.encode() + b'"'


def _found(reply: Reply, index: int = 0) -> dict[str, int]:
    result = reply.results[index]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return {name: field.revision for name, field in result.fields.items()}


def enqueue(ref: Ref, token: str, lease: Lease) -> Plan[int]:
    """Plan to wait in line; returns the place, a revision."""
    return Plan(Batch(ref, (Set(MAP, {token: _mark(token)}, lease),)), lambda reply: reply.revision)


def is_next(ref: Ref, token: str) -> Plan[bool | None]:
    """Plan to stay in line and see whether it is this caller's turn; None: the place is lost."""
    ops = (Get(MAP, renew=False, values=False), Get(MAP, (token,)))

    def read(reply: Reply) -> bool | None:
        line = _found(reply)
        if token not in line:
            return None
        return HOLDER not in line and min(line.values()) == line[token]

    return Plan(Batch(ref, ops), read)


def take(ref: Ref, token: str, place: int, lease: Lease) -> Plan[int | None]:
    """Plan to become the holder from the head of the line; returns the fence, None when it was too late."""
    ops = (Set(MAP, {HOLDER: _mark(token)}, lease), Del(MAP, (token,)))
    guards = (Missing(MAP, HOLDER), Same(MAP, token, place))
    return Plan(Batch(ref, ops, guards), lambda reply: reply.revision if reply.ok else None)


def seize(ref: Ref, token: str, lease: Lease) -> Plan[int]:
    """Plan to become the holder whoever it is now; returns the fence."""
    op = Set(MAP, {HOLDER: _mark(token)}, lease)
    return Plan(Batch(ref, (op,)), lambda reply: reply.revision)


def leave(ref: Ref, token: str) -> Plan[int | None]:
    """Plan to leave the line; returns the fence where this caller has become the holder, else None."""
    ops = (Get(MAP, (HOLDER,), renew=False), Del(MAP, (token,)))

    def read(reply: Reply) -> int | None:
        result = reply.results[0]
        assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
        holder = result.fields.get(HOLDER)
        return holder.revision if holder and holder.value == _mark(token) else None

    return Plan(Batch(ref, ops), read)


def fence(revision: int) -> Same:
    """Return the guard that every batch of a holder carries."""
    return Same(MAP, HOLDER, revision)


def renew(ref: Ref, revision: int) -> Plan[bool]:
    """Plan to hold on to the turn; False when it is lost."""
    batch = Batch(ref, (Touch(MAP, (HOLDER,)),), (fence(revision),))
    return Plan(batch, lambda reply: reply.ok)


def release(ref: Ref, revision: int) -> Plan[bool]:
    """Plan to end the turn; False when it was lost before."""
    batch = Batch(ref, (Del(MAP, (HOLDER,)),), (fence(revision),))
    return Plan(batch, lambda reply: reply.ok)
