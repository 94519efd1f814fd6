"""Calls of the short kind, which are made most: state by name or all of it, short values, items for a log.

They are packed and read apart from the others; see `lua/00_short.lua`.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from msgspec.structs import replace

from threadkeep.engines.redis.keys import log_keys, main_map
from threadkeep.engines.redis.large import LARGEST, Elsewhere
from threadkeep.engines.redis.links import Command, Script
from threadkeep.engines.redis.program import Arg, Layout, item_tail, raw_epoch
from threadkeep.engines.redis.record import read_lease
from threadkeep.engines.redis.reply import (
    ASK_WHOLE,
    FOUND,
    REFUSED,
    SECOND,
    need,
    raise_first,
    read_field,
    read_reply,
    refuse,
)
from threadkeep.errors import DataLost
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Epoch, Get, Now, Set
from threadkeep.ops.reply import Field, Fields, Moment, Reply

MOST: Final = 100  # fields or items
LONG: Final = 1_000  # bytes of a value that stands apart from its field, as in the script
_NOTHING: Final = Reply(True, (Fields({}),), 0, "")
_UPDATED: Final = slice(12, 19)  # of a record
_FIRST: Final = b"\x20"  # names before it are not of fields
_USUAL = 7  # tag: a sliding lease of whole seconds, less than a day or so, and a value
_APART, _LARGE = 16, 32  # in a tag: a value in a field of its own, a large one
_USUAL_SIZE, _usual = 14, struct.Struct(">BIBHIH").unpack_from  # the end in 7 bytes

Short = tuple[int, list[Command]]


def shorten(layout: Layout, script: Script, batch: Batch) -> Short | None:
    """Return the slot and commands of a short call; None when the batch is something else."""
    ops, guards = batch.ops, batch.guards
    timed = len(ops) == 2 and type(ops[1]) is Now  # a lookup of the caches
    if len(ops) != 1 + timed or batch.otherwise or batch.once:
        return None
    op = ops[0]
    if isinstance(op, Get):
        return None if guards else _get(layout, script, batch.ref, op, timed=timed)
    if timed:
        return None
    met = b""
    if guards:
        guard = guards[0]
        if len(guards) > 1 or type(guard) is not Epoch:
            return None
        met = raw_epoch(guard.epoch)
    if isinstance(op, Set):
        return _set(layout, script, batch.ref, op, met)
    if isinstance(op, Append):
        return _append(layout, script, batch.ref, op, met)
    return None


def _get(layout: Layout, script: Script, ref: Ref, op: Get, *, timed: bool) -> Short | None:
    if op.refs is not None or not op.values or op.map != main_map(ref.kind):
        return None
    home = layout.places.home(ref)
    key, renew = f"{home.base}:{ref.id}", "1" if op.renew else "0"
    fields = op.fields
    if fields is None:
        if op.prefix is not None or timed:
            return None
        return home.slot, [("HGETALL", key), (script, 1, key, "a", renew)]
    if not 0 < len(fields) <= MOST:
        return None
    return home.slot, [(script, 1, key, "g", f"{renew}t" if timed else renew, len(fields), *fields)]


def _set(layout: Layout, script: Script, ref: Ref, op: Set, met: bytes) -> Short | None:
    items, lease, kind, id_ = op.items, op.lease, ref.kind, ref.id
    if op.refs or op.absent_only or len(items) > MOST or op.map != main_map(kind):
        return None
    pairs: list[Arg] = []
    for name, value in items.items():
        if len(value) > LONG:
            return None
        pairs += (name, value)
    base, indexes, slot, shard = layout.places.home(ref)
    window = "" if lease.window is None else lease.window
    end = "" if lease.end is None else lease.end
    command = (
        *(script, 5, f"{base}:{id_}", *indexes),
        *("s", id_, f"{base}c:{id_}", layout.same(kind, shard), layout.epoch(), met),
        *(window, end, len(items), *pairs),
    )
    return slot, [command]


def _append(layout: Layout, script: Script, ref: Ref, op: Append, met: bytes) -> Short | None:
    count, id_, ids, refs = len(op.items), ref.id, op.ids, op.refs
    if not 0 < count <= MOST or len(ids or op.items) != count or len(refs or op.items) != count:
        return None
    items: list[Arg] = []
    for number, value in enumerate(op.items):
        if len(value) > LARGEST:
            return None
        own = ids[number] if ids else None
        items += (own or "", len(value), item_tail(own, refs[number] if refs else (), value))
    base, indexes, slot, shard = layout.places.home(ref)
    command = (
        *(script, 7, f"{base}:{id_}", *indexes, *log_keys(base, id_, op.log)),
        *("p", id_, f"{base}c:{id_}", layout.same(ref.kind, shard), layout.epoch(), met),
        *(op.log, count, *items),
    )
    return slot, [command]


def read_short(batch: Batch, answers: list[Any]) -> tuple[Reply | None, bool]:
    """Return the reply to a short call, and whether no large value is left out of it.

    None when the whole question has to be asked.
    """
    raise_first(answers)
    first = answers[-1]
    code = first[0]
    if code == ASK_WHOLE or (code == REFUSED and need(first)):
        return None, True
    if code != FOUND:
        if code == REFUSED:
            refuse(batch.ref, first[1:])
        return read_reply(batch, first), True
    if len(answers) > 1:
        return _all(batch.ref, first[1], answers[0]), True
    told = (Moment(int(first.pop())),) if type(batch.ops[-1]) is Now else ()
    revision = first[1]
    if not revision:
        return replace(_NOTHING, results=(*_NOTHING.results, *told)) if told else _NOTHING, True
    op = batch.ops[0]
    assert isinstance(op, Get) and op.fields  # noqa: S101, PT018 - only such a batch is asked so
    found: dict[str, Field] = {}
    whole = True
    for name, raw in zip(op.fields, first[3:], strict=True):
        if raw is not None:
            found[name] = read_field(raw)
            whole = whole and not raw[0] & _LARGE
    return Reply(True, (Fields(found), *told), revision, first[2].hex()), whole


def _all(ref: Ref, now: int, flat: list[bytes]) -> Reply | None:
    stored = sorted(zip(flat[::2], flat[1::2], strict=True))
    if not stored or stored[0][0]:
        return _NOTHING
    record = stored[0][1]
    now = max(now, int.from_bytes(record[_UPDATED], "big"))
    _, fin, due, at = read_lease(record)
    if due is not None and due <= now:
        return None
    if fin is not None and (fin <= now or (due is not None and due > fin)):
        return None
    found: dict[str, Field] = {}
    for name, raw in stored:
        if name < _FIRST:
            continue
        if raw[0] == _USUAL:
            _, revision, high, middle, low, seconds = _usual(raw)
            end = high << 48 | middle << 32 | low
            value = raw[_USUAL_SIZE:]
            found[name.decode()] = Field(value, revision, seconds * SECOND, end, (), len(value))
        else:
            field = read_field(raw)
            found[name.decode()] = (
                field if not raw[0] & _APART else _whole(ref, name, field, dict(stored))
            )
    return Reply(True, (Fields(found),), int.from_bytes(record[1:5], "big"), record[at:].hex())


def _whole(ref: Ref, name: bytes, field: Field, stored: dict[bytes, bytes]) -> Field:
    token = field.value
    value = stored.get(token.field if isinstance(token, Elsewhere) else b"\1" + name)
    if value is None:
        raise DataLost(f"value {name.decode()!r} of {ref} is not on the server any more", ref=ref)
    return replace(field, value=value)
