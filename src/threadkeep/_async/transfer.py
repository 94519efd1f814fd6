"""Reading entities in pieces, and writing them again: what export, import and copy are made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from threadkeep._async.scope import AsyncScope
from threadkeep.concurrency import AsyncFlow
from threadkeep.errors import Conflict
from threadkeep.layers import directory, transfer
from threadkeep.layers.transfer import Digest, Outline, Piece, Standing, Survey, Torn
from threadkeep.layers.transfer_writing import Packing
from threadkeep.model.refs import KINDS, Ref
from threadkeep.ops.batch import Plan
from threadkeep.ops.engine import AsyncEngine, Listed, Query
from threadkeep.ops.reply import EntityInfo

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

T = TypeVar("T")
OnConflict = Literal["fail", "skip", "replace"]
POLICIES: tuple[OnConflict, ...] = ("fail", "skip", "replace")
TRIES = 5
PAUSE = 0.05
PAGE = 500


async def ask(engine: AsyncEngine, plan: Plan[T]) -> T:
    """Run a plan of reads as it is: what has expired is not ended by looking at it."""
    return plan.decode(await engine.run(plan.batch))


async def every_entity(
    engine: AsyncEngine, namespaces: Iterable[str], after: Ref | None = None
) -> AsyncIterator[Listed]:
    """Yield all entities of all kinds in the order of their references; those above `after`."""
    for namespace in sorted(namespaces):
        for kind in sorted(KINDS):
            if after is not None and (namespace, kind) < (after.namespace, after.kind):
                continue
            query = Query(namespace=namespace, kind=kind, order="id", limit=PAGE)
            while True:
                page = await engine.scan(query)
                for listed in page.items:
                    if after is None or listed.ref > after:
                        yield listed
                if page.cursor is None:
                    break
                query = msgspec.structs.replace(query, cursor=page.cursor)


async def in_groups(
    listing: AsyncIterator[Listed], size: int = PAGE
) -> AsyncIterator[list[Listed]]:
    """Yield the entities in lists of so many."""
    group: list[Listed] = []
    async for listed in listing:
        group.append(listed)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


class AsyncBeside:
    """Finds entities in a listing that is read along with another one in the same order."""

    def __init__(self, listing: AsyncIterator[Listed]) -> None:
        self._listing = listing
        self._ahead: Listed | None = None
        self._over = False

    async def find(self, ref: Ref) -> Listed | None:
        """Return an entity as it was listed; None when it was not. Each must come after the one before."""
        while not self._over and (self._ahead is None or self._ahead.ref < ref):
            self._ahead = await anext(self._listing, None)
            self._over = self._ahead is None
        return self._ahead if self._ahead is not None and self._ahead.ref == ref else None


async def survey(engine: AsyncEngine, ref: Ref, guess: EntityInfo | None = None) -> Survey | None:
    """See what there is to read of an entity, in one call if `guess` is right; None when it does not stand.

    Raises Conflict for one that an import has not finished, Torn when it changed meanwhile.
    """
    if guess is not None:
        with suppress(Torn):
            return await ask(engine, transfer.survey(ref, guess))
    standing = await ask(engine, transfer.stands(ref))
    if standing is None:
        return None
    if standing.mark is not None:
        raise Conflict(
            f"{ref} is half written by an import or a copy; run that again first", ref=ref
        )
    return await ask(engine, transfer.survey(ref, standing.info))


async def pieces(engine: AsyncEngine, found: Survey) -> AsyncIterator[Piece]:
    """Yield the content of an entity, as of one moment. Torn when it changed and that cannot be had."""
    if found.pieces is not None:
        for piece in found.pieces:
            yield piece
        return
    outline = found.outline
    for name in sorted(found.sizes):
        for group in transfer.groups(sorted(found.sizes[name].items())):
            names = tuple(str(field) for field in group)
            yield await ask(engine, transfer.some_fields(outline, name, names))
    for log in outline.heads:
        async for piece in _items(engine, found, log):
            yield piece


async def _items(engine: AsyncEngine, found: Survey, log: str) -> AsyncIterator[Piece]:
    outline, read, last = found.outline, 0, 0
    while last < outline.heads[log]:
        sizes = await ask(engine, transfer.item_sizes(outline, log, last))
        if not sizes:
            break
        for group in transfer.groups(sizes):
            first, last = int(group[0]), int(group[-1])
            piece = await ask(engine, transfer.some_items(outline, log, first, last))
            read += len(piece.items)
            yield piece
    if read != found.counts[log]:
        raise Torn


async def digest(
    engine: AsyncEngine, ref: Ref, now: int, guess: EntityInfo | None = None
) -> tuple[Survey, Digest] | None:
    """Read an entity and return what there was and the digest of its content; None when it does not stand.

    Raises Conflict when it changes faster than it can be read.
    """
    for _ in range(TRIES):
        try:
            found = await survey(engine, ref, guess)
            if found is None:
                return None
            told = Digest(found.outline, now)
            async for piece in pieces(engine, found):
                told.add(piece)
        except Torn:
            await AsyncFlow.sleep(PAUSE)
        else:
            return found, told
    raise too_busy(ref)


def too_busy(ref: Ref) -> Conflict:
    """Return the error for an entity that cannot be read in one piece."""
    return Conflict(
        f"{ref} changes faster than it can be read; try again when it is quiet", ref=ref
    )


class AsyncEntityWriter:
    """Writes one entity from its pieces. Until `finish` a large one bears a mark; each batch is atomic.

    `begun`: the marked entity of an interrupted run, which is taken up where it ended.
    """

    def __init__(self, store: AsyncStore, outline: Outline, mark: str, now: int) -> None:
        self._scope = AsyncScope(store, outline.ref)
        self._outline, self._mark, self._now = outline, mark, now
        self._packing = Packing(outline, mark, now)

    async def resume(self, begun: Standing) -> None:
        """Take up what stands from an interrupted run. Call before the first piece."""
        engine = await self._scope.store.ready()
        try:
            found = await ask(engine, transfer.survey(self._outline.ref, begun.info))
        except Torn:
            raise too_busy(self._outline.ref) from None
        self._packing = Packing(self._outline, self._mark, self._now, begun, found)

    async def add(self, piece: Piece) -> None:
        """Take the next piece; written when enough has come together."""
        plan = self._packing.add(piece)
        if plan is not None:
            self._packing.wrote(await self._scope.write(plan))

    async def finish(self) -> bool:
        """Write the rest; False when nothing stands, because all of it has run out."""
        wrote = False
        for plan in self._packing.finish():
            self._packing.wrote(await self._scope.write(plan))
            wrote = True
        return wrote


async def remove(store: AsyncStore, ref: Ref) -> None:
    """Remove what stands in the place of an entity that is to be written."""
    await AsyncScope(store, ref).write(directory.destroy(ref))
