"""Snapshots: opaque, versioned images of a running agent. A snapshot's revision is its number in the log."""

from __future__ import annotations

from typing import Any

from threadkeep.errors import Conflict, UsageError
from threadkeep.layers.messages import items_of
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.leases import moment
from threadkeep.model.records import Snapshot
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Append, Cut, Head, Item, Label, Read
from threadkeep.ops.reply import Appended as AppendedResult
from threadkeep.ops.reply import Count, Reply

LOG = "snapshots"
MARK = "#snapshot"  # a hidden label, so that sessions can be listed
MARKED = "1"


def save(ref: Ref, data: Any, limit: int, keep: int, if_revision: int | None) -> Plan[int]:
    """Plan to save a snapshot and keep the last `keep`; returns its revision.

    Conflict when `if_revision` is not the revision of the last one saved (0: none was ever saved).
    """
    if type(keep) is not int or keep < 1:
        raise UsageError(f"keep is {keep!r}; at least the snapshot itself must be kept")
    ops = (
        Append(LOG, (encode(data, limit=limit, place="snapshot"),)),
        Cut(LOG, keep=keep),
        Label({MARK: MARKED}),
    )
    guards = () if if_revision is None else (Head(LOG, if_revision),)
    otherwise = (Read(LOG, limit=0),) if guards else ()

    def read(reply: Reply) -> int:
        if not reply.ok:
            found = items_of(reply).head
            raise Conflict(
                f"the last snapshot of {ref} has revision {found}, not {if_revision}; nothing was saved",
                found=found,
                revision=reply.revision,
                ref=ref,
            )
        result = reply.results[0]
        assert isinstance(result, AppendedResult)  # noqa: S101 - the reply to an Append
        return result.seqs[0]

    return Plan(Batch(ref, ops, guards, otherwise), read)


def _op(revision: int | None) -> Read:
    if revision is not None and (type(revision) is not int or revision < 1):
        raise UsageError(
            f"revision is {revision!r}; it must be an int of 1 or more, or None for the last"
        )
    if revision is None:
        return Read(LOG, limit=1, newest=True)
    return Read(LOG, after=revision - 1, before=revision + 1, limit=1)


def as_snapshot(ref: Ref, item: Item, as_type: Any = None) -> Snapshot:
    """Return an item as the record that callers get."""
    data = load(item.value, as_type, ref, "snapshot", item.seq)
    return Snapshot(item.seq, moment(item.at), len(item.value), data)


def entry(ref: Ref, revision: int | None, as_type: Any) -> Plan[Snapshot | None]:
    """Plan to read the last snapshot, or the one of a revision, with its facts."""

    def read(reply: Reply) -> Snapshot | None:
        items = items_of(reply).items
        return as_snapshot(ref, items[0], as_type) if items else None

    return Plan(Batch(ref, (_op(revision),)), read)


def exists(ref: Ref) -> Plan[bool]:
    """Plan to tell whether a snapshot stands, without reading it."""
    return Plan(Batch(ref, (Read(LOG, limit=0),)), lambda reply: items_of(reply).count > 0)


def history(ref: Ref) -> Plan[list[Snapshot]]:
    """Plan to list the snapshots that stand, newest first, without their data."""

    def read(reply: Reply) -> list[Snapshot]:
        items = reversed(items_of(reply).items)
        return [Snapshot(i.seq, moment(i.at), i.size) for i in items]

    return Plan(Batch(ref, (Read(LOG, values=False),)), read)


def delete(ref: Ref) -> Plan[int]:
    """Plan to delete all snapshots; returns how many went. Revisions go on where they were."""

    def read(reply: Reply) -> int:
        result = reply.results[0]
        assert isinstance(result, Count)  # noqa: S101 - the reply to a Cut
        return result.count

    return Plan(Batch(ref, (Cut(LOG, keep=0), Label({MARK: None}))), read)
