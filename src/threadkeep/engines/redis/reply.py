"""What the script answers, as a Reply; `lua/1_entity.lua` says how things are stored."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NoReturn

from msgspec.structs import replace

from threadkeep.engines.redis.large import TOKEN, Elsewhere
from threadkeep.engines.redis.program import APART
from threadkeep.errors import DataLost, TooLarge, UsageError
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.numbers import refused
from threadkeep.ops.ops import (
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Get,
    Incr,
    Info,
    Item,
    Label,
    Now,
    Read,
    Restore,
    Set,
    Touch,
)
from threadkeep.ops.reply import (
    AnyResult,
    Appended,
    Count,
    EntityInfo,
    Field,
    Fields,
    Items,
    Labels,
    Moment,
    Names,
    Nothing,
    Number,
    Reply,
)

FAILED, DONE, CHANGED, REPEATED, OVER, OVER_FAILED = range(6)
FOUND, CLAIMED, ASK_WHOLE, REFUSED, WRITTEN, APPENDED = range(6, 12)
SECOND = 1_000_000
_MORE = 8 | 16 | 32  # links, a value elsewhere, a large one
_WINDOWS = {0: (0, 0), 2: (8, 1), 4: (4, SECOND), 6: (2, SECOND)}  # bytes, and what they count in


def _head(tag: int) -> tuple[int, int, int]:
    """Return where the end stops, where the window does, and what that counts in microseconds (0: none)."""
    stop = 5 + ((8 if tag & 64 else 7) if tag & 1 else 0)
    size, unit = _WINDOWS[tag & 6]
    return stop, stop + size, unit


_HEADS = [_head(tag) for tag in range(256)]
_WRITTEN = (Names(()),)


def raise_first(answers: list[Any]) -> None:
    """Raise the first error among the answers to several commands."""
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer


def need(answer: list[Any]) -> tuple[str, str] | None:
    """Return what else has to be declared, ("map" or "log", its name); None when the batch was done."""
    if answer[0] == REFUSED and answer[1] == b"need":
        return answer[2].decode(), answer[3].decode()
    return None


def read_reply(batch: Batch, answer: list[Any]) -> Reply:
    """Return the reply to a batch. Raises UsageError, TooLarge or DataLost where the script refused it."""
    code = answer[0]
    if code == WRITTEN:
        return Reply(True, _WRITTEN, answer[1], answer[2].hex(), changed=True)
    if code == APPENDED:
        return _appended_short(batch, answer)
    if code == REFUSED:
        refuse(batch.ref, answer[1:])
    failed, revision, epoch, results = answer[1], answer[2], answer[3].hex(), answer[4]
    ok = code in {DONE, CHANGED, REPEATED, OVER}
    ops = batch.ops if ok else batch.otherwise
    return Reply(
        ok=ok,
        results=tuple(
            _RESULTS[type(op)](op, result) for op, result in zip(ops, results, strict=True)
        ),
        revision=revision,
        epoch=epoch,
        failed=failed if failed >= 0 else None,
        expired=code in {OVER, OVER_FAILED},
        changed=code == CHANGED,
        repeated=code == REPEATED,
    )


def _appended_short(batch: Batch, answer: list[Any]) -> Reply:
    op = batch.ops[0]
    assert isinstance(op, Append)  # noqa: S101 - only such a batch is answered so
    _, revision, epoch, head = answer
    result = Appended(tuple(range(head + 1, head + 1 + len(op.items))), ())
    return Reply(True, (result,), revision, epoch.hex(), changed=True)


def refuse(ref: Ref, why: list[Any]) -> NoReturn:
    """Raise what a refusal of the script means."""
    kind, args = why[0].decode(), [w.decode() if isinstance(w, bytes) else w for w in why[1:]]
    if kind == "limit":
        raise TooLarge(f"the entity would hold {args[1]} {args[0]}; the limit is {args[2]}")
    if kind == "number":
        raise UsageError(refused(args[0], args[1]))
    if kind == "expired":
        raise UsageError(f"{ref} has expired; its last state can be read, not written")
    raise DataLost(f"{args[0]} {args[1]!r} of {ref} is not on the server any more", ref=ref)


def read_field(raw: bytes) -> Field:
    """Return a field as it is stored: header, then value."""
    tag = raw[0]
    stop, at, unit = _HEADS[tag]
    revision = int.from_bytes(raw[1:5], "big")
    end = int.from_bytes(raw[5:stop], "big") if stop > 5 else None
    window = int.from_bytes(raw[stop:at], "big") * unit if unit else None
    if not tag & _MORE:
        value = raw[at:]
        return Field(value, revision, window, end, (), len(value))
    refs: tuple[str, ...] = ()
    if tag & 8:
        size = int.from_bytes(raw[at : at + 4], "big")
        refs = read_names(raw[at + 4 : at + 4 + size])
        at += 4 + size
    if tag & 16:
        size = int.from_bytes(raw[at : at + 4], "big")
        at += 4
        token = Elsewhere.of(raw[at : at + TOKEN], size) if tag & 32 else None
        value = raw[at + TOKEN :] if token is not None else raw[at:]
        return Field(value or token or b"", revision, window, end, refs, size)
    return Field(raw[at:], revision, window, end, refs, len(raw) - at)


def read_names(raw: bytes) -> tuple[str, ...]:
    """Return linked names."""
    names: list[str] = []
    at = 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 2], "big")
        names.append(raw[at + 2 : at + 2 + size].decode())
        at += 2 + size
    return tuple(names)


def read_item(raw: bytes, *, values: bool) -> Item:
    """Return an item as it is stored; without values its size stands in the value's place."""
    seq, at = int.from_bytes(raw[:6], "big"), int.from_bytes(raw[6:13], "big")
    size = int.from_bytes(raw[13:15], "big")
    name, place = raw[15 : 15 + size].decode(), 15 + size
    (links,) = struct.unpack_from(">I", raw, place)
    links, apart = links & ~APART, links & APART
    refs, value = read_names(raw[place + 4 : place + 4 + links]), raw[place + 4 + links :]
    if values and apart:
        value = Elsewhere.of(value[:TOKEN], int.from_bytes(value[TOKEN:], "big"))
    if values:
        return Item(seq, value, name or None, refs, at)
    return Item(seq, b"", name or None, refs, at, int.from_bytes(value, "big"))


