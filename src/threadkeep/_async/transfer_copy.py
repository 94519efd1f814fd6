"""Copy: from one store into another, and the proof that both hold the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from threadkeep._async.at_once import at_once
from threadkeep._async.transfer import (
    PAUSE,
    TRIES,
    AsyncEntityWriter,
    OnConflict,
    ask,
    digest,
    every_ref,
    in_groups,
    pieces,
    remove,
    survey,
    too_busy,
)
from threadkeep._async.transfer_import import Outcome
from threadkeep.concurrency import AsyncFlow
from threadkeep.errors import Conflict
from threadkeep.layers import transfer
from threadkeep.layers.transfer import Digest, Standing, Survey, Torn
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import AsyncEngine

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

WIDTH = 32  # entities on their way at once, each with a mebibyte or two of its content


class Difference(msgspec.Struct, frozen=True):
    """An entity that is not the same on both sides; counts are (source, target)."""

    ref: Ref
    why: str
    fields: tuple[int, int]
    items: tuple[int, int]


class AsyncCopy:
    """Copies the entities of one engine into a store. Run again it finishes what was cut off.

    `on_conflict` as for an import. `tick` is called after each piece.
    """

    def __init__(
        self,
        source: AsyncEngine,
        target: AsyncStore,
        *,
        now: Callable[[], int],
        on_conflict: OnConflict = "fail",
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        self._source, self._target, self._now = source, target, now
        self._on_conflict, self.tick = on_conflict, tick
        self._began = now()
        self.outcomes: dict[Outcome, int] = {}
        self.entities = 0
        self.fields = 0
        self.items = 0

    async def run(self, namespaces: Sequence[str]) -> None:
        """Copy everything of these namespaces, several entities at once. Raises Conflict as `on_conflict` says."""
        async for refs in in_groups(every_ref(self._source, namespaces)):
            await at_once(refs, self._counted, WIDTH)

    async def _counted(self, ref: Ref) -> None:
        outcome = await self._one(ref)
        if outcome is not None:
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.tick()

    async def _one(self, ref: Ref) -> Outcome | None:
        """Copy an entity; None when it is gone."""
        for _ in range(TRIES):
            try:
                found = await survey(self._source, ref)
                if found is not None:
                    return await self._copy(found)
            except Torn:
                await AsyncFlow.sleep(PAUSE)
            else:
                await self._forget(ref)
                return None
        raise too_busy(ref)

    async def _forget(self, ref: Ref) -> None:
        """Remove what was written of an entity that was destroyed in the source meanwhile."""
        standing = await ask(await self._target.ready(), transfer.stands(ref))
        if standing is not None and standing.mark is not None and ":" in standing.mark:
            await remove(self._target, ref)

    async def _copy(self, found: Survey) -> Outcome:
        ref, engine = found.outline.ref, await self._target.ready()
        standing = await ask(engine, transfer.stands(ref))
        if standing is None:
            return await self._write(found, None, "imported")
        if standing.mark is not None:
            epoch, _, revision = standing.mark.partition(":")
            if epoch == found.outline.epoch and revision == str(found.outline.revision):
                return await self._write(found, standing, "resumed")
            if epoch == found.outline.epoch:
                await remove(self._target, ref)
                return await self._write(found, None, "imported")
        elif await self._is_same(found):
            return "same"
        if self._on_conflict == "skip":
            return "skipped"
        if self._on_conflict == "fail":
            raise Conflict(
                f"{ref} stands in the target with other content; nothing of it was changed."
                " Pass --on-conflict skip or replace",
                ref=ref,
            )
        await remove(self._target, ref)
        return await self._write(found, None, "replaced")

    async def _is_same(self, found: Survey) -> bool:
        now, engine = self._now(), await self._target.ready()
        there = await digest(engine, found.outline.ref, now)
        told = Digest(found.outline, now)
        async for piece in pieces(self._source, found):
            told.add(piece)
        return there is not None and there[1].text == told.text

    async def _write(self, found: Survey, begun: Standing | None, outcome: Outcome) -> Outcome:
        outline = found.outline
        mark = f"{outline.epoch}:{outline.revision}"
        writer = AsyncEntityWriter(self._target, outline, mark, self._now())
        if begun is not None:
            await writer.resume(begun)
        async for piece in pieces(self._source, found):
            await writer.add(piece)
            self.tick()
        return outcome if await writer.finish() else "expired"

    async def verify(self, namespaces: Sequence[str]) -> list[Difference]:
        """Read both sides again and return what is not the same; counts stand in this object after it."""
        found: list[Difference | None] = []
        async for refs in in_groups(every_ref(self._source, namespaces)):
            found.extend((await at_once(refs, self._compare, WIDTH)).values())
        return [difference for difference in found if difference is not None]

    async def _compare(self, ref: Ref) -> Difference | None:
        now = self._now()
        here = await digest(self._source, ref, now)
        if here is None:
            return None
        there = await digest(await self._target.ready(), ref, now)
        outline, told = here
        self.entities += 1
        self.fields += told.fields
        self.items += told.items
        self.tick()
        if there is not None and there[1].text == told.text:
            return None
        fields = (told.fields, there[1].fields if there else 0)
        items = (told.items, there[1].items if there else 0)
        why = "is missing in the target" if there is None else "differs"
        if outline.updated >= self._began:
            why = "was written to in the source during the copy; run it again"
        return Difference(ref, why, fields, items)
