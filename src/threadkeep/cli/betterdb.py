"""Copying what BetterDB agent-cache wrote into a store: each field once, whatever is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from threadkeep import Store
from threadkeep._sync.scope import Scope
from threadkeep.cli.betterdb_source import Kept
from threadkeep.errors import Conflict
from threadkeep.layers import betterdb
from threadkeep.layers.betterdb import SessionField, Split
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref, ref
from threadkeep.ops.reply import Field

Outcome = Literal["imported", "replaced", "same", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("imported", "replaced", "same", "skipped")
TRIES = 5
EXAMPLES = 5
Values = dict[str, tuple[bytes, Lease]]


class Unmapped:
    """How many keys there are of a sort that was not copied, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[str] = []

    def add(self, key: bytes) -> None:
        """Take a key in."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(key.decode(errors="backslashreplace"))


class BetterdbImport:
    """Copies session fields, a page at a time. A field that stands with the same value is left alone.

    `window`: what reads renew the fields by, in microseconds; None: each ends when its time is over.
    """

    def __init__(
        self,
        store: Store,
        *,
        name: str,
        split: Split,
        window: int | None,
        on_conflict: str,
        write: bool,
    ) -> None:
        self._store, self._name = store, name
        self._split: Split = split
        self._window, self._on_conflict, self._write = window, on_conflict, write
        self.outcomes: dict[Outcome, int] = dict.fromkeys(OUTCOMES, 0)
        self.unmapped: dict[str, Unmapped] = {}
        self.guessed = 0

    def run(self, pages: Iterable[list[Kept]], tick: Callable[[], None]) -> None:
        """Copy all pages. Raises Conflict as `on_conflict` says, before anything of that thread is written."""
        for page in pages:
            by_thread: dict[str, Values] = {}
            for kept in page:
                field = betterdb.place(kept.key, self._name, self._split)
                if isinstance(field, SessionField) and kept.value is not None:
                    self.guessed += field.guessed
                    lease = betterdb.lease(kept.ends, self._window)
                    value = betterdb.value(kept.value)
                    by_thread.setdefault(field.thread, {})[field.field] = (value, lease)
                    continue
                sort = "values of another type" if isinstance(field, SessionField) else field
                self.unmapped.setdefault(sort, Unmapped()).add(kept.key)
            for thread, values in by_thread.items():
                self._thread(ref(self._store.namespace, "thread", thread), values)
                tick()

    def _thread(self, ref: Ref, values: Values) -> None:
        scope = Scope(self._store, ref)
        for _ in range(TRIES):
            there = scope.read(betterdb.standing(ref, tuple(values)))
            outcomes: dict[str, Outcome] = {
                name: self._outcome(ref, name, values, there) for name in values
            }
            chosen = {n: values[n] for n, o in outcomes.items() if o in {"imported", "replaced"}}
            if not (chosen and self._write) or scope.write(betterdb.write(ref, chosen, there)):
                for outcome in outcomes.values():
                    self.outcomes[outcome] += 1
                return
        raise Conflict(f"{ref} changes faster than it can be written; try again later", ref=ref)

    def _outcome(self, ref: Ref, name: str, values: Values, there: dict[str, Field]) -> Outcome:
        if name not in there:
            return "imported"
        if there[name].value == values[name][0]:
            return "same"
        if self._on_conflict == "fail":
            raise Conflict(
                f"field {name!r} of {ref} stands with another value; nothing of it was changed."
                " Pass --on-conflict skip or replace",
                ref=ref,
            )
        return "replaced" if self._on_conflict == "replace" else "skipped"
