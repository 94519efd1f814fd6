"""Counts of the caches: one map for each counter, one field for each tool or model, in 64 entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from threadkeep.errors import CodecError
from threadkeep.layers.cache_names import COUNTS, counts_ref, stored_name
from threadkeep.model.caches import CacheCounts, CacheStats
from threadkeep.model.codec import decode, encode
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.engine import Query
from threadkeep.ops.ops import Drop, Get, Incr, Set
from threadkeep.ops.reply import Fields, Reply

NAMES: Final = "names"
COUNTERS: Final = CacheCounts.__struct_fields__

Counted = dict[str, int]  # counter -> by how much
Found = dict[str, CacheCounts]  # tool or model -> its counts


def add(namespace: str, kind: str, counted: Mapping[str, Counted], once: str) -> list[Batch]:
    """Return the batches that add counts up, by name; sent again under the same `once` they count once."""
    ops: dict[Ref, list[Incr | Set]] = {}
    for name, counts in counted.items():
        stored = stored_name(name)
        mine = ops.setdefault(counts_ref(namespace, kind, stored), [])
        mine.append(Set(NAMES, {stored: encode(name)}, absent_only=True))
        mine += [Incr(counter, stored, by) for counter, by in counts.items() if by]
    return [Batch(ref, tuple(mine), once=once) for ref, mine in ops.items()]


def shards(namespace: str, kind: str) -> Query:
    """Return the listing of the entities that hold counts; a page takes all."""
    return Query(namespace=namespace, kind=kind, order="id", prefix=COUNTS, limit=64)


def read(ref: Ref) -> Plan[Found]:
    """Plan to read the counts of one entity."""

    def result(reply: Reply) -> Found:
        names, *counters = [one.fields for one in reply.results if isinstance(one, Fields)]
        found: Found = {}
        for stored, name in names.items():
            numbers = [decode(f[stored].value) if stored in f else 0 for f in counters]
            if not all(type(number) is int for number in numbers):
                raise CodecError(f"the counts in {ref} are damaged; reset them", ref=ref)
            counts: dict[str, Any] = dict(zip(COUNTERS, numbers, strict=True))
            found[str(decode(name.value))] = CacheCounts(**counts)
        return found

    gets = (Get(map_, renew=False) for map_ in (NAMES, *COUNTERS))
    return Plan(Batch(ref, tuple(gets)), result)


def reset(ref: Ref) -> Plan[None]:
    """Plan to forget the counts of one entity."""
    return Plan(Batch(ref, (Drop(),)), lambda _: None)


def total(found: Iterable[Found]) -> CacheStats:
    """Return the counts of all entities as one."""
    merged = {name: counts for one in found for name, counts in one.items()}
    sums = {c: sum(getattr(counts, c) for counts in merged.values()) for c in COUNTERS}
    return CacheStats(CacheCounts(**sums), dict(sorted(merged.items())))
