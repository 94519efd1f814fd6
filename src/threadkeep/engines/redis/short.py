"""Reads of the short kind: state by name, or all of it; see `lua/00_short.lua`."""

from __future__ import annotations

from typing import Any

from threadkeep.engines.redis.keys import Places, main_map
from threadkeep.engines.redis.links import Command, Script
from threadkeep.engines.redis.program import SHORT
from threadkeep.engines.redis.reply import ASK_WHOLE, REFUSED, read_field, refuse
from threadkeep.errors import DataLost
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Field, Fields, Reply

_NOTHING = Reply(True, (Fields({}),), 0, "")
_UPDATED, _LEASE = slice(12, 19), 58  # places in a record
_CONTROL = 32  # names below are not of fields


def shorten(places: Places, script: Script, batch: Batch) -> tuple[int, list[Command]] | None:
    """Return the slot and commands of a short read; None when the batch is something else."""
    ops = batch.ops
    if len(ops) != 1 or batch.guards or batch.otherwise or batch.once:
        return None
    if type(op := ops[0]) is not Get:
        return None
    ref = batch.ref
    if op.refs is not None or not op.values or op.map != main_map(ref.kind):
        return None
    home = places.home(ref)
    key, renew = f"{home.base}:{ref.id}", "1" if op.renew else "0"
    fields = op.fields
    if fields is None:
        if op.prefix is not None:
            return None
        return home.slot, [(script, 1, key, "a", renew), ("HGETALL", key)]
    if not 0 < len(fields) <= SHORT:
        return None
    return home.slot, [(script, 1, key, "g", renew, len(fields), *fields)]


def read_short(batch: Batch, answers: list[Any]) -> Reply | None:
    """Return the reply to a short read; None when the whole question has to be asked."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    first = answers[0]
    if first[0] == ASK_WHOLE:
        return None
    if first[0] == REFUSED:
        refuse(batch.ref, first[1:])
    if len(answers) > 1:
        return _all(batch.ref, first[1], answers[1])
    revision = first[1]
    if not revision:
        return _NOTHING
    op = batch.ops[0]
    assert isinstance(op, Get) and op.fields  # noqa: S101, PT018 - only such a batch is asked so
    found: dict[str, Field] = {}
    for name, raw in zip(op.fields, first[3:], strict=True):
        if raw is not None:
            found[name] = read_field(raw)
    return Reply(True, (Fields(found),), revision, first[2].decode())


def _all(ref: Ref, now: int, flat: list[bytes]) -> Reply | None:
    stored = dict(zip(flat[::2], flat[1::2], strict=True))
    record = stored.get(b"")
    if record is None:
        return _NOTHING
    # what was written between the two commands is seen as of its own time
    now = max(now, int.from_bytes(record[_UPDATED], "big"))
    flags, at = record[0], _LEASE
    lease: list[int | None] = []
    for bit in (1, 2, 4, 8):
        lease.append(int.from_bytes(record[at : at + 8], "big") if flags & bit else None)
        at += 8 if flags & bit else 0
    _, fin, due, _ = lease
    if due is not None and due <= now:
        return None
    if fin is not None and (fin <= now or (due is not None and due > fin)):
        return None
    found: dict[str, Field] = {}
    for name, raw in stored.items():
        if not name or name[0] < _CONTROL:
            continue
        found[name.decode()] = read_field(raw if raw[0] < 16 else raw + _apart(ref, name, stored))
    fields = {name: found[name] for name in sorted(found)}
    return Reply(True, (Fields(fields),), int.from_bytes(record[1:5], "big"), record[at:].decode())


def _apart(ref: Ref, name: bytes, stored: dict[bytes, bytes]) -> bytes:
    value = stored.get(b"\1" + name)
    if value is None:
        raise DataLost(f"value {name.decode()!r} of {ref} is not on the server any more", ref=ref)
    return value
