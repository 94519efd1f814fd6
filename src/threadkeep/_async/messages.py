"""`thread.messages`: the history of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from threadkeep._async.scope import AsyncScope
from threadkeep.errors import UsageError
from threadkeep.layers import messages
from threadkeep.layers.windows import group_start, orphans
from threadkeep.model.records import Appended, Message

LOOK_BACK, LONGEST_LOOK = 64, 4_096


class AsyncMessages:
    """The messages of one thread, numbered from 1; a number is never given twice."""

    __slots__ = ("_scope",)

    def __init__(self, scope: AsyncScope) -> None:
        self._scope = scope

    async def append(self, *items: Any, ids: Sequence[str | None] | None = None) -> Appended:
        """Add messages at the end, all together and in order, and return their numbers.

        Atomic, one trip, no rewriting of what stands. A message's id is the one in `ids`, else its own
        `"id"` if that is a str; one whose id stands in the thread already is skipped and named in `skipped`.
        """
        limit = self._scope.store.limits.value
        plan = messages.append(self._scope.ref, items, ids, limit)
        return await self._scope.write(plan)

    async def list(
        self,
        *,
        last: int | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        type: Any = None,
    ) -> list[Any]:
        """Return messages, oldest first: all, the `last` ones, or a page between two numbers.

        A window of `last` never begins with the result of a tool call that lies before it: such results are
        left out, so fewer than `last` may come; where nothing else would be left, the call and its results
        come whole. `after` and `before` are numbers, both exclusive; `limit` bounds a page. One trip (a
        second where a window has to reach back).
        """
        found = await self.entries(last=last, after=after, before=before, limit=limit, type=type)
        return [message.value for message in found]

    async def entries(
        self,
        *,
        last: int | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        type: Any = None,
    ) -> list[Message]:
        """Return messages as `list` does, with their numbers, ids and times."""
        if last is None:
            plan = messages.page(self._scope.ref, after, before, limit, type)
            return await self._scope.read(plan)
        if after is not None or limit is not None:
            raise UsageError("last= goes with before= alone; after= and limit= make a page")
        return await self._window(last, before, type)

    async def _window(self, last: int, before: int | None, as_type: Any) -> list[Message]:
        ref, rule = self._scope.ref, self._scope.store.tool_rule
        found = await self._scope.read(messages.newest(ref, last, before, as_type))
        skip = orphans([message.value for message in found], rule)
        if skip < len(found) or not found:
            return found[skip:]
        back = LOOK_BACK
        while True:
            found = await self._scope.read(messages.newest(ref, last + back, before, as_type))
            at = max(0, len(found) - last)
            start = group_start([message.value for message in found], at, rule)
            if start is not None:
                return found[start:]
            if len(found) < last + back or back > LONGEST_LOOK:
                return []
            back *= 8

    async def pop(self, *, type: Any = None) -> Any:
        """Take the last message away and return it; None where there is none. Atomic, one trip."""
        return await self._scope.write(messages.pop(self._scope.ref, type))

    async def count(self) -> int:
        """Return how many messages stand, without reading them."""
        return await self._scope.read(messages.count(self._scope.ref))

    async def trim(self, *, keep_last: int) -> int:
        """Remove all but the last messages and return how many went.

        A tool call whose results are kept is kept too, so a few more than `keep_last` may stay.
        """
        ref = self._scope.ref
        if type(keep_last) is not int or keep_last < 0:
            raise UsageError(f"keep_last is {keep_last!r}; pass a whole number, 0 or more")
        if keep_last == 0:
            return await self.clear()
        rule, back = self._scope.store.tool_rule, LOOK_BACK
        while True:
            plan = messages.newest(ref, keep_last + back, None, None)
            found = await self._scope.read(plan)
            at = len(found) - keep_last
            if at <= 0:
                return 0
            start = group_start([message.value for message in found], at, rule)
            if start is not None or len(found) < keep_last + back or back > LONGEST_LOOK:
                break
            back *= 8
        if start is None:  # results whose call never was: they go, unless they are all there is
            skip = orphans([message.value for message in found[at:]], rule)
            start = at + skip if at + skip < len(found) else at
        return await self._scope.write(messages.cut_before(ref, found[start].seq))

    async def replace(
        self,
        items: Sequence[Any],
        *,
        ids: Sequence[str | None] | None = None,
        if_head: int | None = None,
    ) -> Appended:
        """Put other messages in the place of all, for compaction; numbers go on. Atomic, one trip.

        `if_head`: only if that is still the number of the last message, else Conflict.
        """
        limit = self._scope.store.limits.value
        plan = messages.replace(self._scope.ref, items, ids, limit, if_head)
        return await self._scope.write(plan)

    async def clear(self) -> int:
        """Remove all messages and return how many went. Atomic, one trip."""
        return await self._scope.write(messages.clear(self._scope.ref))
