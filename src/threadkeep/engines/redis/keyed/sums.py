"""Increments of fields that lie in keys: worked out here, and written only if nothing came between."""

from __future__ import annotations

from threadkeep.engines.redis.keyed.parts import STATE, FieldGuard, lease_of, on_fields
from threadkeep.model.leases import Lease
from threadkeep.ops.numbers import increased, stored
from threadkeep.ops.ops import AnyOp, Del, Get, Incr, Missing, Same, Set, Touch
from threadkeep.ops.reply import AnyResult, Field, Number


class Sums:
    """The writes of a batch, in which a Set stands for each increment."""

    def __init__(self, ops: tuple[AnyOp, ...]) -> None:
        self._ops = [(n, op) for n, op in enumerate(ops) if op.writes and on_fields(op)]
        self._names = [op.field for _, op in self._ops if isinstance(op, Incr)]
        self._standing: dict[str, tuple[bytes, Lease]] = {}
        self.guards: list[FieldGuard] = []
        self.results: dict[int, AnyResult] = {}
        self.sets: dict[int, Set] = {}

    @property
    def asked(self) -> list[Get]:
        """Return the read that has to come first, if any."""
        return [Get(STATE, tuple(self._names), renew=False)] if self._names else []

    def see(self, seen: list[dict[str, Field]]) -> None:
        """Take what that read found, and guard it."""
        found = seen[0] if seen else {}
        for name in dict.fromkeys(self._names):
            field = found.get(name)
            if field is None:
                self.guards.append(Missing(STATE, name))
            else:
                self.guards.append(Same(STATE, name, field.revision))
                self._standing[name] = field.value, lease_of(field)

    def writes(self) -> list[Set | Del | Touch]:
        """Return the writes, in order. Raises UsageError where something else than a number is increased."""
        made: list[Set | Del | Touch] = []
        for n, op in self._ops:
            if isinstance(op, Incr):
                made.append(self._sum(n, op))
                continue
            assert isinstance(op, (Set, Del, Touch))  # noqa: S101 - the writes that name a map
            made.append(op)
            if isinstance(op, Set):
                self._standing.update({name: (v, op.lease) for name, v in op.items.items()})
            elif isinstance(op, Del):
                for name in op.fields or ():
                    self._standing.pop(name, None)
        return made

    def _sum(self, n: int, op: Incr) -> Set:
        value, lease = self._standing.get(op.field, (None, op.lease))
        total = increased(value, op.by, op.field)
        lease = lease if op.keep else op.lease
        self.results[n] = Number(total)
        self._standing[op.field] = stored(total), lease
        self.sets[n] = Set(STATE, {op.field: stored(total)}, lease)
        return self.sets[n]
