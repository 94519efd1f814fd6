r"""Large values: they go to and from the server beside the script, for it would hold up all others meanwhile.

A value over LARGEST bytes stands in the hash of its map, or of the entity for an item of a log, in a field of
its own: \8 and a random token, which the field or item names in its place. It is never changed. Writing puts
it there in the transaction that runs the script, which removes what it does not take. Reading gets the token
from the script and then the value; a token that has gone meanwhile says to read again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final, Self

from msgspec.structs import replace

from threadkeep.engines.redis.keys import main_map
from threadkeep.engines.view import HIDDEN
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Append, Item, Restore, Set
from threadkeep.ops.reply import Field, Fields, Items, Reply

LARGEST: Final = 1 << 16  # bytes of a value that may pass through the script
TOKEN: Final = 8
_MARK: Final = b"\x08"


class Elsewhere(bytes):
    """The token of a large value, in its place; `size` is that of the value."""

    size: int

    @classmethod
    def of(cls, token: bytes, size: int) -> Self:
        """Return it for a value of this size."""
        found = cls(token)
        found.size = size
        return found

    @property
    def field(self) -> bytes:
        """Return the field of the hash that holds the value."""
        return _MARK + self


class Staged:
    """What a batch brings beside the script: map ("": none), token, value."""

    def __init__(self) -> None:
        self.values: list[tuple[str, Elsewhere, bytes]] = []

    def of(self, place: str, value: bytes) -> bytes:
        """Return what stands for a value in the batch: itself, or its token."""
        if len(value) <= LARGEST:
            return value
        token = Elsewhere.of(os.urandom(TOKEN), len(value))
        self.values.append((place, token, value))
        return token


def stage(batch: Batch) -> tuple[Batch, Staged]:
    """Return the batch with tokens for its large values, and those."""
    staged = Staged()
    ops = tuple(_staged(op, staged) for op in batch.ops)
    return (replace(batch, ops=ops) if staged.values else batch), staged


def _staged(op: Any, staged: Staged) -> Any:
    if isinstance(op, Set):
        return replace(
            op, items={name: staged.of(op.map, value) for name, value in op.items.items()}
        )
    if isinstance(op, Append):
        return replace(op, items=tuple(staged.of("", value) for value in op.items))
    if isinstance(op, Restore):
        items = tuple(replace(item, value=staged.of("", item.value)) for item in op.items)
        return replace(op, items=items)
    return op


Place = tuple[str | None, bytes]  # the map that has keys of its own, or None; the field
Found = dict[Place, bytes | None]


def wanted(batch: Batch, reply: Reply) -> list[Place]:
    """Return where the values stand that a reply leaves out."""
    return [
        (own, value.field)
        for own, value, _ in _places(batch, reply)
        if isinstance(value, Elsewhere)
    ]


def _places(batch: Batch, reply: Reply) -> Iterator[tuple[str | None, bytes, Field | Item]]:
    ops = batch.ops if reply.ok else batch.otherwise
    for op, result in zip(ops, reply.results, strict=True):
        if isinstance(result, Fields):
            yield from _of(batch, getattr(op, "map", ""), result.fields)
        if isinstance(result, Items):
            for item in result.items:
                yield None, item.value, item
        if isinstance(result, (Fields, Items)) and result.linked:
            yield from _of(batch, getattr(op, "refs", ""), result.linked)


def _of(
    batch: Batch, name: str, fields: dict[str, Field]
) -> Iterator[tuple[str | None, bytes, Field]]:
    own = None if name == main_map(batch.ref.kind) or name.startswith(HIDDEN) else name
    for field in fields.values():
        yield own, field.value, field


def filled(batch: Batch, reply: Reply, found: Found) -> Reply:
    """Return the reply with the values that it left out."""
    values = {
        id(part): found[own, value.field]
        for own, value, part in _places(batch, reply)
        if isinstance(value, Elsewhere)
    }

    def whole(part: Any) -> Any:
        return replace(part, value=values[id(part)]) if id(part) in values else part

    def fields(parts: dict[str, Field]) -> dict[str, Field]:
        return {name: whole(field) for name, field in parts.items()}

    results: list[Any] = []
    for result in reply.results:
        if isinstance(result, Fields):
            result = Fields(fields(result.fields), fields(result.linked))  # noqa: PLW2901
        elif isinstance(result, Items):
            items = tuple(map(whole, result.items))
            result = replace(result, items=items, linked=fields(result.linked))  # noqa: PLW2901
        results.append(result)
    return replace(reply, results=tuple(results))
