"""A batch as the keys and arguments of the script; `lua/9_program.lua` reads them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from threadkeep.engines.redis.keys import (
    Places,
    channel,
    entity,
    indexes,
    log_keys,
    main_map,
    map_key,
)
from threadkeep.engines.view import HIDDEN
from threadkeep.model.ids import new_epoch
from threadkeep.model.leases import Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
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
    Read,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)

Arg = str | bytes | int
Args = list[Arg]
USUAL_LOGS = {"thread": ("messages", "snapshots")}


class Names(msgspec.Struct):
    """The maps and logs that have keys of their own and which a batch touches."""

    maps: dict[str, None]
    logs: dict[str, None]


def named(batch: Batch) -> Names:
    """Return what a batch names; where it removes the entity, what such entities usually have too."""
    found = Names({}, {})
    for part in (*batch.ops, *batch.otherwise, *batch.guards):
        for attribute in ("map", "refs"):
            name = getattr(part, attribute, None)
            if isinstance(name, str):
                found.maps[name] = None
        log = getattr(part, "log", None)
        if log is not None:
            found.logs[log] = None
        if isinstance(part, Drop):
            found.logs.update(dict.fromkeys(USUAL_LOGS.get(batch.ref.kind, ())))
    main = main_map(batch.ref.kind)
    found.maps = {n: None for n in found.maps if n != main and not n.startswith(HIDDEN)}
    return found


class Layout(msgspec.Struct, frozen=True):
    """What is the same for every call of a store."""

    places: Places
    limits: Limits
    publish: str = "PUBLISH"

    def frame(self, ref: Ref, names: Names) -> tuple[list[str], Args]:
        """Return the keys of a call and the arguments that go before its program."""
        base = self.places.of(ref)
        keys = [entity(base, ref.id), *indexes(base)]
        keys += [map_key(base, ref.id, name) for name in names.maps]
        for name in names.logs:
            keys += log_keys(base, ref.id, name)
        shard = self.places.shard(ref.id)
        head: Args = [main_map(ref.kind), ref.id, channel(base, ref.id), self.publish]
        return keys, [*head, self.places.shards, shard, *_list(names.maps), *_list(names.logs)]

    def batch(self, batch: Batch, names: Names) -> tuple[list[str], Args]:
        """Return the keys and arguments of a batch."""
        keys, args = self.frame(batch.ref, names)
        limits = self.limits
        args += [batch.once or "", new_epoch(), limits.fields, limits.labels]
        for parts in (batch.guards, batch.ops, batch.otherwise):
            args.append(len(parts))
            for part in parts:
                args += _PARTS[type(part)](part)
        if _is_hot(batch):
            return keys, ["g", *_hot(batch), *args]
        return keys, ["w" if batch.writes else "r", *args]

    def look(self, ref: Ref, names: Names) -> tuple[list[str], Args]:
        """Return the keys and arguments of a look at an entity for a listing."""
        keys, args = self.frame(ref, names)
        return keys, ["i", *args]

    def tend(self, ref: Ref, names: Names, lease: int, token: int | None) -> tuple[list[str], Args]:
        """Return the keys and arguments of a look at an entity that may be due."""
        keys, args = self.frame(ref, names)
        return keys, ["t", *args, lease, "" if token is None else token]


def _is_hot(batch: Batch) -> bool:
    if len(batch.ops) != 1 or batch.guards or batch.once:
        return False
    op = batch.ops[0]
    if type(op) is not Get or op.fields is None or len(op.fields) != 1:
        return False
    return op.refs is None and op.values and op.map == main_map(batch.ref.kind)


def _hot(batch: Batch) -> Args:
    op = batch.ops[0]
    assert isinstance(op, Get) and op.fields is not None  # noqa: S101, PT018 - `_is_hot` says so
    return [op.fields[0], _flag(op.renew)]


def _flag(value: object) -> str:
    return "1" if value else "0"


def _list(values: Iterable[Arg]) -> Args:
    found = list(values)
    return [len(found), *found]


def _choice(fields: tuple[str, ...] | None, prefix: str | None) -> Args:
    if fields is not None:
        return ["n", *_list(fields)]
    return ["a"] if prefix is None else ["p", prefix]


def _optional(value: int | None) -> Arg:
    return "" if value is None else value


def _lease(lease: Lease) -> Args:
    return [_optional(lease.window), _optional(lease.end)]


def packed_names(names: Iterable[str]) -> bytes:
    """Return linked names, each with its length in front."""
    encoded = [name.encode() for name in names]
    return b"".join(struct.pack(">H", len(name)) + name for name in encoded)


def item_tail(id: str | None, refs: tuple[str, ...], value: bytes) -> bytes:
    """Return what follows number and time in a stored item."""
    name, links = (id or "").encode(), packed_names(refs)
    return b"%b%b%b%b%b" % (
        struct.pack(">H", len(name)),
        name,
        struct.pack(">I", len(links)),
        links,
        value,
    )


def _get(op: Get) -> Args:
    head: Args = ["get", op.map, _flag(op.renew), _flag(op.values), op.refs or ""]
    return head + _choice(op.fields, op.prefix)


def _read(op: Read) -> Args:
    head: Args = ["read", op.log, op.after, _optional(op.before), _optional(op.limit)]
    tail: Args = ["a"] if op.ids is None else ["i", *_list(op.ids)]
    return [*head, _flag(op.newest), _flag(op.values), op.refs or "", *tail]


def _set(op: Set) -> Args:
    args: Args = ["set", op.map, *_lease(op.lease), _flag(op.absent_only), len(op.items)]
    refs = op.refs or {}
    for name, value in op.items.items():
        args += [name, value, packed_names(refs.get(name, ()))]
    return args


def _append(op: Append) -> Args:
    args: Args = ["append", op.log, len(op.items)]
    ids = op.ids or (None,) * len(op.items)
    refs = op.refs or ((),) * len(op.items)
    for value, id_, links in zip(op.items, ids, refs, strict=True):
        args += [id_ or "", len(value), item_tail(id_, links, value)]
    return args


def _cut(op: Cut) -> Args:
    for how in ("keep", "before", "newest"):
        count = getattr(op, how)
        if count is not None:
            return ["cut", op.log, how, count]
    raise AssertionError("a batch is checked before it gets here")


def _touch(op: Touch) -> Args:
    given: Args = ["0"] if op.lease is None else ["1", *_lease(op.lease)]
    return ["touch", op.map or "", *_choice(op.fields, None), *given, _flag(op.birth)]


def _label(op: Label) -> Args:
    kept = [part for pair in op.labels.items() if pair[1] is not None for part in pair]
    gone = [name for name, value in op.labels.items() if value is None]
    return ["label", *_list(part for part in kept if part is not None), *_list(gone)]


def _restored(item: Item) -> bytes:
    head = item.seq.to_bytes(6, "big") + item.at.to_bytes(7, "big")
    return head + item_tail(item.id, item.refs, item.value)


def _number(by: float) -> Arg:
    return by if isinstance(by, int) else msgspec.json.encode(by)


_PARTS: dict[type[AnyOp | AnyGuard], Callable[[Any], Args]] = {
    Get: _get,
    Read: _read,
    Info: lambda _: ["info"],
    Set: _set,
    Del: lambda op: ["del", op.map, *_choice(op.fields, op.prefix)],
    Incr: lambda op: ["incr", op.map, op.field, _number(op.by), *_lease(op.lease), _flag(op.keep)],
    Append: _append,
    Cut: _cut,
    Touch: _touch,
    Label: _label,
    Drop: lambda _: ["drop"],
    Restore: lambda op: ["restore", op.log, op.head, *_list(map(_restored, op.items))],
    Missing: lambda guard: ["missing", guard.map, guard.field],
    Same: lambda guard: ["same", guard.map, guard.field, guard.revision],
    Revision: lambda guard: ["revision", guard.revision],
    Head: lambda guard: ["head", guard.log, guard.seq],
    Epoch: lambda guard: ["epoch", guard.epoch],
    Claimed: lambda guard: ["claimed", guard.token],
}
