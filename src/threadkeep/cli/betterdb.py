"""Copying what BetterDB agent-cache wrote into a store: each thing once, whatever is run again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from threadkeep import Store
from threadkeep._sync.scope import Scope
from threadkeep.cli.betterdb_source import Kept
from threadkeep.errors import Conflict
from threadkeep.layers import betterdb, betterdb_results, cache_entries, cache_policies
from threadkeep.layers.betterdb import PoliciesKey, ResultKey, Split
from threadkeep.layers.betterdb_results import Result
from threadkeep.layers.cache_names import entry_ref
from threadkeep.layers.state import MAP as STATE
from threadkeep.model.leases import FOREVER, Lease
from threadkeep.model.refs import Ref, ref
from threadkeep.ops.reply import Field

Outcome = Literal["imported", "replaced", "same", "skipped"]
OUTCOMES: tuple[Outcome, ...] = ("imported", "replaced", "same", "skipped")
Sort = Literal["fields", "results", "policies"]
SORTS: tuple[Sort, ...] = ("fields", "results", "policies")
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
    """Copies fields, results and policies, a page at a time. What stands with the same value is left alone.

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
        self.outcomes: dict[Sort, dict[Outcome, int]] = {
            sort: dict.fromkeys(OUTCOMES, 0) for sort in SORTS
        }
        self.unmapped: dict[str, Unmapped] = {}
        self.guessed = 0

    def run(
        self,
        pages: Iterable[list[Kept]],
        policies: Callable[[], Mapping[bytes, bytes]],
        tick: Callable[[], None],
    ) -> None:
        """Copy all. Raises Conflict as `on_conflict` says, before anything of that entity is written."""
        for page in pages:
            by_thread: dict[str, Values] = {}
            for kept in page:
                found = betterdb.place(kept.key, self._name, self._split)
                if isinstance(found, PoliciesKey) and kept.value is None:
                    self._policies(policies())
                elif isinstance(found, str):
                    self._leave(found, kept.key)
                elif isinstance(found, PoliciesKey) or kept.value is None:
                    self._leave("values of another type", kept.key)
                elif isinstance(found, ResultKey):
                    self._result(found, kept, kept.value)
                    tick()
                else:
                    self.guessed += found.guessed
                    lease = betterdb.lease(kept.ends, self._window)
                    value = betterdb.value(kept.value)
                    by_thread.setdefault(found.thread, {})[found.field] = (value, lease)
            for thread, values in by_thread.items():
                self._copy("fields", ref(self._store.namespace, "thread", thread), STATE, values)
                tick()

    def _leave(self, sort: str, key: bytes) -> None:
        self.unmapped.setdefault(sort, Unmapped()).add(key)

    def _result(self, key: ResultKey, kept: Kept, raw: bytes) -> None:
        found = betterdb_results.result(key, raw, kept.ends, self._store.limits.value)
        if not isinstance(found, Result):
            self._leave(found, kept.key)
            return
        place = entry_ref(self._store.namespace, found.kind, found.name, found.key)
        values = {found.key: (found.data, found.lease)}
        self._copy("results", place, cache_entries.MAP, values)

    def _policies(self, found: Mapping[bytes, bytes]) -> None:
        values: Values = {}
        for tool, raw in found.items():
            policy = betterdb_results.policy(tool, raw)
            if isinstance(policy, str):
                self._leave(policy, tool)
            else:
                values[policy[0]] = (policy[1], FOREVER)
        if values:
            place = cache_policies.policies_ref(self._store.namespace)
            self._copy("policies", place, cache_policies.MAP, values)

    def _copy(self, sort: Sort, ref: Ref, map_: str, values: Values) -> None:
        scope = Scope(self._store, ref)
        for _ in range(TRIES):
            there = scope.read(betterdb.standing(ref, map_, tuple(values)))
            outcomes: dict[str, Outcome] = {
                name: self._outcome(sort, ref, name, values, there) for name in values
            }
            chosen = {n: values[n] for n, o in outcomes.items() if o in {"imported", "replaced"}}
            done = not (chosen and self._write)
            if done or scope.write(betterdb.write(ref, map_, chosen, there)):
                for outcome in outcomes.values():
                    self.outcomes[sort][outcome] += 1
                return
        raise Conflict(f"{ref} changes faster than it can be written; try again later", ref=ref)

    def _outcome(
        self, sort: Sort, ref: Ref, name: str, values: Values, there: dict[str, Field]
    ) -> Outcome:
        if name not in there:
            return "imported"
        if there[name].value == values[name][0]:
            return "same"
        if self._on_conflict == "fail":
            what = {"fields": "field", "results": "the result", "policies": "the policy"}[sort]
            raise Conflict(
                f"{what} {name!r} of {ref} stands with another value; nothing of it was changed."
                " Pass --on-conflict skip or replace",
                ref=ref,
            )
        return "replaced" if self._on_conflict == "replace" else "skipped"
