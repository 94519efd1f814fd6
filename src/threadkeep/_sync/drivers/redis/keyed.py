# Generated from src/threadkeep/_async/drivers/redis/keyed.py by scripts/unasync. Do not edit.
"""The engine on Valkey or Redis with layout=keys: fields of threads under the names of BetterDB agent-cache."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from threadkeep._sync.drivers.redis.engine import RedisEngine
from threadkeep._sync.drivers.redis.keyed_fields import KeyedFields
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.concurrency import Flow
from threadkeep.engines.redis.keyed.names import Keyed, KeyNames
from threadkeep.engines.redis.keyed.parts import (
    STATE,
    Answers,
    Program,
    base_batch,
    check_marks,
    concerns,
    field_guards,
    on_fields,
    refuse,
    results,
)
from threadkeep.engines.redis.keyed.sums import Sums
from threadkeep.engines.redis.links import Nodes
from threadkeep.errors import Conflict
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.engine import Capabilities
from threadkeep.ops.ops import AnyOp, Del, Drop, Get, Touch
from threadkeep.ops.reply import Count, Fields, Reply

TRIES = 1_000


class KeyedEngine(Passing):
    """Keep fields of threads one a key, everything else as RedisEngine does.

    Fields of one call are atomic, on a cluster each for itself. They are not atomic with what else is in the
    batch: that is done first, so a failed condition or a crash leaves no field written.
    """

    def __init__(
        self,
        nodes: Nodes,
        limits: Limits,
        keyed: Keyed,
        *,
        prefix: str = "tk",
        shards: int | None = None,
    ) -> None:
        base = RedisEngine(nodes, limits, prefix=prefix, shards=shards)
        super().__init__(base)
        self.spaces = base.spaces
        self._names = KeyNames(keyed.name, prefix, nodes.cluster)
        self._fields = KeyedFields(nodes, self._names)

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.inner.capabilities, name="redis-keys")

    def run(self, batch: Batch) -> Reply:
        if not concerns(batch):
            return self.inner.run(batch)
        check(batch)
        refuse(batch)
        if any(isinstance(op, Drop) for op in batch.ops):
            return self._drop(batch)
        ops = self._named(batch.ref, batch.ops)
        return self._write(batch, ops) if batch.writes else self._read(batch, ops)

    def _named(self, ref: Ref, ops: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return operations that name their fields, in the place of those that take all or a prefix."""
        named: list[AnyOp] = []
        for op in ops:
            if not isinstance(op, (Get, Del, Touch)) or not on_fields(op) or op.fields is not None:
                named.append(op)
                continue
            prefix = None if isinstance(op, Touch) else op.prefix
            found = tuple(self._fields.find(ref, prefix))
            named.append(replace(op, fields=found, **({} if prefix is None else {"prefix": None})))
        return tuple(named)

    def _read(self, batch: Batch, ops: tuple[AnyOp, ...]) -> Reply:
        """Ask both at once, for neither waits for the other."""
        guards = list(field_guards(batch).values())
        program = Program.reading(ops, guards)
        self._fields.check(batch.ref, program)
        sent, numbers = base_batch(batch, {})
        replies: list[Reply] = []
        answered: list[tuple[int | None, Answers]] = []
        wrong: list[Exception] = []

        def ask(which: str) -> None:
            try:
                if which == "base":
                    replies.append(self.inner.run(sent))
                else:
                    answered.append(self._fields.run(batch.ref, program))
            except Exception as error:  # noqa: BLE001 - raised below, for both are waited for
                wrong.append(error)

        Flow.each(("base", "fields"), ask, 2)
        if wrong:
            raise wrong[0]
        (reply,), ((lost, answers),) = replies, answered
        if not reply.ok or reply.expired:
            return self._refused(batch, reply, numbers)
        if lost is not None:
            return self._lost(batch, lost)
        check_marks(batch.ref, batch.ops, reply.results)
        return replace(reply, results=results(batch.ops, reply.results, answers, {}))

    def _refused(self, batch: Batch, reply: Reply, numbers: list[int]) -> Reply:
        """Return the reply to a batch that the engine underneath did not do."""
        if reply.failed is None:
            return reply  # the thread has expired, so nothing stands in it
        failed = numbers[reply.failed]
        if reply.expired:
            return replace(reply, failed=failed)
        _, answers = self._otherwise(batch)
        found = results(batch.otherwise, reply.results, answers, {})
        return replace(reply, failed=failed, results=found)

    def _otherwise(self, batch: Batch) -> tuple[int | None, Answers]:
        ops = self._named(batch.ref, batch.otherwise)
        return self._fields.run(batch.ref, Program.reading(ops, []))

    def _lost(self, batch: Batch, lost: int) -> Reply:
        """Return the reply to a batch whose guard on a field, number `lost` of those, did not hold."""
        sent, numbers = base_batch(batch, {})
        reply = self.inner.run(replace(sent, ops=sent.otherwise, once=None))
        if not reply.ok:
            return self._refused(batch, reply, numbers)
        if reply.expired:
            return replace(reply, ok=not batch.writes)
        _, answers = self._otherwise(batch)
        failed = list(field_guards(batch))[lost]
        found = results(batch.otherwise, reply.results, answers, {})
        return replace(reply, ok=False, failed=failed, results=found)

    def _write(self, batch: Batch, ops: tuple[AnyOp, ...]) -> Reply:
        guards = list(field_guards(batch).values())
        reads = Program.reading(ops, [])
        reply: Reply | None = None
        for _ in range(TRIES):
            sums = Sums(ops)
            if guards or sums.asked:
                before = Program(guards, sums.asked, [])
                lost, (seen, _) = self._fields.run(batch.ref, before)
                if lost is not None:
                    return self._lost(batch, lost)
                sums.see(seen)
            program = Program([*guards, *sums.guards], reads.gets, sums.writes())
            if reply is None:
                self._fields.check(batch.ref, program)
                sent, numbers = base_batch(batch, sums.sets)
                reply = self.inner.run(sent)
                if not reply.ok:
                    return self._refused(batch, reply, numbers)
            lost, answers = self._fields.run(batch.ref, program, reply.revision)
            if lost is None:
                found = results(batch.ops, reply.results, answers, sums.results)
                return replace(reply, results=found)
            if lost < len(guards):
                return self._lost(batch, lost)
        raise Conflict(f"fields of {batch.ref} changed {TRIES} times while they were increased")

    def _drop(self, batch: Batch) -> Reply:
        """Remove the fields, then the thread: a crash in between leaves what can be destroyed again."""
        sent, numbers = base_batch(batch, {})
        if not self._names.possible(batch.ref):
            return self.inner.run(sent)
        fields = self._fields.find(batch.ref)
        ops = self._named(batch.ref, batch.ops)
        look = replace(sent, ops=(Get(STATE, renew=False, values=False),), otherwise=(), once=None)
        known = self.inner.run(look)
        if not known.ok or known.expired:
            return self._refused(batch, self.inner.run(sent), numbers)
        marks = known.results[0]
        assert isinstance(marks, Fields)  # noqa: S101 - the reply to a Get
        program = Program.reading(ops, list(field_guards(batch).values()))
        program.writes.append(Del(STATE, tuple(dict.fromkeys([*fields, *marks.fields]))))
        lost, (read, (gone,)) = self._fields.run(batch.ref, program)
        if lost is not None:
            return self._lost(batch, lost)
        reply = self.inner.run(sent)
        if not reply.ok:
            return self._refused(batch, reply, numbers)
        found = results(batch.ops, reply.results, (read, []), {})
        assert isinstance(gone, list)  # noqa: S101 - the answer to a Del
        more = len(gone) - len(marks.fields)
        counted = (
            Count(result.count + more)
            if isinstance(op, Drop) and isinstance(result, Count)
            else result
            for op, result in zip(batch.ops, found, strict=True)
        )
        return replace(reply, results=tuple(counted))
