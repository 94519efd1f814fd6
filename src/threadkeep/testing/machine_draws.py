"""What the state machine draws: batches and queries over a few entities with colliding names.

Drawn are recipes. Ends of leases count from the clock, revisions count back from the last one known,
epochs and claims are picked by number; `machine_known` puts in what these mean at the moment of the call.
"""

from __future__ import annotations

from typing import Final, TypeVar

from hypothesis import strategies as st

from threadkeep.model.leases import FOREVER, SECOND, Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Query
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

T = TypeVar("T")

NAMESPACES: Final = ("n", "n:thread")
REFS: Final = (
    Ref("n", "thread", "acme"),
    Ref("n", "thread", "acme:bob"),
    Ref("n", "user", "acme"),
    Ref("n:thread", "thread", "acme"),
    Ref("n", "thread", "acm"),
    Ref("n", "thread", "acme%"),
)
MAPS: Final = ("state", "stat", "#turn")
LOGS: Final = ("messages", "m")
E_ACUTE, E_AND_ACUTE = "\u00e9", "e\u0301"  # equal to people, not to a store
FIELDS: Final = ("a", "a:b", "a%", "b", E_ACUTE, E_AND_ACUTE)
PREFIXES: Final = ("a", "a:", E_ACUTE, "e", "z")
LABELS: Final = ("user", "user:a", "#mark")
LABEL_VALUES: Final = ("alice", "alice:a", "al")
ITEM_IDS: Final = ("m1", "m2", "m:1")
HEAVY: Final = b"heavy"  # stands for a value that engines read on another path
NUMBERS: Final = (b"j0", b"j1", b"j-7", b"j2.5", b"j9223372036854775807")
VALUES: Final = (*NUMBERS, b"jtrue", b'j"1"', b"", b"b\x00\xff", b"jnull", b"{", HEAVY)
WINDOWS: Final = (2 * SECOND, 16 * SECOND, 16 * SECOND, 86_400 * SECOND)
OFFSETS: Final = (-SECOND, 0, 1, SECOND, 60 * SECOND, 86_400 * SECOND)
STEPS: Final = (
    0,
    1,
    SECOND // 16,
    SECOND,
    17 * SECOND,
    61 * SECOND,
    300 * SECOND,
    3_600 * SECOND,
    86_400 * SECOND,
    3_653 * 86_400 * SECOND,
)

