"""What the state machine knows from earlier answers, and what a drawn recipe means with it."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Claimed,
    Epoch,
    Incr,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Reply
from threadkeep.testing import machine_draws as draws
from threadkeep.testing.machine_compare import Comparison

HEAVY: Final = b"b" + b"\xff" * 300_000
CLAIMS: Final = 4


class Known:
    """Revisions, epochs, claims and numbered batches seen so far; what is the engine's own, in pairs."""

    def __init__(self, compare: Comparison) -> None:
        self._compare = compare
        self._revisions: dict[Ref, int] = {}
        self._fields: dict[tuple[Ref, str, str], int] = {}
        self._epochs: list[str] = []
        self.claims: list[tuple[Claim, Claim]] = []
        self.sent: list[tuple[Batch, Batch]] = []

    def learn(self, batch: Batch, reply: Reply) -> None:
        """Keep what the oracle's reply says of revisions and epochs."""
        self._revisions[batch.ref] = reply.revision
        if reply.epoch and reply.epoch not in self._epochs:
            self._epochs.insert(0, reply.epoch)
        if reply.changed:
            for op in batch.ops:
                if isinstance(op, Set):
                    for name in op.items:
                        self._fields[batch.ref, op.map, name] = reply.revision

    def add_claims(self, pairs: list[tuple[Claim, Claim]]) -> None:
        """Keep the last few claims."""
        self.claims = [*pairs, *self.claims][:CLAIMS]

    def guard(self, ref: Ref, guard: AnyGuard, *, oracle: bool) -> AnyGuard:
        """Return what a drawn guard means, for the oracle or for the other engine."""
        if isinstance(guard, Same):
            last = self._fields.get((ref, guard.map, guard.field), 1)
            return Same(guard.map, guard.field, max(0, last - guard.revision))
        if isinstance(guard, Revision):
            return Revision(max(0, self._revisions.get(ref, 0) - guard.revision))
        if isinstance(guard, Claimed) and self.claims:
            pair = self.claims[guard.token % len(self.claims)]
            return Claimed(pair[0 if oracle else 1].token)
        if isinstance(guard, Epoch) and guard.epoch.isdigit() and self._epochs:
            epoch = self._epochs[int(guard.epoch) % len(self._epochs)]
            return Epoch(epoch if oracle else self._compare.there(epoch))
        return guard


def meant(op: AnyOp, now: int) -> AnyOp:
    """Return what a drawn operation means at this moment."""
    if isinstance(op, (Set, Incr, Touch)) and op.lease is not None and op.lease.end is not None:
        op = replace(op, lease=Lease(op.lease.window, now + op.lease.end))
    if isinstance(op, Set):
        return replace(op, items={name: _value(value) for name, value in op.items.items()})
    if isinstance(op, Append):
        return replace(op, items=tuple(map(_value, op.items)))
    if isinstance(op, Restore):
        items = tuple(replace(item, value=_value(item.value)) for item in op.items)
        return replace(op, items=items)
    return op


def _value(drawn: bytes) -> bytes:
    return HEAVY if drawn == draws.HEAVY else drawn
