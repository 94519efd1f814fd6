"""Values sealed before they reach the engine: the base of encrypt and checksum."""

from __future__ import annotations

from typing import Final
from weakref import WeakValueDictionary

from msgspec.structs import replace

from threadkeep._async.wrappers.passing import AsyncPassing
from threadkeep.concurrency import AsyncLock
from threadkeep.errors import Conflict
from threadkeep.model.refs import Ref
from threadkeep.model.sealing import Sealer
from threadkeep.ops.assumed import Ask, Heads, asks_of, guess, learned
from threadkeep.ops.batch import Batch, check
from threadkeep.ops.drafts import answer, draft, heads_after
from threadkeep.ops.engine import AsyncEngine, Page, Query
from threadkeep.ops.ops import Read
from threadkeep.ops.reply import Items, Reply
from threadkeep.ops.sealed import opened, opened_page, sealed_op

TRIES: Final = 1_000


class AsyncSealed(AsyncPassing):
    """Keep values in the engine as `sealer` makes them, bound to their places.

    Most batches take the one trip they would take without it. Those whose sealing depends on what
    stands (increments; appends to encrypted logs) are sealed for what was seen last and guarded by
    it: one trip when that still holds, one more for each change that came between.
    """

    def __init__(self, engine: AsyncEngine, sealer: Sealer) -> None:
        super().__init__(engine)
        self.sealer = sealer
        self._heads = Heads()
        self._locks: WeakValueDictionary[Ref, AsyncLock] = WeakValueDictionary()

    async def run(self, batch: Batch) -> Reply:
        asks = asks_of(self.sealer, batch) if batch.writes else ()
        if asks:
            # callers of this process queue here, so that only those of others can come between
            async with self._locks.setdefault(batch.ref, AsyncLock()):
                return await self._agree(batch, asks)
        sent = batch
        if batch.writes:
            ops = tuple(sealed_op(self.sealer, batch.ref, op) for op in batch.ops)
            sent = replace(batch, ops=ops)
        reply = await self.inner.run(sent)
        asked = batch.ops if reply.ok else batch.otherwise
        self._note(batch, reply)
        return replace(reply, results=opened(self.sealer, batch.ref, asked, reply.results))

    def _note(self, batch: Batch, reply: Reply) -> None:
        """Remember the heads of logs that were read: the next append starts from them."""
        if self.sealer.numbered and reply.ok:
            for op, result in zip(batch.ops, reply.results, strict=False):
                if isinstance(op, Read) and isinstance(result, Items):
                    self._heads.put(batch.ref, op.log, result.head)

    async def _agree(self, batch: Batch, asks: tuple[Ask, ...]) -> Reply:
        check(batch)
        assumed = guess(asks, batch.ref, self._heads)
        for _ in range(TRIES):
            sent = draft(self.sealer, batch, asks, assumed)
            reply = await self.inner.run(sent.batch)
            if reply.failed is None or reply.failed < len(batch.guards):
                if reply.ok and not reply.repeated:
                    for log, head in heads_after(sent, reply).items():
                        self._heads.put(batch.ref, log, head)
                return answer(self.sealer, batch, sent, reply)
            assumed = learned(self.sealer, batch, asks, reply)
        raise Conflict(
            f"{batch.ref} changed {TRIES} times while a write was sealed for it; nothing was written",
            ref=batch.ref,
        )

    async def scan(self, query: Query) -> Page:
        return opened_page(self.sealer, await self.inner.scan(query))
