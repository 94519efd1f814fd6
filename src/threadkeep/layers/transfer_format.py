"""The export format: JSON Lines, each line sealed with a checksum that also covers the line before.

    {"line":"header","format":"threadkeep-export","version":1,"namespace":"default",...,"sha256":"..."}
    {"line":"entity","namespace":"default","kind":"thread","id":"user-42","labels":{},...}
    {"line":"fields","map":"state","fields":[{"name":"intent","value":"book_flight","end":...}]}
    {"line":"items","log":"messages","items":[{"seq":1,"at":...,"value":{"role":"user",...}}]}
    {"line":"end","fields":1,"items":1}
    {"line":"footer","entities":1,"fields":1,"items":1}

Fields and items of an entity come in as many lines as their bytes need. `void` in the place of `end`: the
entity changed while it was read, what came of it does not count. Times, windows and ends are microseconds.
A value stands as the JSON it is stored as (`form` "t" where it has tags), else in base64 of its stored bytes.
The checksum is the last key: SHA-256 over the checksum of the line before and this line without its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Final, Literal

import msgspec

from threadkeep.layers.transfer import FieldPiece, ItemPiece, Outline, Piece
from threadkeep.model.refs import Ref
from threadkeep.ops.ops import Item
from threadkeep.ops.reply import Field

FORMAT: Final = "threadkeep-export"
VERSION: Final = 1
_KEY: Final = b',"sha256":"'
_SEAL: Final = len(_KEY) + 64 + len(b'"}')

Form = Literal["j", "t", "base64"]
Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=(1 << 32) - 1)]


class Line(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="line",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Base of all lines."""

    sha256: str = ""


class Header(Line, frozen=True, kw_only=True, tag="header"):
    """The first line; `namespace` null: of all."""

    format: str
    version: int
    namespace: str | None
    created: str = ""
    threadkeep: str = ""


class EntityLine(Line, frozen=True, kw_only=True, tag="entity"):
    """An entity begins; its fields and items follow."""

    namespace: str
    kind: str
    id: str
    epoch: str
    revision: Number
    created: Number
    updated: Number
    labels: dict[str, str] = {}
    window: Number | None = None
    end: Number | None = None
    heads: dict[str, Number] = {}


class FieldEntry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A field."""

    name: str
    value: msgspec.Raw
    form: Form = "j"
    window: Number | None = None
    end: Number | None = None
    refs: tuple[str, ...] = ()


class ItemEntry(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """An item of a log."""

    seq: Seq
    at: Number
    value: msgspec.Raw
    form: Form = "j"
    id: str | None = None
    refs: tuple[str, ...] = ()


class FieldsLine(Line, frozen=True, kw_only=True, tag="fields"):
    """Some fields of a map."""

    map: str
    fields: tuple[FieldEntry, ...]


class ItemsLine(Line, frozen=True, kw_only=True, tag="items"):
    """Some items of a log, in order."""

    log: str
    items: tuple[ItemEntry, ...]


class Void(Line, frozen=True, kw_only=True, tag="void"):
    """What came of the entity does not count."""


class End(Line, frozen=True, kw_only=True, tag="end"):
    """The entity is complete."""

    fields: Number
    items: Number


class Footer(Line, frozen=True, kw_only=True, tag="footer"):
    """The last line, with totals."""

    entities: Number
    fields: Number
    items: Number


AnyLine = Header | EntityLine | FieldsLine | ItemsLine | Void | End | Footer

_encode = msgspec.json.Encoder().encode
_parse_any = msgspec.json.Decoder().decode
_text = msgspec.json.Decoder(str).decode


def seal(line: Line, chain: bytes) -> tuple[bytes, bytes]:
    """Return the line as it is written, and its checksum, which the next line is sealed with."""
    body = _encode(line)
    digest = hashlib.sha256(chain + body).hexdigest().encode()
    return body[:-1] + _KEY + digest + b'"}\n', digest


def opened(data: bytes, chain: bytes) -> bytes | None:
    """Return the checksum of a written line (without its line end), None when it does not fit."""
    body, seal_ = data[:-_SEAL] + b"}", data[-_SEAL:]
    if not (seal_.startswith(_KEY) and seal_.endswith(b'"}')):
        return None
    digest = hashlib.sha256(chain + body).hexdigest().encode()
    return digest if digest == seal_[len(_KEY) : -2] else None


def entity_line(outline: Outline) -> EntityLine:
    """Return the line that an entity begins with."""
    ref = outline.ref
    return EntityLine(
        namespace=ref.namespace,
        kind=ref.kind,
        id=ref.id,
        epoch=outline.epoch,
        revision=outline.revision,
        created=outline.created,
        updated=outline.updated,
        labels=outline.labels,
        window=outline.window,
        end=outline.end,
        heads=outline.heads,
    )


def outline_of(line: EntityLine, namespace: str | None) -> Outline:
    """Return what an entity line says; `namespace` takes the place of its own."""
    return Outline(
        ref=Ref(namespace or line.namespace, line.kind, line.id),
        epoch=line.epoch,
        revision=line.revision,
        created=line.created,
        updated=line.updated,
        labels=line.labels,
        window=line.window,
        end=line.end,
        heads=line.heads,
    )


def piece_line(piece: Piece) -> FieldsLine | ItemsLine:
    """Return the line of a piece."""
    if isinstance(piece, FieldPiece):
        return FieldsLine(map=piece.map, fields=tuple(map(_field, sorted(piece.fields.items()))))
    return ItemsLine(log=piece.log, items=tuple(map(_item, piece.items)))


def piece_of(line: FieldsLine | ItemsLine) -> Piece:
    """Return the piece of a line. ValueError when a value is no base64."""
    if isinstance(line, FieldsLine):
        return FieldPiece(line.map, {entry.name: _stored_field(entry) for entry in line.fields})
    items = (Item(e.seq, _stored(e.form, e.value), e.id, e.refs, e.at) for e in line.items)
    return ItemPiece(line.log, tuple(items))


def _field(named: tuple[str, Field]) -> FieldEntry:
    name, field = named
    form, value = _shown(field.value)
    return FieldEntry(
        name=name, value=value, form=form, window=field.window, end=field.end, refs=field.refs
    )


def _stored_field(entry: FieldEntry) -> Field:
    value = _stored(entry.form, entry.value)
    return Field(value, 0, entry.window, entry.end, entry.refs, len(value))


def _item(item: Item) -> ItemEntry:
    form, value = _shown(item.value)
    return ItemEntry(seq=item.seq, at=item.at, value=value, form=form, id=item.id, refs=item.refs)


def _shown(value: bytes) -> tuple[Form, msgspec.Raw]:
    form, body = value[:1], value[1:]
    if form in (b"j", b"t") and _is_one_json_text(body):
        return ("j" if form == b"j" else "t"), msgspec.Raw(body)
    return "base64", msgspec.Raw(b'"' + base64.b64encode(value) + b'"')


def _is_one_json_text(body: bytes) -> bool:
    """Tell whether a line can hold these bytes and give back exactly them."""
    if b"\n" in body or b"\r" in body or body != body.strip():
        return False
    try:
        _parse_any(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def _stored(form: Form, value: msgspec.Raw) -> bytes:
    if form != "base64":
        return form.encode() + bytes(value)
    try:
        return base64.b64decode(_text(value), validate=True)
    except (binascii.Error, msgspec.MsgspecError):
        raise ValueError("a value is no base64") from None
