"""A batch as the keys and arguments of the script; `lua/9_program.lua` reads them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from threadkeep.engines.redis.keys import (
    Places,
    entity,
    log_keys,
    main_map,
    map_key,
)
from threadkeep.engines.redis.large import Elsewhere, Staged
from threadkeep.engines.redis.links import Command
from threadkeep.engines.view import HIDDEN
from threadkeep.model.ids import new_epochs
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
    Now,
    Read,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)

Arg = str | bytes | int
Args = list[Arg]
APART = 1 << 31  # in the size of an item's links: its value stands elsewhere
_SHORT, _LONG = struct.Struct(">H"), struct.Struct(">I")
USUAL_LOGS = {"thread": ("messages", "snapshots")}


class Names(msgspec.Struct):
    """The maps and logs that have keys of their own and which a batch touches."""

    maps: dict[str, None]
    logs: dict[str, None]


def named(batch: Batch) -> Names:
    """Return what a batch names; where it removes the entity, what such entities usually have too."""
    found = Names({}, {})
    main = main_map(batch.ref.kind)
    for part in (*batch.ops, *batch.otherwise, *batch.guards):
        for attribute in _NAMING[type(part)]:
            name = getattr(part, attribute)
            if name is None or name == main:
                continue
            if attribute == "log":
                found.logs[name] = None
            elif isinstance(name, str) and not name.startswith(
                HIDDEN
            ):  # the links of a Set are no map
                found.maps[name] = None
        if type(part) is Drop:
            found.logs.update(dict.fromkeys(USUAL_LOGS.get(batch.ref.kind, ())))
    return found


class Layout:
    """What is the same for every call of a store."""

    def __init__(self, places: Places, limits: Limits, publish: str = "PUBLISH") -> None:
        self.places = places
        self._limits, self._publish = limits, publish
        self._fixed: dict[tuple[str, int], bytes] = {}
        self._epochs: list[bytes] = []

    def same(self, kind: str, shard: int) -> bytes:
        """Return what all calls for a shard say."""
        found = self._fixed.get((kind, shard))
        if found is None:
            limits, shards = self._limits, self.places.shards
            said = (main_map(kind), self._publish, shards, shard, limits.fields, limits.labels)
            found = self._fixed[kind, shard] = msgspec.msgpack.encode(said)
        return found

    def epoch(self) -> bytes:
        """Return a mark for an entity that may be born."""
        try:
            return self._epochs.pop()
        except IndexError:  # also when another thread took the last
            fresh = new_epochs(256)
            self._epochs = fresh[1:]
            return fresh[0]

    def frame(self, mode: str, ref: Ref, names: Names) -> tuple[list[str], Args]:
        """Return the keys of a call and the arguments that go before its program."""
        home, id_ = self.places.home(ref), ref.id
        base = home.base
        keys = [f"{base}:{id_}", *home.indexes]
        own: Arg = ""
        if names.maps or names.logs:
            keys += [map_key(base, id_, name) for name in names.maps]
            for name in names.logs:
                keys += log_keys(base, id_, name)
            own = msgspec.msgpack.encode((list(names.maps), list(names.logs)))
        return keys, [mode, id_, f"{base}c:{id_}", self.same(ref.kind, home.shard), own]

    def batch(
        self, batch: Batch, names: Names, staged: Staged, *, mode: str
    ) -> tuple[list[str], Args]:
        """Return the keys and arguments of a batch. `mode`: r leaves large values out, w brings them."""
        keys, args = self.frame(mode, batch.ref, names)
        args.append(batch.once or "")
        args.append(self.epoch())
        for parts in (batch.guards, batch.ops, batch.otherwise):
            args.append(len(parts))
            for part in parts:
                args += _PARTS[type(part)](part)
        args.append(len(staged.values))
        for place, token, _ in staged.values:
            args += (place, token)
        return keys, args

    def place(self, ref: Ref, own: str | None) -> str:
        """Return the key of the hash that holds a map, one that has none of its own with the entity."""
        base = self.places.of(ref)
        return entity(base, ref.id) if own is None else map_key(base, ref.id, own)

    def beside(self, ref: Ref, staged: Staged) -> list[Command]:
        """Return the commands that bring large values to where the script looks for them."""
        main = main_map(ref.kind)
        return [
            (
                "HSET",
                self.place(ref, None if own in {"", main} or own.startswith(HIDDEN) else own),
                token.field,
                value,
            )
            for own, token, value in staged.values
        ]

    def look(self, ref: Ref, names: Names) -> tuple[list[str], Args]:
        """Return the keys and arguments of a look at an entity for a listing."""
        return self.frame("i", ref, names)

    def tend(self, ref: Ref, names: Names, lease: int, token: int | None) -> tuple[list[str], Args]:
        """Return the keys and arguments of a look at an entity that may be due."""
        keys, args = self.frame("t", ref, names)
        return keys, [*args, lease, _optional(token)]


def raw_epoch(epoch: str) -> bytes:
    """Return the bytes of an epoch; what cannot be one is like none."""
    try:
        return bytes.fromhex(epoch)
    except ValueError:
        return b"?" + epoch.encode()


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
    name, links = (id or "").encode(), packed_names(refs) if refs else b""
    size = len(links)
    if isinstance(value, Elsewhere):
        size, value = size | APART, value + value.size.to_bytes(4, "big")
    return b"%b%b%b%b%b" % (_SHORT.pack(len(name)), name, _LONG.pack(size), links, value)


def _get(op: Get) -> Args:
    head: Args = ["get", op.map, _flag(op.renew), _flag(op.values), op.refs or ""]
    return head + _choice(op.fields, op.prefix)


def _read(op: Read) -> Args:
    head: Args = ["read", op.log, op.after, _optional(op.before), _optional(op.limit)]
    tail: Args = ["a"] if op.ids is None else ["i", *_list(op.ids)]
    return [*head, _flag(op.newest), _flag(op.values), op.refs or "", *tail]


def _set(op: Set) -> Args:
    args: Args = ["set", op.map, *_lease(op.lease), _flag(op.absent_only), len(op.items)]
    refs = op.refs
    for name, value in op.items.items():
        sent = b"" if isinstance(value, Elsewhere) else value
        args += (name, sent, packed_names(refs.get(name, ())) if refs else "")
    apart = [(n, v, v.size) for n, v in op.items.items() if isinstance(v, Elsewhere)]
    return [*args, len(apart), *(word for words in apart for word in words)]


def _append(op: Append) -> Args:
    args: Args = ["append", op.log, len(op.items)]
    ids = op.ids or (None,) * len(op.items)
    refs = op.refs or ((),) * len(op.items)
    for value, id_, links in zip(op.items, ids, refs, strict=True):
        size = value.size if isinstance(value, Elsewhere) else len(value)
        args += [id_ or "", size, item_tail(id_, links, value)]
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
    Now: lambda _: ["now"],
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
    Epoch: lambda guard: ["epoch", raw_epoch(guard.epoch)],
    Claimed: lambda guard: ["claimed", guard.token],
}
_NAMING = {
    kind: tuple(name for name in ("map", "refs", "log") if name in kind.__struct_fields__)
    for kind in _PARTS
}
