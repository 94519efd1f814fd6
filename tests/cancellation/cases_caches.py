"""The calls of the caches: what each costs, and how it is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.cancellation.case import ONE, Case, Trips
from threadkeep import AsyncStore
from threadkeep.layers.cache_names import entry_ref, stored_name
from threadkeep.model.refs import Ref

TOOL, KEPT, NEW, STREAMED = "search", {"n": 1}, {"n": 2}, {"n": 3}
MODEL = "m"
ASKED, ANEW = {"model": MODEL, "messages": ["kept"]}, {"model": MODEL, "messages": ["new"]}
NO_IO = {
    "AsyncTools": {"cached", "key"},
    "AsyncLlm": {"cached", "key"},
}
READ_TWO: Trips = {"run": 2}


async def fill(store: AsyncStore) -> None:
    """Put results of a tool and of a model into a store, and a policy that this process knows."""
    await store.tools.set_policy(TOOL, ttl=600)
    await store.tools.refresh()
    await store.tools.store(TOOL, KEPT, "kept", ttl=600)
    await store.llm.store(ASKED, "kept", ttl=600)
    assert [piece async for piece in store.tools.record(TOOL, KEPT, _pieces(), ttl=600)]
    assert [piece async for piece in store.llm.record(ASKED, _pieces(), ttl=600)]
    await store.stats()


def refs(store: AsyncStore) -> list[Ref]:
    """Return where the results of the cases stand."""
    keys = [store.tools.key(args) for args in (KEPT, NEW, STREAMED)]
    asked = [store.llm.key(params) for params in (ASKED, ANEW)]
    tools = [entry_ref("default", "tool", stored_name(TOOL), key) for key in keys]
    return [*tools, *(entry_ref("default", "llm", stored_name(MODEL), key) for key in asked)]


async def is_free(store: AsyncStore) -> None:
    """See that no claim of a call was left: it would hold up whoever needs the result."""
    await store.tools.invalidate(TOOL, NEW)
    await store.llm.invalidate(ANEW)
    assert await store.tools.run(TOOL, NEW, _fetch) == "new"
    assert await store.llm.run(ANEW, _fetch) == "new"
    assert (await store.tools.check(TOOL, NEW)).response == "new", "somebody else has the claim"
    assert (await store.llm.check(ANEW)).response == "new", "somebody else has the claim"


async def _fetch(**_: Any) -> str:
    await asyncio.sleep(0)
    return "new"


async def _pieces(**_: Any) -> AsyncIterator[str]:
    for piece in ("a", "b"):
        await asyncio.sleep(0)
        yield piece


async def _drain(pieces: AsyncIterator[Any]) -> None:
    assert [piece async for piece in pieces] == ["a", "b"]


def _tools(
    name: str,
    call: Callable[[Any], Awaitable[object]],
    trips: Trips | None = ONE,
    *,
    steps: bool = False,
) -> Case:
    return Case((f"AsyncTools.{name}",), lambda store: call(store.tools), trips, steps=steps)


def _llm(
    name: str,
    call: Callable[[Any], Awaitable[object]],
    trips: Trips | None = ONE,
    *,
    steps: bool = False,
) -> Case:
    return Case((f"AsyncLlm.{name}",), lambda store: call(store.llm), trips, steps=steps)


CASES: dict[str, Case] = {
    "tools.check": _tools("check", lambda tools: tools.check(TOOL, KEPT)),
    "tools.check missing": _tools("check", lambda tools: tools.check(TOOL, NEW)),
    "tools.store": _tools("store", lambda tools: tools.store(TOOL, NEW, 1)),
    "tools.run hit": _tools("run", lambda tools: tools.run(TOOL, KEPT, _fetch)),
    "tools.run miss": _tools(
        "run", lambda tools: tools.run(TOOL, NEW, _fetch), {"run": 3}, steps=True
    ),
    "tools.run anew": _tools("run", lambda tools: tools.run(TOOL, KEPT, _fetch, refresh=True)),
    "tools.record": _tools("record", lambda tools: _drain(tools.record(TOOL, STREAMED, _pieces()))),
    "tools.replay": _tools("replay", lambda tools: tools.replay(TOOL, KEPT)),
    "tools.stream": _tools(
        "stream", lambda tools: _drain(tools.stream(TOOL, STREAMED, _pieces)), READ_TWO
    ),
    "tools.invalidate": _tools("invalidate", lambda tools: tools.invalidate(TOOL, KEPT)),
    "tools.invalidate_tool": _tools(
        "invalidate_tool", lambda tools: tools.invalidate_tool(TOOL), {"scan": 1, "run": 1}
    ),
    "tools.clear": _tools("clear", lambda tools: tools.clear(), {"scan": 1, "run": 1}),
    "tools.set_policy": _tools("set_policy", lambda tools: tools.set_policy(TOOL, ttl=60)),
    "tools.delete_policy": _tools("delete_policy", lambda tools: tools.delete_policy(TOOL)),
    "tools.get_policy": _tools("get_policy", lambda tools: tools.get_policy(TOOL), {}),
    "tools.policies": _tools("policies", lambda tools: tools.policies(), {}),
    "tools.refresh": _tools("refresh", lambda tools: tools.refresh()),
    "tools.stats": _tools("stats", lambda tools: tools.stats(), {"scan": 1, "run": 1}),
    "tools.effectiveness": _tools(
        "effectiveness", lambda tools: tools.effectiveness(), {"scan": 1, "run": 1}
    ),
    "llm.check": _llm("check", lambda llm: llm.check(ASKED)),
    "llm.store": _llm("store", lambda llm: llm.store(ANEW, "text")),
    "llm.run hit": _llm("run", lambda llm: llm.run(ASKED, _fetch)),
    "llm.run miss": _llm("run", lambda llm: llm.run(ANEW, _fetch), {"run": 3}, steps=True),
    "llm.record": _llm("record", lambda llm: _drain(llm.record(ANEW, _pieces()))),
    "llm.replay": _llm("replay", lambda llm: llm.replay(ASKED)),
    "llm.stream": _llm("stream", lambda llm: _drain(llm.stream(ANEW, _pieces)), READ_TWO),
    "llm.invalidate": _llm("invalidate", lambda llm: llm.invalidate(ASKED)),
    "llm.invalidate_model": _llm(
        "invalidate_model", lambda llm: llm.invalidate_model(MODEL), {"scan": 1, "run": 1}
    ),
    "llm.clear": _llm("clear", lambda llm: llm.clear(), {"scan": 1, "run": 1}),
    "llm.stats": _llm("stats", lambda llm: llm.stats(), {"scan": 1, "run": 1}),
    "stats": Case(("AsyncStore.stats",), lambda store: store.stats(), {"scan": 2, "run": 2}),
    "reset_stats": Case(
        ("AsyncStore.reset_stats",), lambda store: store.reset_stats(), {"scan": 2, "run": 2}
    ),
}
