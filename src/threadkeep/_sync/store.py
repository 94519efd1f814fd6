# Generated from src/threadkeep/_async/store.py by scripts/unasync. Do not edit.
"""`Store`: where it all begins."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from types import TracebackType
from typing import Any, Self

from threadkeep._sync.caches.caches import Caches
from threadkeep._sync.caches.llm import Llm
from threadkeep._sync.caches.tools import Tools
from threadkeep._sync.clients import engine_of
from threadkeep._sync.entity import Entity, Thread
from threadkeep._sync.kv import Kv
from threadkeep._sync.kv_defaults import KnownDefaults
from threadkeep._sync.kv_listing import KvListing, namespaces
from threadkeep._sync.lifecycle import Handler, Lifecycle
from threadkeep._sync.listing import Listing
from threadkeep._sync.scope import Scope
from threadkeep._sync.snapshots import Sessions
from threadkeep._sync.state import Ttl
from threadkeep._sync.sweeping import sweeping
from threadkeep._sync.urls import open_engine
from threadkeep.concurrency import Lock
from threadkeep.errors import UsageError
from threadkeep.layers.windows import ToolRule, tool_use
from threadkeep.model.caches import CacheOptions, StoreStats
from threadkeep.model.defaults import Clock, default_leases, micros_of
from threadkeep.model.ids import new_id
from threadkeep.model.leases import FOREVER, Lease, lease_of
from threadkeep.model.options import Limits
from threadkeep.model.records import Swept
from threadkeep.model.refs import Kind, check_name, ref
from threadkeep.ops.engine import Capabilities, Engine

DEFAULT_URL = "sqlite:///threadkeep.db"
Wrapper = Callable[[Engine], Engine]


class Store:
    """The state store of an application, for asyncio.

    Connects at first use, so it works with and without `with`; `close` ends it. One event loop.

    Args:
        url: where things are kept; see the table of engines. Or pass `engine`.
        token: the key that a server asks for (`http://`, `https://`).
        namespace: the isolation boundary; nothing of another namespace is ever seen.
        ttl: default lease of fields: of threads, or by kind as a mapping. FOREVER when omitted, an hour for
            the kinds `tool` and `llm`.
        thread_ttl: lease of threads themselves, renewed by any read or write. None: threads stay.
        limits: what a call may weigh.
        clock: seconds since 1970, for tests; engines in this process take it, servers use their own.
        durable: acknowledge a write when it survives a power cut; refuse an engine that cannot promise it.
        wrap: wrappers of the engine, innermost first, such as `encrypt(...)`.
        tool_rule: how to tell tool calls and results in messages of another shape.
        snapshots: how many snapshots of a thread to keep.
        caches: how `tools` and `llm` behave.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        engine: Engine | None = None,
        token: str | None = None,
        namespace: str = "default",
        ttl: Ttl | Mapping[Kind, Ttl] = None,
        thread_ttl: Ttl = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        durable: bool = False,
        wrap: Sequence[Wrapper] = (),
        tool_rule: ToolRule = tool_use,
        snapshots: int = 10,
        caches: CacheOptions | None = None,
    ) -> None:
        self.namespace = check_name(namespace, "namespace")
        self.limits = limits or Limits()
        self.tool_rule = tool_rule
        self.snapshots = snapshots
        self._leases = default_leases(ttl)
        self._thread_lease = None if thread_ttl is None else lease_of(thread_ttl, None, FOREVER)
        self.now = micros_of(clock)
        self._raw = engine or open_engine(url, self.now, self.limits, durable=durable, token=token)
        for wrapper in wrap:
            self._raw = wrapper(self._raw)
        self.engine: Engine | None = None
        self._durable = durable
        self._opening: Lock | None = None
        self._closed = False
        self.lifecycle = Lifecycle(self)
        self.kv_defaults = KnownDefaults(self)
        self._options = caches or CacheOptions()
        self._caches = Caches(self, self._options)
        self._parent: Self | None = None
        self._wrap: Sequence[Wrapper] = ()

    @classmethod
    def from_client(
        cls, client: object, *, layout: str | None = None, name: str | None = None, **options: Any
    ) -> Self:
        """Return a store on what your program has: a client, a pool, an engine of SQLAlchemy or a driver.

        It stays yours and is not closed. Of a client of redis-py or valkey-py only the settings are used; a pool
        of psycopg_pool, an engine of SQLAlchemy, a connection, a class with `get`, `set`, `delete` and `list` or
        with `query`, `run` and `exec` is used itself. `layout` and `name` are those of a URL, `options` those
        of the class but `url` and `engine`. Raises UsageError for anything else.
        """
        limits, durable = options.get("limits") or Limits(), options.get("durable", False)
        now = micros_of(options.get("clock"))
        engine = engine_of(client, limits, layout, name, now=now, durable=durable)
        return cls(engine=engine, **options)

    def within(self, namespace: str, *, wrap: Sequence[Wrapper] = ()) -> Self:
        """Return a store of another namespace on the same engine, with the same options. No I/O.

        `wrap`: wrappers that only the returned store has. Handlers of ended threads are shared. Close this
        store, not the returned one.
        """
        found = copy(self)
        found.namespace = check_name(namespace, "namespace")
        found.kv_defaults = KnownDefaults(found)
        found._caches = Caches(found, self._options)  # noqa: SLF001 - of this class
        found._parent, found._wrap, found.engine = self, wrap, None  # noqa: SLF001 - same
        return found

    def ready(self) -> Engine:
        """Connect if that is still to be done and return the engine."""
        if self.engine is not None:
            return self.engine
        if self._parent is not None:
            engine = self._parent.ready()
            for wrapper in self._wrap:
                engine = wrapper(engine)
            self.engine = engine
            return engine
        if self._closed:
            raise UsageError("this store is closed; open a new one")
        if self._opening is None:
            self._opening = Lock()
        with self._opening:
            if self._closed:
                raise UsageError("this store is closed; open a new one")
            if self.engine is None:
                self._raw.setup()
                kept = self._raw.capabilities.durability
                if self._durable and kept != "power-loss":
                    self._raw.close()
                    raise UsageError(
                        f"durable=True, but what this engine acknowledges survives only: {kept}"
                    )
                self.engine = self._raw
            return self.engine

    def capabilities(self) -> Capabilities:
        """Return what the engine can do and promises; connects."""
        return (self.ready()).capabilities

    def field_lease(self, kind: str) -> Lease:
        """Return the default lease of fields of a kind."""
        return self._leases.get(kind, FOREVER)

    def entity_lease(self, kind: str) -> Lease | None:
        """Return the lease that new entities of a kind get."""
        return self._thread_lease if kind == "thread" else None

    def _scope(self, kind: str, id_: str) -> Scope:
        return Scope(self, ref(self.namespace, kind, id_))

    def thread(self, id: str | None = None) -> Thread:
        """Return a handle of a thread; without an id, of a new one (`thrd_` and 32 hex digits). No I/O.

        The handle remembers the incarnation it first meets: after that was destroyed its writes raise Gone.
        """
        return Thread(self._scope("thread", new_id("thrd") if id is None else id))

    def user(self, id: str) -> Entity:
        """Return a handle of what spans one user's threads. No I/O."""
        return Entity(self._scope("user", id))

    def app(self) -> Entity:
        """Return a handle of what spans all users of the namespace. No I/O."""
        return Entity(self._scope("app", "app"))

    def kv(self, namespace: str) -> Kv:
        """Return a handle of a key-value namespace, a name within the store's own namespace. No I/O."""
        return Kv(self, namespace)

    def kv_namespaces(
        self, prefix: str | None = None, *, cursor: str | None = None, limit: int | None = None
    ) -> KvListing[str]:
        """List the key-value namespaces that hold a key or have defaults, in order.

        Iterate with `for`, at most `limit`; or take pages with `.page(cursor)`. A trip a namespace,
        whatever the number of its keys.
        """
        return namespaces(self, prefix, cursor, limit)

    @property
    def tools(self) -> Tools:
        """Return the cache of tool results."""
        return Tools(self, self._caches)

    @property
    def llm(self) -> Llm:
        """Return the cache of model answers."""
        return Llm(self, self._caches)

    def stats(self) -> StoreStats:
        """Return what both caches brought, over all processes. At most two listings and 128 trips.

        The counts of this process are sent first; those of others may be a second old.
        """
        return self._caches.stats()

    def reset_stats(self) -> None:
        """Set the counts of both caches to zero."""
        self._caches.reset()

    @property
    def sessions(self) -> Sessions:
        """Return snapshots by session id."""
        return Sessions(self)

    def threads(
        self,
        *,
        prefix: str | None = None,
        limit: int | None = None,
        labels: Mapping[str, str] | None = None,
        **equal: str,
    ) -> Listing:
        """List threads: newest first, or by id where `prefix` is given; all labels must be equal.

        Iterate with `for`, at most `limit`; or take pages with `.page(cursor)`. A thread is neither
        missing nor twice in a full listing because of a write in between.
        """
        return Listing(self, "thread", {**(labels or {}), **equal}, prefix, limit)

    def on(
        self, event: str, handler: Handler | None = None, *, name: str | None = None
    ) -> Callable[..., Any]:
        """Call `handler(event)` when a thread has ended ("thread.destroyed"); returns how to take it back.

        Without a handler it is a decorator. At least once, also after crashes, and once when nobody dies; a
        handler that raises is called again later, the others are not. `name` tells handlers apart over
        processes (the function's own name by default).
        """
        if handler is not None:
            return self.lifecycle.on(event, handler, name)

        def register(function: Handler) -> Handler:
            self.lifecycle.on(event, function, name)
            return function

        return register

    def sweep(self) -> Swept:
        """End every thread whose lease has run out and reclaim what else has; once, now."""
        return self.lifecycle.sweep()

    @contextmanager
    def sweeper(self, *, every: float = 30) -> Generator[None]:
        """Sweep at once and then every so many seconds, in the background, until the block is left.

        Leaving it waits for the handlers that are running, not for the rest of the round.
        """
        self.ready()
        runner = sweeping(self.lifecycle, every)
        runner.start(now=True)
        try:
            yield
        finally:
            runner.stop()

    def close(self) -> None:
        """Finish what was begun and free everything; twice is fine. Calls after it raise UsageError."""
        if not self._closed:
            self._caches.close()
            self._closed = True
            self.engine = None
            if self._parent is None:
                self._raw.close()

    def __enter__(self) -> Self:
        self.ready()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
