"""Entries of one kind of cache: looked up, written, removed, with what an error means decided in one place."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from threadkeep._async.caches.counting import AsyncCounting
from threadkeep._async.caches.policies import AsyncPolicies
from threadkeep.concurrency import AsyncFlow
from threadkeep.errors import CodecError, ThreadkeepError, TooLarge, UsageError
from threadkeep.layers import cache_entries
from threadkeep.layers.cache_entries import Content
from threadkeep.layers.cache_names import entry_ref, is_bucket, stored_name
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Plan
from threadkeep.ops.engine import Query

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

T = TypeVar("T")
U = TypeVar("U")
log = logging.getLogger("threadkeep")
AT_ONCE = 16
PAGE = 500
QUIET_SECONDS = 10.0


class Place(msgspec.Struct, frozen=True):
    """Where a result stands: under which name, in which bucket, at which key; `other`: or else there."""

    name: str
    ref: Ref
    key: str
    other: Place | None = None


class Looked(msgspec.Struct, frozen=True):
    """What a lookup found. `failed`: the engine did not answer; `corrupt`: what stands cannot be read."""

    content: Content | None = None
    stale: bool = False
    age: float | None = None
    ttl: float | None = None
    failed: bool = False
    corrupt: bool = False


class AsyncEntries:
    """The entries of a kind in a store's namespace."""

    def __init__(
        self,
        store: AsyncStore,
        kind: str,
        counting: AsyncCounting,
        options: CacheOptions,
        policies: AsyncPolicies | None = None,
    ) -> None:
        self.store = store
        self.kind = kind
        self.options = options
        self._counting = counting
        self._policies = policies
        self._quiet_until = 0.0

    def place(self, name: str, key: str, alias: str | None = None) -> Place:
        """Return where a key of a name stands; `alias`: a second key."""
        ref = entry_ref(self.store.namespace, self.kind, stored_name(name), key)
        return Place(name, ref, key, None if alias is None else self.place(name, alias))

    def note(self, name: str, **counts: int) -> None:
        """Count something of a name."""
        self._counting.note(self.kind, name, **counts)

    def note_hit(self, name: str, content: Content) -> None:
        """Count a hit and what it saved."""
        self.note(
            name,
            hits=1,
            saved_micros=content.cost or 0,
            saved_input_tokens=content.input or 0,
            saved_output_tokens=content.output or 0,
        )

    async def run(self, plan: Plan[T]) -> T:
        """Run a plan; raise what goes wrong."""
        engine = self.store.engine or await self.store.ready()
        return plan.decode(await engine.run(plan.batch))

    async def attempt(self, name: str, plan: Plan[T], failed: U) -> T | U:
        """Run a plan; return `failed`, and count it, where the engine fails and that means a miss."""
        try:
            return await self.run(plan)
        except ThreadkeepError as error:
            self.failed(name, error)
            return failed

    def failed(self, name: str, error: ThreadkeepError) -> None:
        """Count an error of the engine, or raise it: slips of the caller always, others as the options say."""
        if self.options.on_error == "raise":
            raise error
        if isinstance(error, UsageError) and not isinstance(error, TooLarge):
            raise error
        self.note(name, errors=1)
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning("%s cache: a call goes on without it: %s", self.kind, type(error).__name__)

    async def look(self, place: Place, type_: Any = None) -> Looked:
        """Return what stands at a place; counts errors, neither hits nor misses."""
        plan = cache_entries.look(place.ref, place.key, sliding=self.options.sliding)
        try:
            seen = await self.run(plan)
            if seen is None and place.other is not None:
                return await self.look(place.other, type_)
            return Looked() if seen is None else self.opened(seen, type_)
        except CodecError as error:
            return self.corrupt(place, error)
        except ThreadkeepError as error:
            self.failed(place.name, error)
            return Looked(failed=True)

    def corrupt(self, place: Place, error: CodecError) -> Looked:
        """Count and report an entry that cannot be read, or raise as the options say."""
        if self.options.on_error == "raise":
            raise error
        self.note(place.name, corrupt=1)
        log.warning(
            "an entry of the %s cache cannot be read; it will be replaced (key %s)",
            self.kind,
            place.key,
        )
        return Looked(corrupt=True)

    def opened(self, seen: cache_entries.Seen, type_: Any) -> Looked:
        """Return a standing entry as it may be served; CodecError when it cannot be read."""
        content = cache_entries.unpack(seen.field.value, type_)
        left = seen.left(content)
        return Looked(
            content,
            stale=left is not None and left <= 0,
            age=seen.age,
            ttl=None if left is None else max(0.0, left),
        )

    def pack(self, content: Content) -> bytes:
        """Return the stored form."""
        return cache_entries.pack(content, self.store.limits.value)

    async def lease(self, name: str, given: Lease | None) -> Lease | None:
        """Return the lease of a result: as given, by policy or by default; None when policies cannot be read."""
        if given is not None:
            return given
        if self._policies is not None:
            try:
                policy = (await self._policies.all()).get(name)
            except ThreadkeepError as error:
                self.failed(name, error)
                return None
            if policy is not None:
                return policy.lease
        return self.store.field_lease(self.kind)

    async def put(self, place: Place, data: bytes, lease: Lease, stale_for: int = 0) -> bool:
        """Write an entry; tell whether it stands."""
        plan = cache_entries.put(place.ref, place.key, data, lease, stale_for)
        stands = await self.attempt(place.name, Plan(plan.batch, lambda _: True), failed=False)
        if stands:
            self.note(place.name, stores=1)
        return stands

    async def remove(self, place: Place) -> bool:
        """Remove an entry; tell whether it stood."""
        stood = await self.run(cache_entries.remove(place.ref, place.key))
        return (place.other is not None and await self.remove(place.other)) or stood

    async def clear(self, prefix: str | None) -> int:
        """Remove the entries in all buckets whose ids have a prefix; return how many stood."""
        engine = await self.store.ready()
        count, after = 0, None
        while True:
            query = Query(
                namespace=self.store.namespace,
                kind=self.kind,
                order="id",
                prefix=prefix,
                after=after,
                limit=PAGE,
            )
            page = await engine.scan(query)
            ids = [listed.ref.id for listed in page.items]
            count += await self._clear([id_ for id_ in ids if is_bucket(id_)])
            if page.cursor is None:
                return count
            after = ids[-1]

    async def _clear(self, ids: list[str]) -> int:
        removed: list[int] = []
        errors: list[Exception] = []

        async def one(id_: str) -> None:
            try:
                ref = Ref(self.store.namespace, self.kind, id_)
                removed.append(await self.run(cache_entries.clear(ref)))
            except Exception as error:  # noqa: BLE001 - raised when all have ended
                errors.append(error)

        await AsyncFlow.each(ids, one, AT_ONCE)
        if errors:
            raise errors[0]
        return sum(removed)
