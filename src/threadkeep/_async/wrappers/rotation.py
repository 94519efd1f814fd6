"""Key rotation: every value of a namespace sealed anew under the active key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from threadkeep._async.wrappers.sealed import AsyncSealed
from threadkeep.concurrency import AsyncFlow
from threadkeep.errors import Conflict, UsageError
from threadkeep.model.refs import KINDS, Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import AsyncEngine, Query
from threadkeep.ops.ops import Epoch, Get, Info, Read, Restore, Revision, Touch
from threadkeep.ops.reply import EntityInfo, Fields, Items
from threadkeep.ops.resealing import Renewed, Rotated, portions, renewed_fields, renewed_items

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

PAGE: Final = 100
TRIES: Final = 200
ORDER: Final = tuple(sorted(KINDS))


async def rotate(store: AsyncStore, *, after: str | None = None) -> AsyncIterator[Rotated]:
    """Seal every value of the store's namespace anew that is not sealed under the active key.

    Yields how far it is after each page, counted from the start of this call. `after`: the `cursor`
    of an earlier call, which goes on there; from the start is right too, what is done is left alone.
    Others may read and write meanwhile. Fields keep their leases and links, items their numbers,
    ids, times and links; the entity's revision goes up, and its own lease is renewed, for this is an
    access. With `allow_plaintext` (or `allow_unchecked`) plain values are sealed too.

    First let every process read with the new key, then write with it, then rotate, then sweep (what
    has expired is not listed), and drop the old key an hour later. Raises UsageError for a store
    without encrypt or checksum, Conflict when a value changes under another key each time.
    """
    job = _Rotation(sealed_of(await store.ready()))
    kind, cursor = _begin(after)
    for name in ORDER[ORDER.index(kind) :]:
        while True:
            query = Query(
                namespace=store.namespace, kind=name, order="id", cursor=cursor, limit=PAGE
            )
            page = await job.raw.scan(query)
            for listed in page.items:
                await job.entity(listed.ref)
            cursor = page.cursor
            if cursor is None:
                break
            yield job.so_far(f"{name}:{cursor}")
    yield job.so_far(None)


def _begin(after: str | None) -> tuple[str, str | None]:
    if after is None:
        return ORDER[0], None
    kind, sep, cursor = after.partition(":")
    if kind not in ORDER or not sep:
        raise UsageError("after is not the cursor of a rotation")
    return kind, cursor


def sealed_of(engine: AsyncEngine) -> AsyncSealed:
    """Return the outermost wrapper of an engine that seals values."""
    found: object = engine
    while found is not None and not isinstance(found, AsyncSealed):
        found = getattr(found, "inner", None)
    if found is None:
        raise UsageError("this store seals nothing; open it with wrap=[encrypt(ring)]")
    return found


class _Rotation:
    """The state of one call: the engine under the sealing, and counts."""

    def __init__(self, sealed: AsyncSealed) -> None:
        self.raw = sealed.inner
        self._sealer = sealed.sealer
        self._entities = self._fields = self._items = self._current = 0
        self._unreadable: list[str] = []

    def so_far(self, cursor: str | None) -> Rotated:
        """Return the counts."""
        return Rotated(
            self._entities,
            self._fields,
            self._items,
            self._current,
            tuple(self._unreadable),
            cursor,
        )

    async def entity(self, ref: Ref) -> None:
        """Seal the values of one entity anew."""
        known = (await self.raw.run(Batch(ref, (Info(),)))).results[0]
        if not isinstance(known, EntityInfo):
            return
        self._entities += 1
        for map_ in known.maps:
            stats, _ = await self._get(ref, Get(map_, renew=False, values=False))
            for names in portions((n, f.size) for n, f in stats.fields.items()):
                await self._portion_of_map(ref, map_, tuple(names))
        for log in known.logs:
            await self._log(ref, log)

    async def _get(self, ref: Ref, op: Get) -> tuple[Fields, str]:
        """Return fields and the epoch they were read in."""
        reply = await self.raw.run(Batch(ref, (op,)))
        found = reply.results[0]
        assert isinstance(found, Fields)  # noqa: S101 - the reply to a Get
        return found, reply.epoch

    async def _portion_of_map(self, ref: Ref, map_: str, names: tuple[str, ...]) -> None:
        for _ in range(TRIES):
            found, epoch = await self._get(ref, Get(map_, names, renew=False))
            new = renewed_fields(self._sealer, ref, map_, found.fields)
            if not new.sets:
                self._count(new)
                return
            look = Get(map_, names, renew=False, values=False)
            guards = (Epoch(epoch), *new.guards)
            reply = await self.raw.run(Batch(ref, (look, *new.sets), guards))
            if reply.ok:
                now = reply.results[0]
                assert isinstance(now, Fields)  # noqa: S101 - the reply to a Get
                await self._keep_ends(ref, map_, found, now)
                self._fields += len(new.sets)
            if reply.ok or reply.expired:
                self._count(new)
                return
            await AsyncFlow.breathe()
        raise self._busy(ref)

    async def _keep_ends(self, ref: Ref, map_: str, old: Fields, now: Fields) -> None:
        """Renew the fields that were renewed by others after they had been read here."""
        moved = [n for n, f in now.fields.items() if n in old.fields and f.end != old.fields[n].end]
        if moved:
            await self.raw.run(Batch(ref, (Touch(map_, tuple(moved)),)))

    async def _log(self, ref: Ref, log: str) -> None:
        after = 0
        while True:
            look = Read(log, after, limit=1_000, values=False)
            stats = (await self.raw.run(Batch(ref, (look,)))).results[0]
            assert isinstance(stats, Items)  # noqa: S101 - the reply to a Read
            if not stats.items:
                return
            for seqs in portions((item.seq, item.size) for item in stats.items):
                await self._portion_of_log(ref, log, seqs[0], seqs[-1])
            after = stats.items[-1].seq

    async def _portion_of_log(self, ref: Ref, log: str, first: int, last: int) -> None:
        for _ in range(TRIES):
            reply = await self.raw.run(Batch(ref, (Read(log, first - 1, last + 1),)))
            found = reply.results[0]
            assert isinstance(found, Items)  # noqa: S101 - the reply to a Read
            new = renewed_items(self._sealer, ref, log, found.items)
            if new.items:
                # any change may have cut what would be written again
                guards = (Epoch(reply.epoch), Revision(reply.revision))
                reply = await self.raw.run(Batch(ref, (Restore(log, tuple(new.items)),), guards))
            if reply.ok or reply.expired:
                self._items += len(new.items) if reply.ok else 0
                self._count(new)
                return
            await AsyncFlow.breathe()
        raise self._busy(ref)

    def _count(self, new: Renewed) -> None:
        self._current += new.current
        self._unreadable += new.unreadable

    @staticmethod
    def _busy(ref: Ref) -> Conflict:
        return Conflict(
            f"{ref} changed {TRIES} times while it was sealed anew; does another process still"
            " write under an old key? Continue with the last cursor",
            ref=ref,
        )
