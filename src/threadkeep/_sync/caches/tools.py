# Generated from src/threadkeep/_async/caches/tools.py by scripts/unasync. Do not edit.
"""`store.tools`: results of tools, kept by tool and arguments."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from threadkeep._sync.caches.bringing import Terms, store_result
from threadkeep._sync.caches.calling import (
    Cached,
    cached,
    called,
    given_lease,
    known,
    mode_of,
    staleness,
    told,
    with_args,
)
from threadkeep._sync.caches.entries import Place
from threadkeep._sync.caches.flights import Mode
from threadkeep._sync.caches.streams import record, replay, stream
from threadkeep._sync.state import Ttl
from threadkeep.errors import UsageError
from threadkeep.layers import cache_keys
from threadkeep.layers.cache_effect import effectiveness
from threadkeep.layers.cache_entries import STREAM, Content
from threadkeep.layers.cache_names import escaped, prefix_of
from threadkeep.layers.cache_results import is_error, micros_of
from threadkeep.model.caches import CacheStats, Keeping, ToolEffectiveness, ToolHit, ToolPolicy
from threadkeep.model.leases import Lease

if TYPE_CHECKING:
    from threadkeep._sync.caches.caches import Caches
    from threadkeep._sync.store import Store

P = ParamSpec("P")
T = TypeVar("T")
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

    def _place(self, name: str, args: object, ignore: Iterable[str], form: str = "") -> Place:
        escaped(name)
        return self._entries.place(name, self.key(args, ignore=ignore) + form)

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
        terms = self._terms({"ttl": ttl, "cost": cost})
        return store_result(self._entries, place, response, terms)

    def run(
        self,
        name: str,
        args: object,
        fn: Callable[..., Any],
        *,
        bypass: bool = False,
        refresh: bool = False,
        read_only: bool = False,
        **keeping: Unpack[Keeping],
    ) -> Any:
        """Return the result that is kept, or call `fn` and keep what it returns.

        `fn` is called with `args` by name, or without any where it takes none. However many ask at once, over
        tasks, processes and machines, one calls; the others wait for it, `wait_seconds` at most, and get
        copies. An error goes to the one whose call it was; the others try themselves, one after the other. A
        hit is one trip, a miss three. `bypass`: as if nothing were kept. `refresh`: call, and keep the result
        instead of what is there. `read_only`: keep nothing. The rest as in Keeping.
        """
        mode = mode_of(bypass=bypass, refresh=refresh, read_only=read_only)
        terms = self._terms(keeping)
        place = self._place(name, args, keeping.get("ignore", ()))
        call = with_args(fn, args)
        return self._caches.tool_flights.run(place, lambda: called(call), terms, mode)

    def cached(
        self, name: str | None = None, **keeping: Unpack[Keeping]
    ) -> Callable[[Callable[P, T]], Cached[P, T]]:
        """Return a decorator for a function, async or not, whose results are then kept as by `run`.

        `name`: the tool; the function's module and qualified name by default. Its arguments are taken by
        name, defaults included; what cannot be a part of the key (`self`, a client) goes into `ignore`. The
        function gets the methods `refresh`, `bypass`, `read_only` and `invalidate`.
        """
        terms, ignore = self._terms(keeping), tuple(keeping.get("ignore", ()))

        def decorate(fn: Callable[P, T]) -> Cached[P, T]:
            tool = name or f"{fn.__module__}.{fn.__qualname__}"

            def run(args: dict[str, Any], call: Callable[[], Any], mode: Mode) -> Any:
                place = self._place(tool, args, ignore)
                return self._caches.tool_flights.run(place, call, terms, mode)

            def forget(args: dict[str, Any]) -> bool:
                return self.invalidate(tool, args, ignore=ignore)

            escaped(tool)
            return cached(fn, run, forget)

        return decorate

    def record(
        self, name: str, args: object, pieces: Iterable[T], **keeping: Unpack[Keeping]
    ) -> Generator[T]:
        """Pass the pieces of a result on as they come and keep them when the last has come.

        What ends early, fails or is over the limit for values is not kept. A recorded result stands beside the
        whole one: `check` does not see it, `replay` does.
        """
        place = self._place(name, args, keeping.get("ignore", ()), form=STREAM)
        return record(self._entries, place, pieces, self._terms(keeping))

    def replay(
        self, name: str, args: object = None, *, type: Any = None, ignore: Iterable[str] = ()
    ) -> list[Any] | None:
        """Return the pieces of a recorded result, as they were; None where none is kept. One trip; counted."""
        return replay(self._entries, self._place(name, args, ignore, form=STREAM), type)

    def stream(
        self,
        name: str,
        args: object,
        fn: Callable[..., Any],
        *,
        refresh: bool = False,
        **keeping: Unpack[Keeping],
    ) -> Generator[Any]:
        """Yield the pieces that are kept, else those of the stream that `fn` returns, and record them.

        `fn` is called as by `run`. Streams are not held back for each other: concurrent misses each call.
        """
        terms = self._terms(keeping)
        place = self._place(name, args, keeping.get("ignore", ()), form=STREAM)
        return stream(self._entries, place, with_args(fn, args), terms, refresh=refresh)

    def invalidate(self, name: str, args: object = None, *, ignore: Iterable[str] = ()) -> bool:
        """Remove a result, also a recorded one; tell whether one stood. Atomic, one trip.

        Raises when the engine fails. What a call that is under way (`run`) brings later is not kept: it may be
        older than this.
        """
        return self._entries.remove(self._place(name, args, ignore))

    def invalidate_tool(self, name: str) -> int:
        """Remove all results of a tool and return how many stood. A trip for each of at most 1,024 buckets.

        Atomic in each bucket, not over all: a result that is stored meanwhile may stay.
        """
        return self._entries.clear(prefix_of(escaped(name)))

    def clear(self) -> int:
        """Remove the results of all tools and return how many stood. A trip for each bucket.

        Policies and counts stay.
        """
        return self._entries.clear(None)

    def set_policy(self, name: str, *, ttl: Ttl) -> None:
        """Set the ttl of a tool's results: of those stored from now on without one. Atomic, one trip.

        Stored, and known to other processes within 30 seconds, or when they call `refresh`. `ttl`: seconds, a
        timedelta or FOREVER.
        """
        lease = given_lease(ttl)
        if lease is None:
            raise UsageError("a policy needs a ttl; delete_policy takes it back")
        self._caches.policies.set(name, lease)

    def delete_policy(self, name: str) -> bool:
        """Take the policy of a tool back; tell whether there was one. Atomic, one trip."""
        return self._caches.policies.delete(name)

    def get_policy(self, name: str) -> ToolPolicy | None:
        """Return the policy of a tool, at most 30 seconds old; None where it has none."""
        escaped(name)
        return (self._caches.policies.all()).get(name)

    def policies(self) -> dict[str, ToolPolicy]:
        """Return all policies by tool, sorted, at most 30 seconds old."""
        return dict(self._caches.policies.all())

    def refresh(self) -> None:
        """Read the policies now. One trip."""
        self._caches.policies.refresh()

    def stats(self) -> CacheStats:
        """Return what the cache brought, by tool, over all processes. At most a listing and 64 trips."""
        return self._caches.counting.read("tool")

    def effectiveness(self) -> list[ToolEffectiveness]:
        """Return for each tool what its cache brings and what to do about its ttl, the one that saves most first.

        Under 20 lookups: keep. Hit rate from 0.8 with a ttl under an hour: raise. From 0.4: keep. From 0.05:
        lower. Below: disable.
        """
        stats, policies = self.stats(), self._caches.policies.all()
        usual = self._store.field_lease("tool")

        def lease(tool: str) -> Lease:
            policy = policies.get(tool)
            return usual if policy is None else policy.lease

        return effectiveness(stats, lease)

    def _terms(self, keeping: Keeping) -> Terms:
        known(keeping, Keeping.__annotations__)
        cost, lease = keeping.get("cost"), given_lease(keeping.get("ttl"))
        return Terms(
            content=lambda result: Content(result, cost=micros_of(told(cost, result))),
            refused=is_error,
            accept=keeping.get("accept"),
            lease=lease,
            stale_for=staleness(keeping.get("stale_for"), lease),
            negative=given_lease(keeping.get("negative_ttl")),
            type=keeping.get("type"),
        )
