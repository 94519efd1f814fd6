"""`store.kv(namespace)`: keys and values beside threads and users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from threadkeep._async.at_once import AT_ONCE, at_once
from threadkeep._async.kv_listing import AsyncKvListing
from threadkeep._async.scope import AsyncScope
from threadkeep._async.state import Ttl
from threadkeep.layers import kv, kv_listing
from threadkeep.model.kv import Found, KvDefaults, KvMatch, KvStats
from threadkeep.model.leases import FOREVER, Lease, lease_of
from threadkeep.model.refs import check_name, check_names
from threadkeep.ops.engine import Listed

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

LOOK = 1_000  # keys of a page where a whole namespace is gone through


class AsyncKv:
    """The keys of one key-value namespace, in order; each key is a unit of atomicity.

    This namespace is a name within the store's own `namespace` (the tenant), which stays the boundary of
    isolation. `ttl` takes seconds, a timedelta or FOREVER; `expires_at` an aware datetime; without either
    a value takes the default of the namespace, else that of the store. Defaults are read from the store at
    most once in 30 seconds; the call that does so takes one more trip.
    """

    __slots__ = ("_prefix", "_store", "namespace")

    def __init__(self, store: AsyncStore, namespace: str) -> None:
        self._store = store
        self._prefix = kv.prefix_of(namespace)
        self.namespace = namespace

    def _scope(self, key: str) -> AsyncScope:
        return AsyncScope(self._store, kv.ref(self._store.namespace, self._prefix, key))

    async def _lease(self, ttl: Ttl, expires_at: datetime | None) -> Lease:
        if ttl is not None or expires_at is not None:
            return lease_of(ttl, expires_at, FOREVER)
        default = (await self.defaults()).lease
        return self._store.field_lease(kv.KIND) if default is None else default

    async def _renewing(self, renew: bool | None) -> bool:  # noqa: FBT001 - handed on
        return (await self.defaults()).sliding if renew is None else renew

    async def get(self, key: str, *, type: Any = None, renew: bool | None = None) -> Found | None:
        """Return what stands at a key: its value and what is known of it; None where nothing stands.

        One trip. Renews a sliding value to its own window, unless the namespace is not sliding; `renew`
        says so for this call. `type` gives the value as that type. Raises CodecError when the stored bytes
        cannot be read or are not of that type.
        """
        scope = self._scope(key)
        renewing = await self._renewing(renew)
        return await scope.read(kv.get(scope.ref, key, type, renew=renewing))

    async def get_many(
        self, keys: Iterable[str], *, type: Any = None, renew: bool | None = None
    ) -> dict[str, Found]:
        """Return what stands at those of the keys that do, in the order of `keys`.

        One trip a key, on asyncio 64 at once; so not of one moment. Renews as `get` does.
        """
        asked = check_names(keys, "key")
        scopes = {key: self._scope(key) for key in asked}
        renewing = await self._renewing(renew)

        async def one(key: str) -> Found | None:
            scope = scopes[key]
            return await scope.read(kv.get(scope.ref, key, type, renew=renewing))

        found = await at_once(list(scopes), one)
        return {key: one for key, one in found.items() if one is not None}

    async def set(
        self,
        key: str,
        value: Any,
        *,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
        content_type: str | None = None,
        if_absent: bool = False,
        if_revision: int | None = None,
    ) -> int:
        """Write a key and return its revision. Atomic, one trip.

        An overwrite takes lease and content type of this call, never the old ones. `content_type` is kept
        beside the value and changes nothing of it; without it text is `text/plain`, bytes are
        `application/octet-stream`, all else is `application/json`. `if_absent`, `if_revision` (that of a
        Found; 0: must be absent): Conflict with what was found, and nothing is written. UsageError,
        TooLarge: key, value or lease cannot be; nothing is written.
        """
        scope = self._scope(key)
        plan = kv.put(
            scope.ref,
            key,
            value,
            await self._lease(ttl, expires_at),
            self._store.limits.value,
            content_type=content_type,
            if_absent=if_absent,
            if_revision=if_revision,
        )
        return await scope.write(plan)

    async def set_many(
        self,
        values: Mapping[str, Any],
        *,
        ttl: Ttl = None,
        expires_at: datetime | None = None,
        content_type: str | None = None,
    ) -> dict[str, int]:
        """Write several keys and return the revision of each.

        Each key is atomic, all of them together are not: one trip a key, on asyncio 64 at once. What cannot be stored
        is refused before the first is written; after another error some may have been.
        """
        lease, limit = await self._lease(ttl, expires_at), self._store.limits.value
        scopes = {key: self._scope(key) for key in values}
        plans = {
            key: kv.put(scopes[key].ref, key, value, lease, limit, content_type=content_type)
            for key, value in values.items()
        }

        async def one(key: str) -> int:
            return await scopes[key].write(plans[key])

        return await at_once(list(plans), one)

    async def delete(self, *keys: str) -> int:
        """Delete keys and return how many stood. One trip a key, on asyncio 64 at once; each atomic.

        Revisions go on where they were for a day, so that a late `if_revision` does not meet another value.
        """
        scopes = {key: self._scope(key) for key in check_names(keys, "key")}

        async def one(key: str) -> bool:
            return await scopes[key].write(kv.delete(scopes[key].ref))

        return sum((await at_once(list(scopes), one)).values())

    async def has(self, key: str) -> bool:
        """Tell whether a key stands. One trip; renews nothing."""
        scope = self._scope(key)
        return await scope.read(kv.has(scope.ref))

    async def touch(self, key: str) -> bool:
        """Renew a sliding value to its own window, also in a namespace that is not sliding; tell whether it stands.

        Atomic, one trip. What has a fixed end or none stays as it is.
        """
        scope = self._scope(key)
        return await scope.write(kv.touch(scope.ref))

    def keys(
        self, prefix: str | None = None, *, cursor: str | None = None, limit: int | None = None
    ) -> AsyncKvListing[str]:
        """List the keys, or those that begin with `prefix`, in order.

        Iterate with `async for`, at most `limit`; or take pages with `.page(cursor)`. A page is one trip and
        costs the same anywhere in the namespace. Renews nothing.
        """
        if prefix:
            kv.ref(self._store.namespace, self._prefix, prefix)

        async def fetch(after: str | None, limit: int) -> tuple[list[str], str | None]:
            found, more = await self._page(prefix, after, limit)
            names = [key for key, _ in found]
            return names, names[-1] if more else None

        return AsyncKvListing(f"keys {self._prefix}{prefix or ''}", fetch, cursor, limit)

    async def _page(
        self, prefix: str | None, after: str | None, limit: int
    ) -> tuple[list[tuple[str, Listed]], bool]:
        """Return keys above `after` and whether more follow."""
        engine = await self._store.ready()
        query = kv_listing.keys(self._store.namespace, self._prefix, prefix, after, limit)
        page = await engine.scan(query)
        return [(kv.split(x.ref.id)[1], x) for x in page.items], page.cursor is not None

    def search(
        self,
        keyword: str,
        *,
        values: bool = False,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> AsyncKvListing[KvMatch]:
        """List what holds `keyword` in its key, whatever the case; with `values` also in its texts, in order of keys.

        Texts are a text value and the texts anywhere in a list or mapping. No index serves it: it looks at
        the keys one after the other, a trip for 1,000, until the page is full, and takes a trip for each
        match; with `values` a trip for each key. Memory is that of a page. Renews nothing.
        """
        word = check_name(keyword, "keyword").casefold()

        async def fetch(after: str | None, limit: int) -> tuple[list[KvMatch], str | None]:
            matches: list[KvMatch] = []
            while True:
                found, more = await self._page(None, after, LOOK)
                hits = found if values else [x for x in found if word in x[0].casefold()]
                for start in range(0, len(hits), AT_ONCE):
                    some = dict(hits[start : start + AT_ONCE])
                    for match in await self._matches(some, word):
                        matches.append(match)
                        if len(matches) == limit:
                            return matches, match.key
                if not more:
                    return matches, None
                after = found[-1][0]

        return AsyncKvListing(f"search {self._prefix}{word}", fetch, cursor, limit)

    async def _matches(self, some: dict[str, Listed], word: str) -> list[KvMatch]:
        found = await self.get_many(some, renew=False)
        return [
            kv_listing.as_match(one, some[key])
            for key, one in found.items()
            if word in key.casefold() or kv_listing.holds(one.value, word)
        ]

    async def stats(self) -> KvStats:
        """Return how many keys stand, the bytes of their stored values, and the first and last write among them.

        Goes through the keys without their values, a trip for 1,000: nothing is counted when keys are
        written, so that a write stays one trip. Reads are not uses.
        """
        tally, after, more = kv_listing.Tally(), None, True
        while more:
            found, more = await self._page(None, after, LOOK)
            for key, listed in found:
                tally.add(listed)
                after = key
        return tally.stats

    async def set_defaults(self, *, ttl: Ttl = None, sliding: bool = True) -> None:
        """Set what holds for the namespace: the lease of values written without one, and whether reads renew.

        Stored, and known to other processes within 30 seconds; values that stand keep their leases. `ttl`
        None: the store's default. `sliding` False: a value ends when its ttl is over, however often it is
        read; `touch` still renews.
        """
        lease = None if ttl is None else lease_of(ttl, None, FOREVER)
        await self._store.kv_defaults.set(self._prefix, KvDefaults(lease, sliding))

    async def defaults(self) -> KvDefaults:
        """Return what holds for the namespace, at most 30 seconds old."""
        return await self._store.kv_defaults.get(self._prefix)

    def refresh(self) -> None:
        """Let the next call read the defaults anew. No I/O."""
        self._store.kv_defaults.forget(self._prefix)

    async def delete_namespace(self) -> int:
        """Delete all keys and the defaults; return how many keys stood.

        One trip a key, on asyncio 64 at once, and one for 500 keys to find them; not atomic: run it again after an
        error. A key that is written meanwhile may stay. Revisions begin anew.
        """
        count, after, more = 0, None, True
        while more:
            found, more = await self._page(None, after, 500)
            count += sum((await at_once([key for key, _ in found], self._drop)).values())
            after = found[-1][0] if found else None
        await self._store.kv_defaults.drop(self._prefix)
        return count

    async def _drop(self, key: str) -> bool:
        scope = self._scope(key)
        return await scope.write(kv.drop(scope.ref))
