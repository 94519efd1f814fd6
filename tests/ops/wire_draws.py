"""Everything that can go over the wire, drawn."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st

from threadkeep.model.leases import Lease
from threadkeep.model.refs import KINDS, Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Listed, Page, Query
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Claimed,
    Cut,
    Del,
    Drop,
    Epoch,
    Get,
    Head,
    Incr,
    Info,
    Item,
    Label,
    Missing,
    Now,
    Read,
    ReadOp,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import (
    AnyResult,
    Appended,
    Count,
    EntityInfo,
    Field,
    Fields,
    Items,
    Labels,
    Moment,
    Names,
    Nothing,
    Number,
    Reply,
)

_chars = st.characters(codec="utf-8").filter(lambda c: unicodedata.category(c) != "Cc")
names = st.text(_chars, min_size=1, max_size=12)
open_names = names.filter(lambda name: not name.startswith("#"))
maps = open_names | st.sampled_from(("#turn", "#end", "#seal"))
labels = open_names | st.just("#snapshot")
values = st.binary(max_size=40) | st.binary(min_size=300, max_size=400)
counts = st.integers(0, 9) | st.integers(0, 2**63 - 1)
seqs = st.integers(1, 2**31 - 1)
maybe_counts = st.none() | counts
numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
name_tuples = st.lists(names, max_size=3).map(tuple)
maybe_names = st.none() | name_tuples
prefixes = st.none() | st.just("") | names
leases = st.builds(
    Lease,
    window=st.none() | st.integers(1, 2**63 - 1),
    end=st.none() | st.integers(-(2**63), 2**63 - 1),
)
refs = st.builds(Ref, namespace=names, kind=st.sampled_from(sorted(KINDS)), id=names)

gets = st.builds(
    Get,
    map=maps,
    fields=maybe_names,
    prefix=prefixes,
    renew=st.booleans(),
    refs=st.none() | maps,
    values=st.booleans(),
)
reads = st.builds(
    Read,
    log=open_names,
    after=counts,
    before=maybe_counts,
    limit=maybe_counts,
    newest=st.booleans(),
    refs=st.none() | maps,
    ids=maybe_names,
    values=st.booleans(),
)
asks: st.SearchStrategy[ReadOp] = gets | reads | st.builds(Info) | st.builds(Now)


@st.composite
def appends(draw: st.DrawFn) -> Append:
    items = tuple(draw(st.lists(values, max_size=4)))
    some_ids = st.tuples(*[st.none() | names for _ in items])
    some_links = st.tuples(*[name_tuples for _ in items])
    ids = draw(st.none() | some_ids)
    links = draw(st.none() | some_links)
    return Append(draw(open_names), items, ids, links)


items = st.builds(
    Item, seq=seqs, value=values, id=st.none() | names, refs=name_tuples, at=counts, size=counts
)
restores = st.builds(
    Restore,
    log=open_names,
    items=st.lists(items, max_size=3, unique_by=(lambda i: i.seq, lambda i: i.id or i.seq)).map(
        tuple
    ),
    head=st.integers(0, 2**31 - 1),
)
cuts = st.one_of(
    *(st.builds(Cut, log=open_names, **{n: counts}) for n in ("keep", "before", "newest"))
)
writes: dict[type, st.SearchStrategy[AnyOp]] = {
    Set: st.builds(
        Set,
        map=maps,
        items=st.dictionaries(names, values, max_size=3),
        lease=leases,
        absent_only=st.booleans(),
        refs=st.none() | st.dictionaries(names, name_tuples, max_size=2),
    ),
    Del: st.builds(Del, map=maps, fields=maybe_names, prefix=prefixes),
    Incr: st.builds(Incr, map=maps, field=names, by=numbers, lease=leases, keep=st.booleans()),
    Append: appends(),
    Cut: cuts,
    Touch: st.builds(
        Touch,
        map=st.none() | maps,
        fields=maybe_names,
        lease=st.none() | leases,
        birth=st.booleans(),
    ),
    Label: st.builds(Label, labels=st.dictionaries(labels, st.none() | names, max_size=3)),
    Restore: restores,
}
guards: dict[type, st.SearchStrategy[AnyGuard]] = {
    Missing: st.builds(Missing, map=maps, field=names),
    Same: st.builds(Same, map=maps, field=names, revision=counts),
    Revision: st.builds(Revision, revision=counts),
    Head: st.builds(Head, log=open_names, seq=counts),
    Epoch: st.builds(Epoch, epoch=names),
    Claimed: st.builds(Claimed, token=counts),
}
some_writes = st.one_of(*writes.values())
batches = st.builds(
    Batch,
    ref=refs,
    ops=st.one_of(
        st.lists(asks | some_writes, max_size=4).map(tuple),
        st.tuples(asks, st.just(Drop())),
    ),
    guards=st.lists(st.one_of(*guards.values()), max_size=3).map(tuple),
    otherwise=st.lists(asks, max_size=2).map(tuple),
    once=st.none() | names,
)

fields = st.builds(
    Field,
    value=values,
    revision=counts,
    window=maybe_counts,
    end=maybe_counts,
    refs=name_tuples,
    size=counts,
)
some_fields = st.dictionaries(names, fields, max_size=3)
infos = st.builds(
    EntityInfo,
    created=counts,
    updated=counts,
    revision=counts,
    epoch=names,
    window=maybe_counts,
    end=maybe_counts,
    labels=st.dictionaries(names, names, max_size=2),
    fields=counts,
    items=counts,
    bytes=counts,
    logs=name_tuples,
    maps=name_tuples,
)
results: dict[type, st.SearchStrategy[AnyResult]] = {
    Fields: st.builds(Fields, fields=some_fields, linked=some_fields),
    Items: st.builds(
        Items,
        items=st.lists(items, max_size=3).map(tuple),
        head=counts,
        count=counts,
        bytes=counts,
        linked=some_fields,
    ),
    EntityInfo: infos,
    Moment: st.builds(Moment, at=counts),
    Nothing: st.builds(Nothing),
    Names: st.builds(Names, names=name_tuples),
    Number: st.builds(Number, value=numbers),
    Appended: st.builds(Appended, seqs=st.lists(seqs, max_size=3).map(tuple), skipped=name_tuples),
    Count: st.builds(Count, count=counts),
    Labels: st.builds(Labels, labels=st.dictionaries(names, names, max_size=2)),
}
replies = st.builds(
    Reply,
    ok=st.booleans(),
    results=st.lists(st.one_of(*results.values()), max_size=4).map(tuple),
    revision=counts,
    epoch=st.just("") | names,
    failed=maybe_counts,
    expired=st.booleans(),
    changed=st.booleans(),
    repeated=st.booleans(),
)
queries = st.builds(
    Query,
    namespace=names,
    kind=st.sampled_from(sorted(KINDS)),
    order=st.sampled_from(("newest", "id")),
    prefix=prefixes,
    labels=st.lists(st.tuples(labels, names), max_size=2).map(tuple),
    cursor=st.none() | names,
    limit=st.integers(1, 10_000),
    after=st.none() | names,
)
pages = st.builds(
    Page,
    items=st.lists(st.builds(Listed, ref=refs, info=infos), max_size=3).map(tuple),
    cursor=st.none() | names,
)
dues = st.builds(
    Due,
    lease=st.integers(1, 2**62),
    limit=st.integers(1, 100),
    namespace=st.none() | names,
    ref=st.none() | refs,
    token=maybe_counts,
)
claims = st.lists(
    st.builds(Claim, ref=refs, epoch=names, token=counts, ended=counts), max_size=3
).map(tuple)
