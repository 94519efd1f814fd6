# Generated from src/threadkeep/testing/_async/policies.py by scripts/unasync. Do not edit.
"""Policies: the ttl of a tool's results, stored."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import UsageError
from threadkeep.layers.cache_policies import MAP as POLICY_MAP
from threadkeep.model.caches import ToolPolicy
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore

ARGS = {"n": 1}


class TestPolicies:
    """A tool's ttl that is stored, and which ttl holds."""

    def test_the_nearest_ttl_holds(self, make_store: MakeStore, clock: Clock) -> None:
        store = make_store(ttl={"tool": clock.span(60)})
        store.tools.set_policy("policy", ttl=clock.span(10))
        for tool, ttl in (("policy", None), ("policy", 20), ("default", None)):
            given = None if ttl is None else clock.span(ttl)
            store.tools.store(tool, {"ttl": ttl}, 1, ttl=given)
        clock.pass_(11)
        assert not (store.tools.check("policy", {"ttl": None})).hit
        assert (store.tools.check("policy", {"ttl": 20})).hit
        clock.pass_(11)
        assert not (store.tools.check("policy", {"ttl": 20})).hit
        assert (store.tools.check("default", {"ttl": None})).hit
        clock.pass_(40)
        assert not (store.tools.check("default", {"ttl": None})).hit

    def test_policies_are_stored(self, make_store: MakeStore, store: Store) -> None:
        other = make_store()
        assert other.tools.policies() == {}
        store.tools.set_policy("b:c", ttl=60)
        store.tools.set_policy("a", ttl=FOREVER)
        expected = {"a": ToolPolicy("a", FOREVER), "b:c": ToolPolicy("b:c", Sliding(60))}
        assert store.tools.policies() == expected
        assert store.tools.get_policy("b:c") == expected["b:c"]
        assert store.tools.get_policy("none") is None
        assert other.tools.policies() == {}  # what it knows is under 30 seconds old
        other.tools.refresh()
        assert other.tools.policies() == expected
        assert store.tools.delete_policy("a")
        assert not store.tools.delete_policy("a")
        assert list(store.tools.policies()) == ["b:c"]
        store.tools.store("b:c", {}, 1)
        store.tools.store("other", {}, 1)
        assert store.tools.invalidate_tool("b:c") == 1
        assert store.tools.clear() == 1
        assert store.tools.clear() == 0
        assert list(store.tools.policies()) == ["b:c"]

    def test_a_damaged_policy_does_not_stop_the_others(self, store: Store) -> None:
        store.tools.set_policy("good", ttl=60)
        ref = Ref(store.namespace, "tool", "%policies")
        (store.ready()).run(Batch(ref, (Set(POLICY_MAP, {"bad": b"j5"}),)))
        store.tools.refresh()
        assert list(store.tools.policies()) == ["good"]
        store.tools.set_policy("bad", ttl=1)
        assert list(store.tools.policies()) == ["bad", "good"]

    def test_policies_that_cannot_be_are_refused(self, store: Store) -> None:
        for ttl in (0, -1, "60", None, float("inf")):
            with pytest.raises(UsageError):
                store.tools.set_policy("t", ttl=ttl)  # pyright: ignore[reportArgumentType] - what is refused
        with pytest.raises(UsageError, match="tool name"):
            store.tools.set_policy("", ttl=1)
        assert store.tools.policies() == {}
