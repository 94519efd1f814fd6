"""The races find out engines that are careless: a control that cannot fail proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from threadkeep import AsyncStore
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Capabilities, Claim, Due, Page, Query
from threadkeep.ops.ops import Append, Epoch, Get, Guard, Incr, Item, Missing, Read, Restore, Same
from threadkeep.ops.ops import Set as Put
from threadkeep.ops.reply import Appended as AppendedResult
from threadkeep.ops.reply import Fields, Items, Number, Reply
from threadkeep.testing.races import RACES, race
from threadkeep.testing.races_crew import LostRaceError


class Careless:
    """Hands everything on to a good engine; the subclasses spoil it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @property
    def capabilities(self) -> Capabilities:
        return self.engine.capabilities

    async def setup(self) -> None:
        await self.engine.setup()

    async def run(self, batch: Batch) -> Reply:
        return await self.engine.run(batch)

    async def scan(self, query: Query) -> Page:
        return await self.engine.scan(query)

    async def claim(self, due: Due) -> tuple[Claim, ...]:
        return await self.engine.claim(due)

    def watch(self, ref: Ref) -> AsyncIterator[int]:
        return self.engine.watch(ref)

    async def aclose(self) -> None:
        await self.engine.aclose()


class ReadsThenWrites(Careless):
    """Increments by reading and then writing."""

    async def run(self, batch: Batch) -> Reply:
        op = batch.ops[0]
        if not isinstance(op, Incr) or batch.ref.kind == "app":
            return await super().run(batch)
        reply = await super().run(Batch(batch.ref, (Get(op.map, (op.field,)),)))
        await asyncio.sleep(0)
        found = reply.results[0]
        assert isinstance(found, Fields)
        total = int(found.fields[op.field].value[1:]) + 1 if found.fields else 1
        await super().run(Batch(batch.ref, (Put(op.map, {op.field: b"j%d" % total}),)))
        return replace(reply, results=(Number(total),), epoch="")


class Unguarded(Careless):
    """Leaves guards out."""

    forgotten: tuple[type[Guard], ...] = ()

    async def run(self, batch: Batch) -> Reply:
        await asyncio.sleep(0)
        kept = tuple(guard for guard in batch.guards if not isinstance(guard, self.forgotten))
        return await super().run(replace(batch, guards=kept))


class WithoutSame(Unguarded):
    forgotten = (Same,)


class WithoutMissing(Unguarded):
    forgotten = (Missing,)


class EverybodyIsNext(Unguarded):
    """Shows each caller of a turn an empty line."""

    forgotten = (Missing, Same)

    async def run(self, batch: Batch) -> Reply:
        reply = await super().run(batch)
        if len(batch.ops) == 2 and all(isinstance(op, Get) for op in batch.ops):
            return replace(reply, results=(reply.results[1], reply.results[1]))
        return reply


class WithoutEpoch(Unguarded):
    forgotten = (Epoch,)


class NumbersThenAppends(Careless):
    """Reads the last number and then appends after it."""

    async def run(self, batch: Batch) -> Reply:
        op = batch.ops[0]
        if not isinstance(op, Append):
            return await super().run(batch)
        reply = await super().run(Batch(batch.ref, (Read(op.log, limit=0),)))
        await asyncio.sleep(0)
        log = reply.results[0]
        assert isinstance(log, Items)
        seqs = tuple(range(log.head + 1, log.head + 1 + len(op.items)))
        items = tuple(Item(seq, value) for seq, value in zip(seqs, op.items, strict=True))
        await super().run(Batch(batch.ref, (Restore(op.log, items),)))
        return replace(reply, results=(AppendedResult(seqs),), epoch="")


CARELESS = {
    "increments": ReadsThenWrites,
    "guarded": WithoutSame,
    "appends": NumbersThenAppends,
    "winner": WithoutMissing,
    "turns": EverybodyIsNext,
    "destroy": WithoutEpoch,
    "parts": WithoutSame,
}


@pytest.mark.parametrize("name", RACES)
def test_a_careless_engine_is_found_out(name: str):
    async def run() -> None:
        async with AsyncStore("memory://", wrap=[CARELESS[name]]) as store:
            await race(store, RACES[name], callers=4, each=20)

    # in a turn the second one's end may meet the first one's fence before anything is judged, and a
    # part be read whose content is gone
    early = name in {"turns", "parts"}
    with pytest.raises((LostRaceError, ExceptionGroup) if early else LostRaceError):
        asyncio.run(run())
