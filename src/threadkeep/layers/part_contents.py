"""The content of large parts, which stands once in a thread, under its hash, beside the state.

The field of such a part holds the part without its content and links to it. So a part is renewed, counted
down and ordered anew without its content being written again, and what is equal stands once. A content
lives at least as long as what links to it: its window is longer, for a part may be renewed once without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Final

from msgspec.structs import replace

from threadkeep.errors import DataLost
from threadkeep.model.codec import decode, encode
from threadkeep.model.leases import Lease
from threadkeep.model.parts import FILES, packed, unpacked
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Get
from threadkeep.ops.reply import Field, Fields

STATE: Final = "state"
CONTENT: Final = "parts"
LARGE: Final = 1 << 16  # bytes of a part as stored; what is larger stands apart
_LONGER: Final = 3  # windows


class ContentApart(DataLost):
    """A field was read without the content that it links to."""


def split(part: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """Return a part as its field holds it, and its content where that stands apart."""
    if len(encode(part)) <= LARGE:
        return part, None
    data = part["data"]
    if part["part_type"] in FILES and data["type"] == "bytes":
        return {**part, "data": {**data, "bytes": None}}, encode(unpacked(data["bytes"]))
    return {**part, "data": None}, encode(data)


def name_of(content: bytes) -> str:
    """Return the name under which a content stands."""
    return hashlib.sha256(content).hexdigest()


def whole(found: Fields) -> dict[str, Field]:
    """Return fields with their contents in them. ContentApart where one was not read."""
    for field in found.fields.values():
        if field.refs:
            break
    else:  # hot: what has no large part is as it is
        return found.fields
    return {name: _whole(name, field, found.linked) for name, field in found.fields.items()}


def _whole(name: str, field: Field, linked: dict[str, Field]) -> Field:
    if not field.refs:
        return field
    content = linked.get(field.refs[0])
    if content is None:
        raise ContentApart(f"the content of {name!r} is gone; delete the part", place=name)
    part: Any = decode(field.value)
    data = decode(content.value)
    if part["part_type"] in FILES:
        data = {**part["data"], "bytes": packed(data)} if isinstance(data, bytes) else data
    return replace(field, value=encode({**part, "data": data}), refs=())


def with_contents(batch: Batch) -> Batch:
    """Return a batch of reads that reads contents too."""

    def more(op: Any) -> Any:
        apart = isinstance(op, Get) and op.map == STATE and op.values
        return replace(op, refs=CONTENT) if apart else op

    return replace(batch, ops=tuple(map(more, batch.ops)))


def longer(lease: Lease) -> Lease:
    """Return the lease of a content for a part with this lease."""
    return lease if lease.window is None else Lease(lease.window * _LONGER)


def covering(lease: Lease, field: Field) -> Lease | None:
    """Return the lease under which a standing content serves a part too; None: the one that it has."""
    if field.end is None:
        return None
    if lease.window is not None and field.window is not None:
        return None if field.window >= lease.window else lease
    if lease.window is None and field.window is None and lease.end is not None:
        return None if field.end >= lease.end else lease
    return Lease()


def unlinked(contents: Iterable[str], fields: Iterable[Field]) -> tuple[str, ...]:
    """Return the contents to which none of the fields links."""
    linked = {name for field in fields for name in field.refs}
    return tuple(name for name in contents if name not in linked)
