"""Entries of the caches: what is stored, how it is looked up, written and removed. One bucket, one trip.

Time is the engine's: an entry's ttl is the window of its field. Where it may be served for longer
(`stale_for`), the field lives ttl + stale_for, and a field beside it that lives ttl says that it is fresh.
Beside one without an end such a field stands for its age only.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from threadkeep.errors import CodecError
from threadkeep.model.blocks import Block
from threadkeep.model.codec import decode, encode
from threadkeep.model.leases import FOREVER, SECOND, Lease
from threadkeep.model.refs import Ref
from threadkeep.model.tags import kind_of
from threadkeep.model.typed import as_type
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Del, Get, Now, Set
from threadkeep.ops.reply import Field, Fields, Moment, Names, Reply

MAP: Final = "entries"
FRESH: Final = "#fresh"
# no hidden map: a bucket with nothing but a claim must be listed, to be voided
FLIGHT: Final = "claims"
VALUE: Final = "value"
BLOCKS: Final = "blocks"
PIECES: Final = "pieces"
# ends the field of a recorded result, which is another one than that of a whole one
STREAM: Final = ".stream"
_AGES: Final = Lease(window=100 * 366 * 86_400 * SECOND)
_COUNTS: Final = ("cost", "input", "output")
_NAMES: Final = frozenset(("response", "form", "stale", *_COUNTS))


class Content(msgspec.Struct, frozen=True):
    """What an entry holds beside its lease.

    `form`: how the response is meant: a value, content blocks, pieces of a stream. `cost` in micro-dollars.
    `stale`: it may be served beyond its ttl.
    """

    response: Any
    form: str = VALUE
    cost: int | None = None
    input: int | None = None
    output: int | None = None
    stale: bool = False


class Seen(msgspec.Struct, frozen=True):
    """An entry as it stands at `now`, the engine's time; `fresh`: the field that says so, where there is one."""

    field: Field
    fresh: Field | None
    now: int

    @property
    def age(self) -> float | None:
        """Return the seconds since it was written, or renewed by a hit; None where nothing tells."""
        mark = self.fresh or self.field
        if mark.window is None or mark.end is None:
            return None
        return (self.now - (mark.end - mark.window)) / SECOND

    def left(self, *, ageing: bool) -> float | None:
        """Return the seconds until its ttl is over, None without end; `ageing`: it is served beyond it."""
        if ageing and self.fresh is None:
            return 0.0
        end = self.fresh.end if ageing and self.fresh else self.field.end
        return None if end is None else (end - self.now) / SECOND


def pack(content: Content, limit: int) -> bytes:
    """Return the stored form; UsageError for a response that cannot be stored, TooLarge over the limit."""
    parts: dict[str, Any] = {"response": content.response}
    defaults = Content(None)
    for name in Content.__struct_fields__[1:]:
        part = getattr(content, name)
        if part != getattr(defaults, name):
            parts[name] = part
    return encode(parts, limit=limit, place="the result")


def unpack(data: bytes, type_: Any = None) -> Content:
    """Return what `pack` stored, the response as `type_` where given; CodecError for anything else."""
    stored = decode(data, place="the entry")
    found = cast("dict[str, Any]", stored) if kind_of(stored) is dict else {}
    if not _is_sound(found):
        raise CodecError("the entry cannot be read: it is of another form")
    response, blocks = found["response"], found.get("form") == BLOCKS
    if blocks or (type_ is not None and response is not None):
        found["response"] = as_type(response, list[Block] if blocks else type_, "the result")
    return Content(**found)


def _is_sound(found: dict[str, Any]) -> bool:
    numbers = [found.get(name, 0) for name in _COUNTS]
    return (
        "response" in found
        and _NAMES.issuperset(found)
        and all(kind_of(number) is int and number >= 0 for number in numbers)
        and found.get("form", VALUE) in (VALUE, BLOCKS, PIECES)
        and kind_of(found.get("stale", False)) is bool
    )


def gets(key: str, *, sliding: bool = False, values: bool = True) -> tuple[Get, Get, Now]:
    """Return the reads that tell what stands at a key."""
    entry = Get(MAP, (key,), renew=sliding, values=values)
    return entry, Get(FRESH, (key,), renew=False, values=False), Now()


def seen(reply: Reply, key: str) -> Seen | None:
    """Return the answer to `gets` at the beginning of a reply."""
    field, now = fields(reply, 0).get(key), reply.results[2]
    assert isinstance(now, Moment)  # noqa: S101 - the reply to a Now
    return None if field is None else Seen(field, fields(reply, 1).get(key), now.at)


def fields(reply: Reply, index: int) -> dict[str, Field]:
    """Return the answer to a Get."""
    result = reply.results[index]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return result.fields


def look(ref: Ref, key: str, *, sliding: bool) -> Plan[Seen | None]:
    """Plan to see what stands at a key."""
    return Plan(Batch(ref, gets(key, sliding=sliding)), lambda reply: seen(reply, key))


def writes(key: str, data: bytes, lease: Lease, stale_for: int) -> tuple[Set, Set | Del]:
    """Return the writes of an entry; `stale_for` in microseconds."""
    if lease == FOREVER:
        return Set(MAP, {key: data}), Set(FRESH, {key: b""}, _AGES)
    if not stale_for or lease.window is None:
        return Set(MAP, {key: data}, lease), Del(FRESH, (key,))
    whole = Lease(window=lease.window + stale_for)
    return Set(MAP, {key: data}, whole), Set(FRESH, {key: b""}, lease)


def put(ref: Ref, key: str, data: bytes, lease: Lease, stale_for: int = 0) -> Plan[None]:
    """Plan to write an entry; a claim on it is void, so that an older result does not follow."""
    ops = (*writes(key, data, lease, stale_for), Del(FLIGHT, (key,)))
    return Plan(Batch(ref, ops), lambda _: None)


def remove(ref: Ref, key: str) -> Plan[bool]:
    """Plan to remove a result, also a recorded one, and void a claim on it; tells whether one stood."""
    asked = (key, key + STREAM)
    batch = Batch(ref, (Del(MAP, asked), Del(FRESH, asked), Del(FLIGHT, asked)))
    return Plan(batch, lambda reply: _removed(reply) > 0)


def clear(ref: Ref) -> Plan[int]:
    """Plan to remove the entries of a bucket and void the claims in it; tells how many entries stood."""
    return Plan(Batch(ref, (Del(MAP), Del(FRESH), Del(FLIGHT))), _removed)


def _removed(reply: Reply) -> int:
    result = reply.results[0]
    assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
    return len(result.names)
