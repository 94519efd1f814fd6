"""`thread.parts`: content that waits for the next user message."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from threadkeep._async.scope import AsyncScope
from threadkeep._async.state import Ttl
from threadkeep.errors import Conflict, TooLarge, UsageError
from threadkeep.layers import parts, state
from threadkeep.model.leases import lease_of
from threadkeep.model.part_formats import joined, rendered
from threadkeep.model.parts import data_part, file_part, text_part

TRIES = 1_000
Over = Literal["refuse", "leave_out"]


class Attached(msgspec.Struct, frozen=True):
    """A message with its parts: which were used, and which were left out for their size."""

    message: dict[str, Any]
    used: tuple[str, ...]
    left_out: tuple[str, ...]


class AsyncParts:
    """The parts of one thread, by name; each stands in the state as `__user_part_NAME`.

    `order`: the place among the parts, 0 by default; equal ones go by name. `uses`: how many messages it
    is for, any number by default. `ttl`, `expires_at` as in `state.set`.
    """

    __slots__ = ("_scope",)

    def __init__(self, scope: AsyncScope) -> None:
        self._scope = scope

    async def set(
        self,
        name: str,
        part: dict[str, Any],
        *,
        order: int | None = None,
        uses: int | None = None,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
    ) -> int:
        """Set a part as JSON (`part_type` and `data`) and return the entity's revision. Atomic, one trip.

        UsageError when it is no part or its content is not what it declares; TooLarge over the limit of
        parts. Nothing is written then.
        """
        lease = lease_of(ttl, expires_at, self._scope.store.field_lease(self._scope.ref.kind))
        made = parts.with_use(part, order, uses)
        limit = self._scope.store.limits.part
        return await self._scope.write(parts.put(self._scope.ref, name, made, lease, limit))

    async def set_text(self, name: str, text: str, **options: Any) -> int:
        """Set a part of text; options as of `set`."""
        return await self.set(name, text_part(text), **options)

    async def set_image(
        self,
        name: str,
        data: bytes | str | None = None,
        *,
        url: str | None = None,
        mime_type: str | None = None,
        file_name: str | None = None,
        **options: Any,
    ) -> int:
        """Set an image by bytes, base64 or URL; options as of `set`.

        `mime_type` must be what the content is; it may be left out where the content shows it.
        """
        made = file_part("image", data, url, mime_type, file_name)
        return await self.set(name, made, **options)

    async def set_file(
        self,
        name: str,
        data: bytes | str | None = None,
        *,
        url: str | None = None,
        mime_type: str | None = None,
        file_name: str | None = None,
        **options: Any,
    ) -> int:
        """Set a file by bytes, base64 or URL; options as of `set`."""
        made = file_part("file", data, url, mime_type, file_name)
        return await self.set(name, made, **options)

    async def set_data(self, name: str, data: Any, **options: Any) -> int:
        """Set a part of any JSON; options as of `set`."""
        return await self.set(name, data_part(data), **options)

    async def all(self) -> dict[str, Any]:
        """Return what waits, by name, in the order in which it will be attached. One trip; uses nothing."""
        found = await self._scope.read(parts.waiting(self._scope.ref, renew=True))
        return {one.name: one.value for one in found}

    async def delete(self, name: str) -> bool:
        """Delete a part; False when there was none. Atomic, one trip."""
        plan = state.delete(self._scope.ref, (parts.key_of(name),))
        return await self._scope.write(plan) > 0

    async def clear(self) -> int:
        """Delete all parts and return how many stood. Atomic, one trip; no content is read."""
        return await self._scope.write(parts.clear(self._scope.ref))

    async def attach(
        self,
        message: dict[str, Any],
        *,
        format: str = "openai",
        max_bytes: int | None = None,
        over: Over = "refuse",
    ) -> Attached:
        """Return a copy of a user message that goes on with the parts, in the form of an API.

        The message's own content comes first, then the parts by `order` and name. What has a number of
        `uses` is counted down atomically: of two that attach at once only one gets a part with `uses=1`.
        `max_bytes` bounds the stored size of all parts together; over it TooLarge is raised and nothing
        is used, or with `over="leave_out"` the parts that do not fit stay and are named.
        `format`: openai, openai-responses, anthropic, gemini or pydantic-ai. One trip, two where something
        is used up.
        """
        if over not in {"refuse", "leave_out"}:
            raise UsageError(f"over is {over!r}; use refuse or leave_out")
        joined(message, [], format)
        used, left = await self._take(max_bytes, over)
        made = joined(message, parts.parts_of(used), format)
        return Attached(made, tuple(o.name for o in used), tuple(o.name for o in left))

    async def look(self, *, format: str = "openai") -> list[Any]:
        """Return the parts alone as content of an API. One trip; uses nothing."""
        found = await self._scope.read(parts.waiting(self._scope.ref, renew=True))
        return rendered(parts.parts_of(found), format)

    async def _take(
        self, most: int | None, over: str
    ) -> tuple[list[parts.Waiting], list[parts.Waiting]]:
        ref = self._scope.ref
        for _ in range(TRIES):
            found = await self._scope.read(parts.waiting(ref, renew=True))
            used, left = _fitting(found, most)
            if left and over == "refuse":
                raise TooLarge(f"the parts of {ref} are over {most} bytes: {left[0].name!r} and on")
            counted = [one for one in used if one.uses is not None]
            if not counted or await self._scope.write(parts.consume(ref, counted)):
                return used, left
        raise Conflict(f"the parts of {ref} changed {TRIES} times while they were used")


def _fitting(
    found: list[parts.Waiting], most: int | None
) -> tuple[list[parts.Waiting], list[parts.Waiting]]:
    if most is None:
        return found, []
    used: list[parts.Waiting] = []
    left: list[parts.Waiting] = []
    size = 0
    for one in found:
        weight = len(one.field.value)
        if size + weight > most:
            left.append(one)
        else:
            size += weight
            used.append(one)
    return used, left
