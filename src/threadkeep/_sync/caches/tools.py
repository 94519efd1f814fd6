# Generated from src/threadkeep/_async/caches/tools.py by scripts/unasync. Do not edit.
"""`store.tools`: results of tools, kept by tool and arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from threadkeep._sync.caches.entries import Place
from threadkeep._sync.state import Ttl
from threadkeep.layers import cache_keys
from threadkeep.layers.cache_entries import Content
from threadkeep.layers.cache_names import escaped, prefix_of
from threadkeep.layers.cache_results import is_error, micros_of
from threadkeep.model.caches import ToolHit
from threadkeep.model.leases import FOREVER, lease_of

if TYPE_CHECKING:
    from threadkeep._sync.caches.caches import Caches
    from threadkeep._sync.store import Store

NO_ARGS: dict[str, Any] = {}


class Tools:
    """Results of tools; every process that uses the namespace shares them.

    A result is found by the name of the tool, any text of 1 to 512 bytes, and its arguments, in any order.
    """

    def __init__(self, store: Store, caches: Caches) -> None:
        self._store, self._caches = store, caches
        self._entries = caches.tools

    def key(self, args: object, *, ignore: Iterable[str] = ()) -> str:
        """Return the key of arguments: the SHA-256 of their canonical JSON. No I/O."""
        given = NO_ARGS if args is None else args
        return cache_keys.key_of(given, ignore, self._entries.options.normalize)

    def _place(self, name: str, args: object, ignore: Iterable[str]) -> Place:
        escaped(name)
        return self._entries.place(name, self.key(args, ignore=ignore))

    def check(
        self,
        name: str,
        args: object = None,
        *,
        type: Any = None,
        allow_stale: bool = False,
        ignore: Iterable[str] = (),
    ) -> ToolHit:
        """Look a result up. One trip; counted.

        `args`: what the tool is called with, None for nothing; whatever the codec takes. `type` as in
        `state.get`. `allow_stale`: take what `stale_for` keeps beyond its ttl. `ignore`: arguments that do not
        count. A failing engine and an entry that cannot be read are misses, unless the store's options say
        otherwise. UsageError: name or arguments cannot be.
        """
        place = self._place(name, args, ignore)
        found = self._entries.look(place, type)
        content = found.content
        if content is None or (found.stale and not allow_stale):
            self._entries.note(name, misses=1)
            return ToolHit(hit=False, response=None, key=place.key)
        self._entries.note_hit(name, content)
        return ToolHit(
            hit=True,
            response=content.response,
            key=place.key,
            age=found.age,
            ttl=found.ttl,
            stale=found.stale,
        )

    def store(
        self,
        name: str,
        args: object,
        response: Any,
        *,
        ttl: Ttl = None,
        cost: float | None = None,
        ignore: Iterable[str] = (),
    ) -> str | None:
        """Keep a result and return its key; None when it was not kept. Atomic, one trip.

        One trip more when the policies it knows are older than 30 seconds and no ttl is given.
        `ttl`: None for the tool's policy, else the store's default for tools, else an hour. `cost`: dollars
        that a hit saves. Not kept: a result that says that it is an error (`is_error`, `isError`, `error`),
        one that the store's `accept` refuses, and any while the engine fails, if that means a miss.
        UsageError, TooLarge: name, arguments, result or ttl cannot be.
        """
        place = self._place(name, args, ignore)
        micros = micros_of(cost)
        given = None if ttl is None else lease_of(ttl, None, FOREVER)
        data = self._entries.pack(Content(response, at=self._entries.now(), cost=micros))
        if not self._entries.accepts(data, response, is_error):
            return None
        lease = self._entries.lease(name, given)
        kept = lease is not None and self._entries.put(place, data, lease)
        return place.key if kept else None

    def invalidate(self, name: str, args: object = None, *, ignore: Iterable[str] = ()) -> bool:
        """Remove a result and tell whether it stood. Atomic, one trip; raises when the engine fails.

        What a call that is under way (`run`) brings later is not kept: it may be older than this.
        """
        return self._entries.remove(self._place(name, args, ignore))

    def invalidate_tool(self, name: str) -> int:
        """Remove all results of a tool and return how many stood. A trip for each of at most 1,024 buckets.

        Atomic in each bucket, not over all: a result that is stored meanwhile may stay.
        """
        return self._entries.clear(prefix_of(escaped(name)))
