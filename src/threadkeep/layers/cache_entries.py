"""Entries of the caches: what is stored, how it is looked up, written and removed. One bucket, one trip.

Time is the engine's: an entry's ttl is the window of its field, and its age is what is over of it. Where it
may be served for longer (`stale_for`), the field lives ttl + stale_for. One without an end lives a hundred
years, so that it has an age too.
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
# no hidden map: a bucket with nothing but a claim must be listed, to be voided
FLIGHT: Final = "claims"
VALUE: Final = "value"
BLOCKS: Final = "blocks"
PIECES: Final = "pieces"
# ends the field of a recorded result, which is another one than that of a whole one
STREAM: Final = ".stream"
_ENDLESS: Final = 100 * 366 * 86_400 * SECOND
_COUNTS: Final = ("cost", "input", "output", "stale")
_NAMES: Final = frozenset(("response", "form", *_COUNTS))


class Content(msgspec.Struct, frozen=True):
    """What an entry holds beside its lease.

    `form`: how the response is meant: a value, content blocks, pieces of a stream. `cost` in micro-dollars.
    `stale`: microseconds beyond its ttl in which it may be served.
    """

    response: Any
    form: str = VALUE
    cost: int | None = None
    input: int | None = None
    output: int | None = None
    stale: int = 0


class Seen(msgspec.Struct, frozen=True):
    """An entry as it stands at `now`, the engine's time."""

    field: Field
    now: int

    @property
    def age(self) -> float | None:
        """Return the seconds since it was written, or renewed by a hit; None where nothing tells."""
        window, end = self.field.window, self.field.end
        return None if window is None or end is None else (self.now - end + window) / SECOND

    def left(self, content: Content) -> float | None:
        """Return the seconds until its ttl is over, below 0 where it is; None without an end."""
        end = self.field.end
        if end is None or self.field.window == _ENDLESS:
            return None
        return (end - content.stale - self.now) / SECOND


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
    )


def gets(key: str, *, sliding: bool = False) -> tuple[Get, Now]:
    """Return the reads that tell what stands at a key."""
    return Get(MAP, (key,), renew=sliding), Now()


def seen(reply: Reply, key: str) -> Seen | None:
    """Return the answer to `gets` at the beginning of a reply."""
    field, now = fields(reply, 0).get(key), reply.results[1]
    assert isinstance(now, Moment)  # noqa: S101 - the reply to a Now
    return None if field is None else Seen(field, now.at)


def fields(reply: Reply, index: int) -> dict[str, Field]:
    """Return the answer to a Get."""
    result = reply.results[index]
    assert isinstance(result, Fields)  # noqa: S101 - the reply to a Get
    return result.fields


def look(ref: Ref, key: str, *, sliding: bool) -> Plan[Seen | None]:
    """Plan to see what stands at a key."""
    return Plan(Batch(ref, gets(key, sliding=sliding)), lambda reply: seen(reply, key))


def entry(key: str, data: bytes, lease: Lease, stale_for: int) -> Set:
    """Return the write of an entry; `stale_for` in microseconds."""
    if lease == FOREVER:
        lease = Lease(window=_ENDLESS)
    elif lease.window is not None:
        lease = Lease(window=lease.window + stale_for)
    return Set(MAP, {key: data}, lease)


def since(stored_at: int, ends: int | None) -> Lease:
    """Return the lease of an entry that was stored elsewhere, at a moment, and ends at another, if at all."""
    if ends is None:
        return Lease(_ENDLESS, stored_at + _ENDLESS)
    return Lease(max(1, ends - stored_at), ends)


def put(ref: Ref, key: str, data: bytes, lease: Lease, stale_for: int = 0) -> Plan[None]:
    """Plan to write an entry; a claim on it is void, so that an older result does not follow."""
    ops = (entry(key, data, lease, stale_for), Del(FLIGHT, (key,)))
    return Plan(Batch(ref, ops), lambda _: None)


def remove(ref: Ref, key: str) -> Plan[bool]:
    """Plan to remove a result, also a recorded one, and void a claim on it; tells whether one stood."""
    asked = (key, key + STREAM)
    batch = Batch(ref, (Del(MAP, asked), Del(FLIGHT, asked)))
    return Plan(batch, lambda reply: _removed(reply) > 0)


def clear(ref: Ref) -> Plan[int]:
    """Plan to remove the entries of a bucket and void the claims in it; tells how many entries stood."""
    return Plan(Batch(ref, (Del(MAP), Del(FLIGHT))), _removed)


def _removed(reply: Reply) -> int:
    result = reply.results[0]
    assert isinstance(result, Names)  # noqa: S101 - the reply to a Del
    return len(result.names)
