"""Documents as a program's driver keeps them: their ids, and what may come back of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, unquote

import msgspec

from threadkeep.errors import CodecError
from threadkeep.model.refs import Ref

Content = dict[str, Any] | str | bytes


class Document(msgspec.Struct, frozen=True):
    """What a driver is to keep: `data` is plain JSON under `id`, both readable by name (`row["id"]`) too.

    `version` is another number at each write, at least 1 and below 2**52; `data` holds it as well.
    """

    id: str
    data: dict[str, Any]
    version: int

    def __getitem__(self, name: str) -> Any:
        if name not in self.__struct_fields__:
            raise KeyError(name)
        return getattr(self, name)


def document_id(namespace: str, kind: str, id_: str | None = None) -> str:
    """Return the id of an entity's document, or of the one about all entities of a kind.

    ASCII letters, digits and `-_.~%:` alone: whatever a database does to accents and spaces, ids stay apart.
    """
    parts = (namespace, kind) if id_ is None else (namespace, kind, id_)
    return ":".join(quote(part, safe="") for part in parts)


def id_of(ref: Ref) -> str:
    """Return the id of an entity's document."""
    return document_id(ref.namespace, ref.kind, ref.id)


def ref_of(id_: str) -> Ref | None:
    """Return the entity whose document has this id; None for an id that no entity has."""
    parts = id_.split(":")
    return Ref(*map(unquote, parts)) if len(parts) == 3 else None


def content_of(found: object, id_: str) -> Content | None:
    """Return the data of what a driver's `get` returned, in whichever form; None where nothing stands.

    Raises CodecError for what is no row.
    """
    rows = cast("list[object]", found) if isinstance(found, list) else [found]
    if not rows or not isinstance(rows[0], str):  # what a query returned, and not its only row
        if len(rows) > 1:
            raise CodecError(f"the driver returned {len(rows)} rows for document {id_!r}")
        found = rows[0] if rows else None
    if found is None:
        return None
    data = found if isinstance(found, str | bytes) else column(cast("object", found), "data", 1)
    if isinstance(data, bytearray | memoryview):
        data = bytes(cast("bytes", data))
    if isinstance(data, str | bytes | dict):
        return cast("Content", data)
    kind = type(cast("object", found)).__qualname__
    raise CodecError(f"the driver returned a {kind} without data for document {id_!r}")


def listed_id(found: object) -> str:
    """Return the id in an entry of what a driver's `list` returned. Raises CodecError where there is none."""
    id_ = found if isinstance(found, str) else column(found, "id", 0)
    if isinstance(id_, str):
        return id_
    raise CodecError(f"the driver listed a {type(found).__qualname__} without an id")


def column(row: object, name: str, place: int) -> object:
    """Return a column of a row that is a mapping, an object with attributes or a sequence."""
    if isinstance(row, Mapping) or (hasattr(row, "keys") and hasattr(row, "__getitem__")):
        named = cast("Mapping[str, object]", row)
        return named[name] if name in named.keys() else None  # noqa: SIM118 - a sqlite3.Row looks among its values
    if hasattr(row, name):
        return getattr(row, name)
    if isinstance(row, Sequence):
        values = cast("Sequence[object]", row)
        return values[place] if len(values) > place else None
    return None
