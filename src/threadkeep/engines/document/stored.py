"""An entity as the content of a document: JSON that people can read, and back."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from threadkeep.engines.document.documents import Content
from threadkeep.engines.memory import Memory
from threadkeep.engines.memory_view import MemoryView
from threadkeep.engines.view import LogRow, Row
from threadkeep.errors import CodecError, SchemaMismatch
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import TOMBSTONE
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

FORMAT = 1


class Value(msgspec.Struct, omit_defaults=True):
    """A stored value: as text where it is text that every database takes, else as base64."""

    text: str | None = None
    base64: bytes | None = None

    @property
    def raw(self) -> bytes:
        """Return the bytes."""
        return self.text.encode() if self.text is not None else self.base64 or b""


class KeptField(Value, omit_defaults=True, kw_only=True):
    """A field of a map; times are microseconds."""

    revision: int
    window: int | None = None
    end: int | None = None
    refs: tuple[str, ...] = ()


class KeptItem(Value, omit_defaults=True, kw_only=True):
    """An item of a log."""

    seq: int
    at: int = 0
    id: str | None = None
    refs: tuple[str, ...] = ()


class KeptLog(LogRow):
    """A log and its items."""

    kept: list[KeptItem] = msgspec.field(default_factory=list[KeptItem])


class Stored(msgspec.Struct, kw_only=True):
    """A document. `ended`: until when the epochs of destroyed entities are remembered."""

    threadkeep: int = FORMAT
    version: int = 0
    ref: Ref
    row: Row | None = None
    maps: dict[str, dict[str, KeptField]] = {}
    logs: dict[str, KeptLog] = {}
    ended: dict[str, int] = {}

    @property
    def empty(self) -> bool:
        """Tell whether it says nothing."""
        return self.row is None and not self.ended


class _Format(msgspec.Struct):
    threadkeep: int


def content(stored: msgspec.Struct) -> dict[str, Any]:
    """Return the plain content of a document."""
    return cast("dict[str, Any]", msgspec.to_builtins(stored))


def decoded(data: Content, type_: type[Any], id_: str) -> Any:
    """Return what a document holds. Raises CodecError where it is damaged, SchemaMismatch where it is newer."""
    try:
        found: Any = data
        for _ in range(2):  # a JSON column may hold the text of JSON, as a string
            if isinstance(found, str | bytes):
                found = msgspec.json.decode(found)
        release = msgspec.convert(found, _Format).threadkeep
        if release > FORMAT:
            raise SchemaMismatch(
                f"document {id_!r} has format {release}; this release has {FORMAT}"
            )
        return msgspec.convert(found, type_)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CodecError(f"document {id_!r} is damaged") from error


def _value(raw: bytes) -> dict[str, Any]:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"base64": raw}
    return {"base64": raw} if "\0" in text else {"text": text}


def fill(memory: Memory, stored: Stored) -> None:
    """Put an entity into an engine in memory."""
    memory.tombstones |= {(stored.ref, epoch): end for epoch, end in stored.ended.items()}
    if stored.row is None:
        return
    view = MemoryView(memory, stored.ref)
    view.put_entity(stored.row)
    for name, fields in stored.maps.items():
        found = {n: (f, f.raw) for n, f in fields.items()}
        view.put_fields(
            name,
            {
                n: Field(r, f.revision, f.window, f.end, f.refs, len(r))
                for n, (f, r) in found.items()
            },
        )
    for name, log in stored.logs.items():
        view.put_items(name, [Item(i.seq, i.raw, i.id, i.refs, i.at) for i in log.kept])
        view.put_log(name, LogRow(log.head, log.count, log.bytes))


def taken(memory: Memory, ref: Ref) -> Stored:
    """Return an entity of an engine in memory."""
    view = MemoryView(memory, ref)
    ended = {epoch: end for (of, epoch), end in memory.tombstones.items() if of == ref}
    maps = {
        name: {
            n: KeptField(
                **_value(f.value), revision=f.revision, window=f.window, end=f.end, refs=f.refs
            )
            for n, f in view.select(name, None).items()
        }
        for name in view.maps()
    }
    return Stored(
        ref=ref,
        row=view.entity(),
        maps=maps,
        logs={name: _log(view, name) for name in view.logs()},
        ended=ended,
    )


def _log(view: MemoryView, name: str) -> KeptLog:
    row = view.log(name) or LogRow()
    kept = [
        KeptItem(**_value(i.value), seq=i.seq, at=i.at, id=i.id, refs=i.refs)
        for i in view.items(name, 0, None, None, newest=False)
    ]
    return KeptLog(row.head, row.count, row.bytes, kept)


def ending(stored: Stored) -> int | None:
    """Return when a document goes by itself: when all in it ends, and nobody is to be told; else None."""
    row = stored.row
    ends = list(stored.ended.values())
    if row is None:
        return max(ends, default=0)
    fields = [field.end for map_ in stored.maps.values() for field in map_.values()]
    if stored.logs or row.labels or row.end is not None or None in fields:
        return None
    ends += [end for end in fields if end is not None]
    return max(ends) if fields else max([row.updated + TOMBSTONE, *ends])
