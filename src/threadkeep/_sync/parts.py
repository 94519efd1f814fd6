# Generated from src/threadkeep/_async/parts.py by scripts/unasync. Do not edit.
"""`thread.parts`: content that waits for the next user message."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from threadkeep._sync.scope import Scope
from threadkeep._sync.state import Ttl
from threadkeep.errors import Conflict, ThreadkeepError
from threadkeep.layers import answers, parts
from threadkeep.layers.part_choice import Attached, LeftOut, Shown, Taken, fitting, shown
from threadkeep.layers.part_contents import name_of
from threadkeep.model.ids import new_id
from threadkeep.model.leases import lease_of
from threadkeep.model.part_budget import Budget, GivesWay, Weight
from threadkeep.model.part_formats import joined, opened
from threadkeep.model.parts import data_part, file_part, text_part, with_use
from threadkeep.ops.batch import Plan

TRIES = 1_000


class Parts:
    """The parts of one thread, by name; each stands in the state as `__user_part_NAME`.

    Options of all that set a part: `order`: the place among the parts, 0 by default; equal ones go by name.
    `uses`: how many messages it is for, any number by default. `tokens`: what it counts in a budget of
    tokens, else an estimate. `ttl`, `expires_at` as in `state.set`. `sniff=False` takes the word of a declared
    media type when the content does not show it.
    """

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def set(
        self,
        name: str,
        part: dict[str, Any],
        *,
        order: int | None = None,
        uses: int | None = None,
        tokens: int | None = None,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
        sniff: bool = True,
    ) -> int:
        """Set a part as JSON (`part_type` and `data`) and return the entity's revision. Atomic.

        One trip; over 64 KiB two, and the content goes only where the thread does not hold it yet under
        another name. UsageError when it is no part or its content is not what it declares; TooLarge over the
        limit of parts. Nothing is written then.
        """
        scope = self._scope
        scope.take_request()  # a part that is set again is the same
        lease = lease_of(ttl, expires_at, scope.store.field_lease(scope.ref.kind))
        part = with_use(part, order=order, uses=uses, tokens=tokens) if type(part) is dict else part
        made = parts.record(name, part, lease, scope.store.limits.part, sniff=sniff)
        for _ in range(TRIES):
            stands = None
            if made.content is not None:
                known = scope.read(parts.outline(scope.ref))
                stands = known.contents.get(name_of(made.content))
            done = scope.write(parts.put(scope.ref, made, stands))
            if done is not None:
                self._sweep(done[1])
                return done[0]
        raise Conflict(f"the contents of {scope.ref} changed {TRIES} times while a part was set")

    def set_text(self, name: str, text: str, **options: Any) -> int:
        """Set a part of text; options as of `set`."""
        return self.set(name, text_part(text), **options)

    def set_image(
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
        return self.set(name, made, **options)

    def set_file(
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
        return self.set(name, made, **options)

    def set_data(self, name: str, data: Any, **options: Any) -> int:
        """Set a part of any JSON; options as of `set`."""
        return self.set(name, data_part(data), **options)

    def all(self) -> dict[str, Any]:
        """Return what waits, by name, in the order in which it will be attached. One trip; uses nothing."""
        found = self._scope.read(parts.waiting(self._scope.ref))
        return {one.name: one.value for one in found}

    def delete(self, name: str) -> bool:
        """Delete a part; False when there was none. Atomic, one trip, two where it was over 64 KiB."""
        stood, spare = self._scope.write(parts.delete(self._scope.ref, name))
        self._sweep(spare)
        return stood

    def clear(self) -> int:
        """Delete all parts and return how many stood. Atomic, one trip; no content is read."""
        return self._scope.write(parts.clear(self._scope.ref))

    def attach(
        self,
        message: dict[str, Any] | str,
        *,
        format: str = "openai",
        max_bytes: int | None = None,
        max_tokens: int | None = None,
        leave_out: GivesWay | None = None,
    ) -> Attached:
        """Return a copy of a user message that goes on with the parts, in the form of an API.

        The message's own content comes first, then the parts by `order` and name; a str becomes a message.
        `format`: openai, openai-responses, anthropic, gemini or pydantic-ai. What is used, and how, is as of
        `take`. UsageError for a message that is not the user's; nothing is used then.
        """
        opened(message, format)
        done = self.take(
            format=format, max_bytes=max_bytes, max_tokens=max_tokens, leave_out=leave_out
        )
        made = joined(message, done.content, format)
        return Attached(made, done.used, done.left_out, done.bytes, done.tokens)

    def take(
        self,
        *,
        format: str = "openai",
        max_bytes: int | None = None,
        max_tokens: int | None = None,
        leave_out: GivesWay | None = None,
        use: bool = True,
    ) -> Taken:
        """Return the parts by `order` and name as content of an API, and count one use of each.

        Counting is one with the read: of two that take at once only one gets a part with `uses=1`, and a
        caller that dies in between has used nothing. `use=False` counts nothing. `max_bytes` and `max_tokens`
        bound all parts together. `leave_out` says what gives way when not all of them fit: `last`, `first` or
        `largest`; None: TooLarge, and nothing is used. What the API does not take is left out likewise, or a
        UsageError. What is left out is named and stays. One trip; one more each for a budget, where uses are
        counted, and where a content over 64 KiB was used up.
        """
        budget = Budget(max_bytes, max_tokens, leave_out)
        opened("", format)
        request = self._scope.take_request() if use else None
        known = self._answered(request)
        if known is not None:
            return known
        for _ in range(TRIES):
            found, left = self._found(budget)
            if found is None:
                continue
            done = shown(found, format, budget)
            taken = _taken(done, left)
            if not (use and any(one.uses is not None for one in done.used)):
                # the same request may have used them up meanwhile
                return self._answered(request) or taken
            try:
                spare = self._scope.write(self._consume(done, taken, request))
            except answers.RepeatedError:
                return self._answered(request) or taken
            if spare is not None:
                self._sweep(spare)
                return taken
        raise Conflict(f"the parts of {self._scope.ref} changed {TRIES} times while they were used")

    def _consume(self, done: Shown, taken: Taken, request: str | None) -> Plan[parts.Spare | None]:
        plan = parts.consume(self._scope.ref, done.used, new_id("use"))
        if request is None:
            return plan
        return answers.keeping(plan, request, msgspec.structs.asdict(taken))

    def _answered(self, request: str | None) -> Taken | None:
        """Return what a request has taken already; None where it is the first time, or there is none."""
        if request is None:
            return None
        found = self._scope.read(answers.kept(self._scope.ref, request))
        return None if found is None else msgspec.convert(found, Taken)

    def _found(self, budget: Budget) -> tuple[list[parts.Waiting] | None, list[LeftOut]]:
        """Return what waits and fits, and what does not; None where it changed meanwhile."""
        ref = self._scope.ref
        if not budget.bounded:
            return self._scope.read(parts.waiting(ref)), []
        seen = self._scope.read(parts.outline(ref))
        kept, left = fitting(seen.waiting, budget)
        if not kept:
            return [], left
        found = self._scope.read(parts.waiting(ref, [one.name for one in kept]))
        same = [(o.name, o.field.revision) for o in found] == [
            (o.name, o.field.revision) for o in kept
        ]
        return (found if same else None), left

    def _sweep(self, spare: parts.Spare) -> None:
        """Delete contents that nothing links to; what cannot be done now a later call does."""
        if spare.contents:
            with suppress(ThreadkeepError):
                self._scope.write(parts.sweep(self._scope.ref, spare))


def _taken(done: Shown, left: list[LeftOut]) -> Taken:
    total = Weight()
    for one in done.used:
        total += one.weight
    names = tuple(one.name for one in done.used)
    return Taken(done.content, names, (*left, *done.left_out), total.bytes, total.tokens)