values = st.sampled_from(VALUES)
names = st.sampled_from((*FIELDS[:1] * 4, *FIELDS))
# most of it happens in one place, or nothing would ever meet
maps = st.sampled_from((*MAPS[:1] * 5, *MAPS))
logs = st.sampled_from((*LOGS[:1] * 2, *LOGS))
refs = st.sampled_from((*REFS[:1] * 8, *REFS))
steps = st.sampled_from(STEPS)
waits = st.sampled_from((0, 0, 0, 1, SECOND // 8, *(3 * SECOND // 2,) * 2, 5 * SECOND, 17 * SECOND))
_sliding = st.sampled_from(tuple(Lease(window=window) for window in WINDOWS))
_few_names = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
_links = st.none() | st.dictionaries(names, _few_names, max_size=2)


def _mixed(*weighted: tuple[int, st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """Draw from strategies by weight; `one_of` would flatten them and weigh all leaves alike."""
    pool = tuple(strategy for weight, strategy in weighted for _ in range(weight))
    return st.integers(0, len(pool) - 1).flatmap(pool.__getitem__)


def _maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


leases = _mixed(
    (2, st.just(FOREVER)),
    (6, _sliding),
    (2, st.builds(Lease, end=st.sampled_from(OFFSETS))),
    (1, st.builds(Lease, window=st.sampled_from(WINDOWS), end=st.sampled_from(OFFSETS))),
)

_gets = st.builds(
    Get,
    map=maps,
    fields=_maybe(_few_names),
    renew=st.booleans(),
    refs=_maybe(maps),
    values=st.booleans(),
)
_prefixed = st.builds(Get, map=maps, prefix=st.sampled_from(PREFIXES), renew=st.booleans())
_reads = st.builds(
    Read,
    log=logs,
    after=st.integers(0, 5),
    before=_maybe(st.integers(0, 9)),
    limit=_maybe(st.integers(0, 4)),
    newest=st.booleans(),
    refs=_maybe(maps),
    values=st.booleans(),
)
_by_ids = st.builds(Read, log=logs, ids=st.lists(st.sampled_from(ITEM_IDS), max_size=3).map(tuple))
asks: st.SearchStrategy[ReadOp] = _mixed(
    (5, _gets), (1, _prefixed), (3, _reads), (1, _by_ids), (1, st.just(Info())), (1, st.just(Now()))
)

_sets = st.builds(
    Set,
    map=maps,
    items=st.dictionaries(names, values, min_size=1, max_size=3),
    lease=leases,
    absent_only=st.booleans(),
    refs=_links,
)
_dels = st.one_of(
    st.builds(Del, map=maps, fields=_few_names),
    st.builds(Del, map=maps, prefix=_maybe(st.sampled_from(PREFIXES))),
)
_sums = st.sampled_from((1, 1, -3, 0, 0.5, 1e308, 2**62))
_incrs = st.builds(Incr, map=maps, field=names, by=_sums, lease=leases, keep=st.booleans())


@st.composite
def _appends(draw: st.DrawFn) -> Append:
    items = draw(st.lists(values, max_size=3))
    ids = draw(_maybe(st.just(())))
    links = draw(_maybe(st.just(())))
    if ids is not None:
        one = _maybe(st.sampled_from(ITEM_IDS))
        ids = tuple(draw(st.lists(one, min_size=len(items), max_size=len(items))))
    if links is not None:
        links = tuple(draw(st.lists(_few_names, min_size=len(items), max_size=len(items))))
    return Append(draw(logs), tuple(items), ids, links)


_cuts = st.one_of(
    st.builds(Cut, log=logs, keep=st.integers(0, 4)),
    st.builds(Cut, log=logs, before=st.integers(0, 9)),
    st.builds(Cut, log=logs, newest=st.integers(0, 3)),
)


@st.composite
def _restores(draw: st.DrawFn) -> Restore:
    seqs = draw(st.lists(st.integers(1, 8), max_size=3, unique=True))
    ids = draw(st.lists(st.sampled_from(ITEM_IDS), unique=True, max_size=len(seqs)))
    padded = [*ids, *[None] * (len(seqs) - len(ids))]
    items = tuple(
        Item(seq, draw(values), item_id, at=draw(st.integers(1, 9)))
        for seq, item_id in zip(seqs, padded, strict=True)
    )
    return Restore(draw(logs), items, draw(st.integers(0, 9)))


_touches = st.builds(Touch, map=maps, fields=_maybe(_few_names))
_lends = st.builds(Touch, lease=_maybe(leases), birth=st.booleans())
_labels = st.builds(
    Label,
    labels=st.dictionaries(
        st.sampled_from(LABELS), _maybe(st.sampled_from(LABEL_VALUES)), min_size=1, max_size=3
    ),
)
writes: st.SearchStrategy[AnyOp] = _mixed(
    (6, _sets),
    (4, _appends()),
    (3, _incrs),
    (1, _dels),
    (2, _cuts),
    (1, _restores()),
    (1, _touches),
    (3, _lends),
    (2, _labels),
)
_several: st.SearchStrategy[tuple[AnyOp, ...]] = st.lists(
    _mixed((2, writes), (1, asks)), min_size=1, max_size=4
).map(tuple)
ops: st.SearchStrategy[tuple[AnyOp, ...]] = _mixed((9, _several), (1, st.just((Info(), Drop()))))
marks: st.SearchStrategy[tuple[AnyOp, ...]] = _mixed(
    (2, st.lists(asks, min_size=1, max_size=2).map(tuple)),
    (1, st.just((Info(), Drop()))),
    (1, st.just((Set("#turn", {"a": b"j1"}), Info()))),
    (1, st.just((Set("state", {"a": b"j1"}),))),
)

_back = st.sampled_from((0, 0, 0, 1, 2))
_guards: st.SearchStrategy[AnyGuard] = st.one_of(
    st.builds(Missing, map=maps, field=names),
    st.builds(Same, map=maps, field=names, revision=_back),
    st.builds(Revision, revision=st.sampled_from((0, 0, 1, 2))),
    st.builds(Head, log=logs, seq=st.integers(0, 3)),
    st.builds(Epoch, epoch=st.sampled_from(("0", "0", "1", "2", "never"))),
    st.builds(Claimed, token=st.integers(0, 3)),
)
guards: st.SearchStrategy[tuple[AnyGuard, ...]] = _mixed(
    (2, st.just(())), (3, st.lists(_guards, min_size=1, max_size=2).map(tuple))
)
otherwise = st.lists(asks, max_size=2).map(tuple)

_page_sizes = st.sampled_from((1, 2, 3, 50))
_equal = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(LABEL_VALUES), max_size=2).map(
    lambda labels: tuple(labels.items())
)
queries = st.one_of(
    st.builds(
        Query,
        namespace=st.sampled_from(NAMESPACES),
        kind=st.sampled_from(("thread", "thread", "user")),
        order=st.just("newest"),
        labels=_equal,
        limit=_page_sizes,
    ),
    st.builds(
        Query,
        namespace=st.sampled_from(NAMESPACES),
        kind=st.sampled_from(("thread", "thread", "user")),
        order=st.just("id"),
        prefix=st.none() | st.sampled_from(("acm", "acme", "acme:", "b")),
        labels=_equal,
        limit=_page_sizes,
    ),
)
walks = st.builds(
    Query,
    namespace=st.just("n"),
    kind=st.just("thread"),
    order=st.sampled_from(("newest", "id")),
    labels=st.sampled_from(((), (("user", "alice"),))),
    limit=st.just(1),
)
