"""One entry for each public call: how to make it, and what it costs. A call without one fails a test."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from tests.cancellation import cases_caches, cases_parts
from tests.cancellation.case import ONE, Case, Trips
from threadkeep import AsyncKv, AsyncStore
from threadkeep._async.caches.llm import AsyncLlm
from threadkeep._async.caches.tools import AsyncTools
from threadkeep._async.entity import AsyncEntity, AsyncThread
from threadkeep._async.kv_listing import AsyncKvListing
from threadkeep._async.listing import AsyncListing
from threadkeep._async.messages import AsyncMessages
from threadkeep._async.parts import AsyncParts
from threadkeep._async.snapshots import AsyncSessions, AsyncSnapshots
from threadkeep._async.state import AsyncState
from threadkeep._async.turn import AsyncTurn
from threadkeep.model.records import Change

SCAN: Trips = {"scan": 1}
THREAD = "t"
SPACE = "notes"
OLD = ("old-1", "old-2", "old-3")  # their leases have run out
WRITES = 5

CLASSES = (
    AsyncStore,
    AsyncEntity,
    AsyncKv,
    AsyncKvListing,
    AsyncThread,
    AsyncState,
    AsyncMessages,
    AsyncSnapshots,
    AsyncParts,
    AsyncSessions,
    AsyncListing,
    AsyncTurn,
    AsyncTools,
    AsyncLlm,
)
PROTOCOLS = ("__aenter__", "__aexit__", "__aiter__")
NO_IO = {
    "AsyncStore": {
        "app",
        "entity_lease",
        "field_lease",
        "from_client",
        "kv",
        "kv_namespaces",
        "llm",
        "on",
        "sessions",
        "thread",
        "threads",
        "tools",
        "user",
    },
    "AsyncEntity": {"id", "namespace"},
    "AsyncKv": {"keys", "namespace", "refresh", "search"},
    "AsyncThread": {"id", "namespace"},
    "AsyncTurn": {"held", "token"},
    **cases_caches.NO_IO,
}


def public() -> Iterator[str]:
    """Every public name of the facades, as `Class.name`."""
    for owner in CLASSES:
        for name, _ in inspect.getmembers(owner):
            if not name.startswith("_") or name in PROTOCOLS:
                yield f"{owner.__name__}.{name}"


async def fill(store: AsyncStore) -> None:
    """Put something of everything into a store; threads named OLD have a lease of 10 seconds."""
    thread = store.thread(THREAD)
    await thread.state.update({"a": 1, "list": [1, 2], "b": "x"}, ttl=600)
    await thread.messages.append(
        {"role": "user", "content": "one"},
        {"role": "assistant", "tool_calls": [{"id": "c1"}]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": "assistant", "content": "two", "id": "m4"},
    )
    await thread.snapshots.save({"n": 1})
    await cases_parts.fill(store)
    await thread.set_labels(user="alice")
    await store.user("alice").state.set("name", "Alice")
    await store.app().state.set("motto", "keep")
    await store.sessions.save("s", {"agent": 1})
    await store.kv(SPACE).set_defaults(ttl=600)
    await store.kv(SPACE).set_many({"a": 1, "b": "text"})
    await cases_caches.fill(store)
    for name in OLD:
        old = store.thread(name)
        await old.state.set("last", name)
        await old.touch(ttl=10)


def _thread(store: AsyncStore) -> AsyncThread:
    return store.thread(THREAD)


async def _first(watching: AsyncIterator[Change]) -> None:
    assert (await anext(watching)).exists


async def _list(store: AsyncStore) -> None:
    found = [info.id async for info in store.threads()]
    assert sorted(found) == ["s", THREAD]


async def _turn(store: AsyncStore, policy: str) -> None:
    async with _thread(store).turn(policy):
        await _thread(store).state.set("within", 1)


async def _enter(store: AsyncStore) -> None:
    async with store:
        pass


async def _sweeper(store: AsyncStore) -> None:
    async with store.sweeper(every=0.01):
        await _thread(store).state.get("a")


def _state(name: str, call: Callable[[AsyncState], Awaitable[object]], trips: Trips = ONE) -> Case:
    return Case((f"AsyncState.{name}",), lambda store: call(_thread(store).state), trips)


def _messages(
    name: str, call: Callable[[AsyncMessages], Awaitable[object]], trips: Trips = ONE
) -> Case:
    return Case((f"AsyncMessages.{name}",), lambda store: call(_thread(store).messages), trips)


def _snapshots(name: str, call: Callable[[AsyncSnapshots], Awaitable[object]]) -> Case:
    return Case((f"AsyncSnapshots.{name}",), lambda store: call(_thread(store).snapshots))


def _sessions(
    name: str, call: Callable[[AsyncSessions], Awaitable[object]], trips: Trips = ONE
) -> Case:
    return Case((f"AsyncSessions.{name}",), lambda store: call(store.sessions), trips)


def _kv(
    name: str,
    call: Callable[[AsyncKv], Awaitable[object]],
    trips: Trips = ONE,
    *,
    steps: bool = False,
) -> Case:
    return Case((f"AsyncKv.{name}",), lambda store: call(store.kv(SPACE)), trips, steps=steps)


def _anew(kv: AsyncKv) -> AsyncKv:
    kv.refresh()
    return kv


async def _keys(store: AsyncStore) -> None:
    keys = store.kv(SPACE).keys()
    assert [key async for key in keys] == ["a", "b"]


def _entity(name: str, call: Callable[[AsyncEntity], Awaitable[object]]) -> list[Case]:
    return [
        Case((f"AsyncThread.{name}",), lambda store: call(_thread(store))),
        Case((f"AsyncEntity.{name}",), lambda store: call(store.user("alice"))),
    ]


def _grow(found: Any) -> int:
    return (found or 0) + 1


TEXT = {"role": "user", "content": "new"}
CASES: dict[str, Case] = {
    "state.get": _state("get", lambda state: state.get("a")),
    "state.get_many": _state("get_many", lambda state: state.get_many(["a", "b"])),
    "state.get_all": _state("get_all", lambda state: state.get_all()),
    "state.entry": _state("entry", lambda state: state.entry("a")),
    "state.entries": _state("entries", lambda state: state.entries()),
    "state.has": _state("has", lambda state: state.has("a")),
    "state.keys": _state("keys", lambda state: state.keys()),
    "state.size": _state("size", lambda state: state.size()),
    "state.set": _state("set", lambda state: state.set("a", 2)),
    "state.set guarded": _state("set", lambda state: state.set("new", 2, if_absent=True)),
    "state.update": _state("update", lambda state: state.update({"a": 2, "new": 3})),
    "state.increment": _state("increment", lambda state: state.increment("a")),
    "state.delete": _state("delete", lambda state: state.delete("a", "b")),
    "state.clear": _state("clear", lambda state: state.clear()),
    "state.touch": _state("touch", lambda state: state.touch()),
    "state.push": _state("push", lambda state: state.push("list", 3), {"run": 2}),
    "state.mutate": _state("mutate", lambda state: state.mutate("a", _grow), {"run": 2}),
    "messages.append": _messages("append", lambda messages: messages.append(TEXT, TEXT)),
    "messages.list": _messages("list", lambda messages: messages.list()),
    "messages.list last": _messages("list", lambda messages: messages.list(last=1)),
    "messages.list back": _messages(
        "list", lambda messages: messages.list(last=1, before=4), {"run": 2}
    ),
    "messages.entries": _messages("entries", lambda messages: messages.entries(limit=2)),
    "messages.count": _messages("count", lambda messages: messages.count()),
    "messages.pop": _messages("pop", lambda messages: messages.pop()),
    "messages.trim": _messages("trim", lambda messages: messages.trim(keep_last=2), {"run": 2}),
    "messages.trim all": _messages("trim", lambda messages: messages.trim(keep_last=0)),
    "messages.replace": _messages("replace", lambda messages: messages.replace([TEXT], if_head=4)),
    "messages.clear": _messages("clear", lambda messages: messages.clear()),
    "snapshots.save": _snapshots("save", lambda snapshots: snapshots.save({"n": 2})),
    "snapshots.load": _snapshots("load", lambda snapshots: snapshots.load()),
    "snapshots.entry": _snapshots("entry", lambda snapshots: snapshots.entry(revision=1)),
    "snapshots.exists": _snapshots("exists", lambda snapshots: snapshots.exists()),
    "snapshots.history": _snapshots("history", lambda snapshots: snapshots.history()),
    "snapshots.delete": _snapshots("delete", lambda snapshots: snapshots.delete()),
    "sessions.save": _sessions("save", lambda sessions: sessions.save("s", {"agent": 2})),
    "sessions.load": _sessions("load", lambda sessions: sessions.load("s")),
    "sessions.has": _sessions("has", lambda sessions: sessions.has("s")),
    "sessions.delete": _sessions("delete", lambda sessions: sessions.delete("s")),
    "sessions.list": _sessions("list", lambda sessions: sessions.list(), SCAN),
    "kv.get": _kv("get", lambda kv: kv.get("a")),
    "kv.get_many": _kv("get_many", lambda kv: kv.get_many(["a", "b"]), {"run": 2}),
    "kv.has": _kv("has", lambda kv: kv.has("a")),
    "kv.touch": _kv("touch", lambda kv: kv.touch("a")),
    "kv.set": _kv("set", lambda kv: kv.set("a", 2)),
    "kv.set anew": _kv("set", lambda kv: _anew(kv).set("a", 2), {"run": 2}),
    "kv.set with ttl": _kv("set", lambda kv: kv.set("a", 2, ttl=60)),
    "kv.set guarded": _kv("set", lambda kv: kv.set("a", 2, ttl=60, if_revision=1)),
    "kv.set_many": _kv(
        "set_many", lambda kv: kv.set_many({"a": 2, "new": 3}, ttl=60), {"run": 2}, steps=True
    ),
    "kv.delete": _kv("delete", lambda kv: kv.delete("a")),
    "kv.delete many": _kv("delete", lambda kv: kv.delete("a", "b"), {"run": 2}, steps=True),
    "kv.stats": _kv("stats", lambda kv: kv.stats(), SCAN),
    "kv.search": _kv("search", lambda kv: kv.search("A").page(), {"scan": 1, "run": 1}),
    "kv.defaults": _kv("defaults", lambda kv: _anew(kv).defaults()),
    "kv.set_defaults": _kv("set_defaults", lambda kv: kv.set_defaults(ttl=60)),
    "kv.delete_namespace": _kv(
        "delete_namespace", lambda kv: kv.delete_namespace(), {"scan": 1, "run": 3}, steps=True
    ),
    "kv listing": Case(("AsyncKvListing.__aiter__",), _keys, SCAN),
    "kv listing.page": Case(
        ("AsyncKvListing.page",), lambda store: store.kv(SPACE).keys().page(), SCAN
    ),
    "kv namespaces": Case((), lambda store: store.kv_namespaces().page(), {"scan": 2}),
    **{f"info {i}": c for i, c in enumerate(_entity("info", lambda entity: entity.info()))},
    **{
        f"set_labels {i}": c
        for i, c in enumerate(_entity("set_labels", lambda entity: entity.set_labels(topic="x")))
    },
    **{
        f"touch {i}": c for i, c in enumerate(_entity("touch", lambda entity: entity.touch(ttl=99)))
    },
    **{
        f"destroy {i}": c for i, c in enumerate(_entity("destroy", lambda entity: entity.destroy()))
    },
    "destroy told": Case(
        ("AsyncThread.destroy",),
        lambda store: _thread(store).destroy(),
        {"run": 5, "claim": 1},
        told=True,
        steps=True,
    ),
    "state.set on an ended thread": Case(
        ("AsyncState.set",),
        lambda store: store.thread(OLD[0]).state.set("again", 1),
        {"run": 5, "claim": 1},
        told=True,
        steps=True,
    ),
    "thread.fork": Case(
        ("AsyncThread.fork",), lambda store: _thread(store).fork("copy"), {"run": 3}
    ),
    "thread.watch": Case(
        ("AsyncThread.watch",), lambda store: _first(_thread(store).watch(after=0)), {}
    ),
    "entity.watch": Case(
        ("AsyncEntity.watch",), lambda store: _first(store.user("alice").watch(after=0)), {}
    ),
    "turn queue": Case(
        ("AsyncThread.turn", "AsyncTurn.__aenter__", "AsyncTurn.__aexit__"),
        lambda store: _turn(store, "queue"),
        {"run": WRITES},
        steps=True,
    ),
    "turn reject": Case(
        ("AsyncThread.turn",), lambda store: _turn(store, "reject"), {"run": WRITES}, steps=True
    ),
    "turn interrupt": Case(
        ("AsyncThread.turn",), lambda store: _turn(store, "interrupt"), {"run": 3}, steps=True
    ),
    "listing": Case(("AsyncListing.__aiter__",), _list, SCAN),
    "listing.page": Case(("AsyncListing.page",), lambda store: store.threads().page(), SCAN),
    **cases_parts.CASES,
    **cases_caches.CASES,
    "sweep": Case(("AsyncStore.sweep",), lambda store: store.sweep(), {"claim": 2, "run": 3}),
    "sweep told": Case(
        ("AsyncStore.sweep",), lambda store: store.sweep(), {"claim": 2, "run": 9}, told=True
    ),
    "sweeper": Case(("AsyncStore.sweeper",), _sweeper, None),
    "sweeper told": Case(("AsyncStore.sweeper",), _sweeper, None, told=True),
    "ready": Case(("AsyncStore.ready",), lambda store: store.ready(), None, cold=True),
    "capabilities": Case(
        ("AsyncStore.capabilities",), lambda store: store.capabilities(), None, cold=True
    ),
    "first use": Case((), lambda store: _thread(store).state.get("a"), None, cold=True),
    "open and close": Case(
        ("AsyncStore.__aenter__", "AsyncStore.__aexit__"), _enter, None, cold=True, ends=True
    ),
    "aclose": Case(("AsyncStore.aclose",), lambda store: store.aclose(), None, ends=True),
}