def pairs(flat: list[bytes]) -> dict[str, str]:
    """Return a flat list of names and values as a dict, by name."""
    return {
        name.decode(): value.decode()
        for name, value in sorted(zip(flat[::2], flat[1::2], strict=True))
    }


def read_look(answer: list[Any]) -> EntityInfo | None:
    """Return what a listing shows of an entity; None where it shows nothing."""
    found = _info(None, answer[1])
    return replace(found, logs=(), maps=()) if isinstance(found, EntityInfo) else None


def _fields(flat: list[bytes]) -> dict[str, Field]:
    found = zip(flat[::2], flat[1::2], strict=True)
    return {name.decode(): read_field(raw) for name, raw in found}


def _get(op: Get, result: list[Any]) -> Fields:
    found, linked = _fields(result[0]), _fields(result[1])
    if not op.values:
        found = {name: replace(field, value=b"") for name, field in found.items()}
    order = (
        sorted(found) if op.fields is None else [n for n in dict.fromkeys(op.fields) if n in found]
    )
    return Fields({name: found[name] for name in order}, linked)


def _read(op: Read, result: list[Any]) -> Items:
    head, count, size, raws, linked = result
    items = tuple(read_item(raw, values=op.values) for raw in raws)
    return Items(items, head, count, size, _fields(linked))


def _info(_: Info | None, result: list[Any]) -> AnyResult:
    if not result:
        return Nothing()
    created, updated, revision, epoch, window, end, labels, fields, items, size, logs, maps = result
    return EntityInfo(
        created=created,
        updated=updated,
        revision=revision,
        epoch=epoch.hex(),
        window=window if window >= 0 else None,
        end=end if end >= 0 else None,
        labels=pairs(labels),
        fields=fields,
        items=items,
        bytes=size,
        logs=tuple(sorted(name.decode() for name in logs)),
        maps=tuple(sorted(name.decode() for name in maps)),
    )


def _names(op: Set | Del, result: list[bytes]) -> Names:
    names = [name.decode() for name in result]
    return Names(tuple(sorted(names) if isinstance(op, Del) else names))


def _number(_: Incr, result: bytes) -> Number:
    text = result.decode()
    return Number(int(text) if text.lstrip("-").isdigit() else float(text))


def _appended(_: Append, result: list[Any]) -> Appended:
    return Appended(tuple(result[0]), tuple(name.decode() for name in result[1]))


def _count(_: AnyOp, result: int) -> Count:
    return Count(result)


_RESULTS: dict[type[AnyOp], Callable[[Any, Any], AnyResult]] = {
    Get: _get,
    Read: _read,
    Info: _info,
    Now: lambda _, result: Moment(int(result)),
    Set: _names,
    Del: _names,
    Incr: _number,
    Append: _appended,
    Cut: _count,
    Touch: _count,
    Label: lambda _, result: Labels(pairs(result)),
    Drop: _count,
    Restore: _count,
}
