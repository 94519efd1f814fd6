"""Counts of the caches: one map for each counter, one field for each tool or model, in 64 entities.

An entity has room for about 1,100 names (10,000 fields). What is counted of others goes to one more entity,
under no name, so that names which never end (a user's text, say) fill no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, cast

from threadkeep.errors import CodecError
from threadkeep.layers.cache_names import COUNTS, NO_NAME, OTHERS, counts_ref, stored_name
from threadkeep.model.caches import CacheCounts, CacheStats
from threadkeep.model.codec import decode, encode
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.engine import Query
from threadkeep.ops.ops import AnyOp, Drop, Get, Incr, Set
from threadkeep.ops.reply import Fields, Reply

NAMES: Final = "names"
COUNTERS: Final = CacheCounts.__struct_fields__

Counted = dict[str, int]  # counter -> by how much
Found = dict[str | None, CacheCounts]  # tool or model -> its counts; None: others


def add(namespace: str, kind: str, counted: Mapping[str | None, Counted], once: str) -> list[Batch]:
    """Return the batches that add counts up, by name; sent again under the same `once` they count once."""
    ops: dict[Ref, list[Incr | Set]] = {}
    for name, counts in counted.items():
        stored, ref = NO_NAME, Ref(namespace, kind, OTHERS)
        if name is not None:
            stored = stored_name(name)
            ref = counts_ref(namespace, kind, stored)
            ops.setdefault(ref, []).append(Set(NAMES, {stored: encode(name)}, absent_only=True))
        mine = ops.setdefault(ref, [])
        mine += [Incr(counter, stored, by) for counter, by in counts.items() if by]
    return [Batch(ref, tuple(mine), once=once) for ref, mine in ops.items() if mine]


def smaller(batch: Batch) -> list[Batch]:
    """Return what counts the same where there is no room: a batch for each name; of one, one without a name."""
    if batch.ref.id == OTHERS:
        return []
    parts: list[list[AnyOp]] = []
    for op in batch.ops:
        if isinstance(op, Set):
            parts.append([])
        parts[-1].append(op)
    if len(parts) > 1:
        return [
            Batch(batch.ref, tuple(part), once=f"{batch.once}-{number}")
            for number, part in enumerate(parts)
        ]
    ref = Ref(batch.ref.namespace, batch.ref.kind, OTHERS)
    ops = (Incr(op.map, NO_NAME, op.by) for op in batch.ops if isinstance(op, Incr))
    return [Batch(ref, tuple(ops), once=f"{batch.once}-{batch.ref.id}")]


def shards(namespace: str, kind: str) -> Query:
    """Return the listing of the entities that hold counts; a page takes all."""
    return Query(namespace=namespace, kind=kind, order="id", prefix=COUNTS, limit=65)


def read(ref: Ref) -> Plan[Found]:
    """Plan to read the counts of one entity."""

    def result(reply: Reply) -> Found:
        names, *counters = [one.fields for one in reply.results if isinstance(one, Fields)]

        def counts(stored: str) -> CacheCounts:
            numbers = [decode(f[stored].value) if stored in f else 0 for f in counters]
            if not all(type(number) is int for number in numbers):
                raise CodecError(f"the counts in {ref} are damaged; reset them", ref=ref)
            return CacheCounts(**dict(zip(COUNTERS, cast("list[int]", numbers), strict=True)))

        if ref.id == OTHERS:
            return {None: counts(NO_NAME)}
        return {str(decode(name.value)): counts(stored) for stored, name in names.items()}

    gets = (Get(map_, renew=False) for map_ in (NAMES, *COUNTERS))
    return Plan(Batch(ref, tuple(gets)), result)


def reset(ref: Ref) -> Plan[None]:
    """Plan to forget the counts of one entity."""
    return Plan(Batch(ref, (Drop(),)), lambda _: None)


def total(found: Iterable[Found]) -> CacheStats:
    """Return the counts of all entities as one."""
    merged = {name: counts for one in found for name, counts in one.items()}
    sums = {c: sum(getattr(counts, c) for counts in merged.values()) for c in COUNTERS}
    others = merged.pop(None, CacheCounts())
    by_name = {name: merged[name] for name in sorted(name for name in merged if name is not None)}
    return CacheStats(CacheCounts(**sums), by_name, others)
