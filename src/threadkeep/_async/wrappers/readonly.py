"""A store that can be read and not be changed."""

from __future__ import annotations

from msgspec.structs import replace

from threadkeep._async.wrappers.passing import AsyncPassing
from threadkeep.errors import Forbidden
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due
from threadkeep.ops.ops import Get, ReadOp
from threadkeep.ops.reply import Reply


class AsyncReadonly(AsyncPassing):
    """Refuse every write with Forbidden; reads renew no field that they ask for.

    An engine renews by itself, and so still does: the lease of a thread that has one of its own, and
    of fields that log items link to. A thread that has run out reads as absent and is left for
    others to end.
    """

    async def run(self, batch: Batch) -> Reply:
        if batch.writes:
            raise Forbidden(f"{batch.ref} cannot be written: this store is read-only")
        ops = tuple(_still(op) if isinstance(op, Get) else op for op in batch.ops)
        otherwise = tuple(map(_still, batch.otherwise))
        return await self.inner.run(replace(batch, ops=ops, otherwise=otherwise))

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        # without a token this is what a reader asks who meets an expired thread: not ours to end
        if due.ref is not None and due.token is None:
            return ()
        raise Forbidden("expired threads cannot be ended: this store is read-only")


def _still(op: ReadOp) -> ReadOp:
    return replace(op, renew=False) if isinstance(op, Get) and op.renew else op
