"""Documents behind a program's driver: read, written, listed."""

from __future__ import annotations

from secrets import randbits
from typing import Any, cast

from threadkeep.engines.document.calls import AsyncCalls
from threadkeep.engines.document.documents import (
    Document,
    content_of,
    id_of,
    listed_id,
    ref_of,
)
from threadkeep.engines.document.stored import Stored, content, decoded
from threadkeep.errors import CodecError
from threadkeep.model.refs import Ref

NEEDED = ("get", "set", "delete", "list")
OPTIONAL = ("compare_and_set", "compare_and_delete", "expire", "get_many")
MANY = 100


class AsyncRows:
    """The documents of a driver with `get`, `set`, `delete` and `list`, and what more it offers."""

    def __init__(self, driver: object) -> None:
        self.calls = AsyncCalls(driver, "document driver", NEEDED)
        self.extras = tuple(name for name in OPTIONAL if self.calls.has(name))
        self.compares = "compare_and_set" in self.extras
        self._expires = "expire" in self.extras
        self._removes = not self.compares or "compare_and_delete" in self.extras

    async def setup(self) -> None:
        """Have the driver make itself ready, where it has a method for that."""
        if self.calls.has("setup"):
            await self.calls.call("setup")

    async def load(self, id_: str, type_: type[Any]) -> Any:
        """Return what a document holds; None where none stands."""
        data = content_of(await self.calls.call("get", id_), id_)
        return None if data is None else decoded(data, type_, id_)

    async def entity(self, ref: Ref) -> Stored | None:
        """Return an entity's document."""
        return _of(await self.load(id_of(ref), Stored), ref)

    async def entities(self, refs: list[Ref]) -> list[Stored]:
        """Return the documents of those that stand."""
        if "get_many" not in self.extras:
            found = [await self.entity(ref) for ref in refs]
            return [each for each in found if each is not None]
        by_id = {id_of(ref): ref for ref in refs}
        stored: list[Stored] = []
        for id_, row in (await self.calls.call("get_many", list(by_id))).items():
            data = content_of(row, id_)
            one = None if data is None else _of(decoded(data, Stored, id_), by_id[id_])
            if one is not None:
                stored.append(one)
        return stored

    async def refs(self, namespace: str | None, kind: str | None = None) -> list[Ref]:
        """Return the entities that have a document."""
        listed: object = await self.calls.call("list")
        if not isinstance(listed, list):
            raise CodecError(f"list() of the driver returned a {type(listed).__qualname__}")
        refs = {ref_of(listed_id(each)) for each in cast("list[object]", listed)}
        return [
            ref
            for ref in refs
            if ref is not None
            and (namespace is None or ref.namespace == namespace)
            and (kind is None or ref.kind == kind)
        ]

    async def save(self, id_: str, held: Any, version: int, seconds: int | None = None) -> bool:
        """Store what a document holds; False where it has another version by now (0: none stood).

        `seconds`: it may go by itself after that long, where the driver can do that.
        """
        held.version = randbits(52) or 1
        document = Document(id_, content(held), held.version)
        if not self.compares:
            await self.calls.call("set", document, wrote=True)
        elif not await self.calls.call("compare_and_set", document, version, wrote=True):
            return False
        if seconds is not None and self._expires:
            await self.calls.call("expire", id_, seconds, wrote=True)
        return True

    async def remove(self, id_: str, version: int) -> bool | None:
        """Remove a document; False where it has another version by now, None where the driver cannot tell."""
        if not self._removes:
            return None
        if not self.compares:
            await self.calls.call("delete", id_, wrote=True)
            return True
        return bool(await self.calls.call("compare_and_delete", id_, version, wrote=True))


def _of(stored: Stored | None, ref: Ref) -> Stored | None:
    if stored is not None and stored.ref != ref:
        raise CodecError(
            f"asked for {ref}, the driver returned {stored.ref}; ids differ by case too"
        )
    return stored
