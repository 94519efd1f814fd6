"""One thread as it stands, read such that looking at it changes and ends nothing."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

from threadkeep import Store
from threadkeep.errors import NotFound
from threadkeep.layers import directory, state
from threadkeep.layers.messages import LOG, as_message, items_of
from threadkeep.layers.snapshots import LOG as SNAPSHOTS
from threadkeep.model.leases import moment
from threadkeep.model.records import Entry, Message, Snapshot, ThreadInfo
from threadkeep.model.refs import Ref, ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Get, Info, Read
from threadkeep.ops.reply import EntityInfo, Fields

T = TypeVar("T")


class Picture(NamedTuple):
    """A thread at one moment; `messages` are its last, `head` the number of the last ever appended."""

    info: ThreadInfo
    fields: dict[str, Entry]
    messages: list[Message]
    head: int
    snapshots: list[Snapshot]


def look(store: Store, plan: Plan[T]) -> T:
    """Run a plan of reads. NotFound for a thread that has expired: it is not ended by this."""
    reply = store.ready().run(plan.batch)
    if reply.expired:
        raise NotFound(f"{plan.batch.ref} has expired and waits to be swept")
    return plan.decode(reply)


def thread_ref(store: Store, thread: str) -> Ref:
    """Return the reference of a thread. UsageError for an id that cannot be."""
    return ref(store.namespace, "thread", thread)


def picture(store: Store, thread: str, last: int) -> Picture:
    """Return a thread with its last messages. NotFound when it does not stand."""
    place = thread_ref(store, thread)
    ops = (
        Info(),
        Get(state.MAP, renew=False),
        Read(LOG, limit=last, newest=True),
        Read(SNAPSHOTS, values=False),
    )
    reply = look(store, Plan(Batch(place, ops), lambda reply: reply))
    known, fields = reply.results[:2]
    if not isinstance(known, EntityInfo):
        raise NotFound(f"there is no thread {thread!r} in namespace {store.namespace!r}")
    assert isinstance(fields, Fields)  # noqa: S101 - the reply to a Get
    log, images = items_of(reply, 2), items_of(reply, 3)
    return Picture(
        directory.as_info(place, known, log.count),
        {n: state.as_entry(place, n, fields.fields[n]) for n in sorted(fields.fields)},
        [as_message(place, item) for item in log.items],
        log.head,
        [Snapshot(i.seq, moment(i.at), i.size) for i in reversed(images.items)],
    )
