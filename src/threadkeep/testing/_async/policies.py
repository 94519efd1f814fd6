"""Policies: the ttl of a tool's results, stored."""

from __future__ import annotations

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import UsageError
from threadkeep.layers.cache_policies import MAP as POLICY_MAP
from threadkeep.model.caches import ToolPolicy
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore

ARGS = {"n": 1}


@pytest.mark.anyio
class TestPolicies:
    """A tool's ttl that is stored, and which ttl holds."""

    async def test_the_nearest_ttl_holds(self, make_store: MakeStore, clock: AsyncClock) -> None:
        store = make_store(ttl={"tool": clock.span(60)})
        await store.tools.set_policy("policy", ttl=clock.span(10))
        for tool, ttl in (("policy", None), ("policy", 20), ("default", None)):
            given = None if ttl is None else clock.span(ttl)
            await store.tools.store(tool, {"ttl": ttl}, 1, ttl=given)
        await clock.pass_(11)
        assert not (await store.tools.check("policy", {"ttl": None})).hit
        assert (await store.tools.check("policy", {"ttl": 20})).hit
        await clock.pass_(11)
        assert not (await store.tools.check("policy", {"ttl": 20})).hit
        assert (await store.tools.check("default", {"ttl": None})).hit
        await clock.pass_(40)
        assert not (await store.tools.check("default", {"ttl": None})).hit

    async def test_policies_are_stored(self, make_store: MakeStore, store: AsyncStore) -> None:
        other = make_store()
        assert await other.tools.policies() == {}
        await store.tools.set_policy("b:c", ttl=60)
        await store.tools.set_policy("a", ttl=FOREVER)
        expected = {"a": ToolPolicy("a", FOREVER), "b:c": ToolPolicy("b:c", Sliding(60))}
        assert await store.tools.policies() == expected
        assert await store.tools.get_policy("b:c") == expected["b:c"]
        assert await store.tools.get_policy("none") is None
        assert await other.tools.policies() == {}  # what it knows is under 30 seconds old
        await other.tools.refresh()
        assert await other.tools.policies() == expected
        assert await store.tools.delete_policy("a")
        assert not await store.tools.delete_policy("a")
        assert list(await store.tools.policies()) == ["b:c"]
        await store.tools.store("b:c", {}, 1)
        await store.tools.store("other", {}, 1)
        assert await store.tools.invalidate_tool("b:c") == 1
        assert await store.tools.clear() == 1
        assert await store.tools.clear() == 0
        assert list(await store.tools.policies()) == ["b:c"]

    async def test_a_damaged_policy_does_not_stop_the_others(self, store: AsyncStore) -> None:
        await store.tools.set_policy("good", ttl=60)
        ref = Ref(store.namespace, "tool", "%policies")
        await (await store.ready()).run(Batch(ref, (Set(POLICY_MAP, {"bad": b"j5"}),)))
        await store.tools.refresh()
        assert list(await store.tools.policies()) == ["good"]
        await store.tools.set_policy("bad", ttl=1)
        assert list(await store.tools.policies()) == ["bad", "good"]

    async def test_policies_that_cannot_be_are_refused(self, store: AsyncStore) -> None:
        for ttl in (0, -1, "60", None, float("inf")):
            with pytest.raises(UsageError):
                await store.tools.set_policy("t", ttl=ttl)  # pyright: ignore[reportArgumentType] - what is refused
        with pytest.raises(UsageError, match="tool name"):
            await store.tools.set_policy("", ttl=1)
        assert await store.tools.policies() == {}
