"""The directory: what is known of threads, labels, listings, ends, copies."""

from __future__ import annotations

from collections.abc import Mapping

from threadkeep.errors import Conflict, NotFound
from threadkeep.model.leases import Lease, moment
from threadkeep.model.records import ThreadInfo
from threadkeep.model.refs import Ref, check_labels
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.engine import Listed, Query
from threadkeep.ops.ops import (
    AnyOp,
    Drop,
    Get,
    Info,
    Label,
    Read,
    Restore,
    Revision,
    Set,
    Touch,
)
from threadkeep.ops.reply import Count, EntityInfo, Fields, Items, Labels, Reply

MESSAGES = "messages"


def visible(labels: Mapping[str, str]) -> dict[str, str]:
    """Leave out the labels that threadkeep keeps for itself."""
    return {name: value for name, value in labels.items() if not name.startswith("#")}


def as_info(ref: Ref, info: EntityInfo, messages: int | None = None) -> ThreadInfo:
    """Return what the engine knows as the record that callers get."""
    return ThreadInfo(
        id=ref.id,
        namespace=ref.namespace,
        created_at=moment(info.created),
        updated_at=moment(info.updated),
        revision=info.revision,
        epoch=info.epoch,
        labels=visible(info.labels),
        lease=Lease(info.window, None if info.window else info.end),
        expires_at=None if info.end is None else moment(info.end),
        fields=info.fields,
        items=info.items,
        bytes=info.bytes,
        messages=messages,
    )


def info(ref: Ref) -> Plan[ThreadInfo | None]:
    """Plan to read what is known of an entity; None when it does not exist."""

    def read(reply: Reply) -> ThreadInfo | None:
        known, log = reply.results
        if not isinstance(known, EntityInfo):
            return None
        assert isinstance(log, Items)  # noqa: S101 - the reply to a Read
        return as_info(ref, known, log.count)

    return Plan(Batch(ref, (Info(), Read(MESSAGES, limit=0))), read)


def set_labels(ref: Ref, labels: Mapping[str, str | None]) -> Plan[dict[str, str]]:
    """Plan to set labels (None removes one); returns all labels after it."""

    def read(reply: Reply) -> dict[str, str]:
        result = reply.results[0]
        assert isinstance(result, Labels)  # noqa: S101 - the reply to a Label
        return visible(result.labels)

    return Plan(Batch(ref, (Label(check_labels(dict(labels))),)), read)


def touch(ref: Ref, lease: Lease | None) -> Plan[None]:
    """Plan to renew the entity's lease, or to give it another."""
    return Plan(Batch(ref, (Touch(lease=lease),)), lambda _: None)


def destroy(ref: Ref) -> Plan[int]:
    """Plan to remove an entity whole; returns how many fields and items went."""

    def read(reply: Reply) -> int:
        result = reply.results[0]
        assert isinstance(result, Count)  # noqa: S101 - the reply to a Drop
        return result.count

    return Plan(Batch(ref, (Drop(),)), read)


def query(
    namespace: str,
    kind: str,
    labels: Mapping[str, str],
    *,
    prefix: str | None,
    cursor: str | None,
    limit: int,
) -> Query:
    """Return a checked listing: newest first, or by id where a prefix is given."""
    check_labels(dict(labels))
    return Query(
        namespace=namespace,
        kind=kind,
        order="newest" if prefix is None else "id",
        prefix=prefix or None,
        labels=tuple(sorted(labels.items())),
        cursor=cursor,
        limit=limit,
    )


def as_listed(listed: Listed) -> ThreadInfo:
    """Return one entity of a listing as the record that callers get."""
    return as_info(listed.ref, listed.info)


def outline(ref: Ref) -> Plan[EntityInfo | None]:
    """Plan to read which maps and logs an entity has; None when it does not exist."""

    def read(reply: Reply) -> EntityInfo | None:
        known = reply.results[0]
        return known if isinstance(known, EntityInfo) else None

    return Plan(Batch(ref, (Info(),)), read)


def contents(ref: Ref, known: EntityInfo) -> Plan[tuple[AnyOp, ...]]:
    """Plan to read everything of an entity as the operations that write it again elsewhere.

    Leases keep their ends, items their numbers, ids and times. One batch: all of one moment.
    """
    reads = (
        Info(),
        *(Get(name, renew=False) for name in known.maps),
        *(Read(name) for name in known.logs),
    )

    def read(reply: Reply) -> tuple[AnyOp, ...]:
        now = reply.results[0]
        if not isinstance(now, EntityInfo):
            raise NotFound(f"{ref} does not exist any more")
        ops: list[AnyOp] = []
        for name, result in zip((*known.maps, *known.logs), reply.results[1:], strict=True):
            if isinstance(result, Fields):
                ops.extend(_sets(name, result))
            elif isinstance(result, Items):
                ops.append(Restore(name, result.items, result.head))
        if now.labels:
            ops.append(Label(dict(now.labels)))
        if now.end is not None:
            ops.append(Touch(lease=Lease(now.window, now.end)))
        return tuple(ops)

    return Plan(Batch(ref, reads), read)


def _sets(map_: str, found: Fields) -> list[Set]:
    """Return one Set for each lease among the fields."""
    by_lease: dict[tuple[int | None, int | None], dict[str, bytes]] = {}
    refs = {name: field.refs for name, field in found.fields.items() if field.refs}
    for name, field in found.fields.items():
        by_lease.setdefault((field.window, field.end), {})[name] = field.value
    return [
        Set(map_, items, Lease(*lease), refs={n: refs[n] for n in items if n in refs} or None)
        for lease, items in by_lease.items()
    ]


def create(ref: Ref, ops: tuple[AnyOp, ...]) -> Plan[int]:
    """Plan to write an entity that must not exist; returns its revision, else Conflict."""

    def read(reply: Reply) -> int:
        if not reply.ok:
            raise Conflict(f"{ref} exists already", revision=reply.revision, ref=ref)
        return reply.revision

    return Plan(Batch(ref, ops, (Revision(0),)), read)
