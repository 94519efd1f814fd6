# Generated from src/threadkeep/testing/_async/counts.py by scripts/unasync. Do not edit.
"""What the caches know of themselves: policies, counts, advice; and what they do when something is wrong."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import CodecError, Unavailable, UsageError
from threadkeep.layers.cache_entries import MAP
from threadkeep.layers.cache_names import entry_ref
from threadkeep.layers.cache_policies import MAP as POLICY_MAP
from threadkeep.model.caches import CacheCounts, CacheOptions, ToolPolicy
from threadkeep.model.leases import FOREVER, Sliding
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._sync.broken import Broken
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.upstream import Upstream
from threadkeep.testing.tasks import Tasks

ARGS = {"n": 1}
DAMAGED = (b"", b"j{", b"j[]", b'j{"response":1,"cost":-1}', b'j{"response":1,"x":1}', b"\xff")


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
        assert store.tools.invalidate_tool("b:c") == 0
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


class TestCounts:
    """Counts are added up over all processes and lose nothing at a clean end."""

    def test_what_is_counted(self, store: Store) -> None:
        for number in range(4):
            store.tools.store("t", {"n": number}, number, cost=0.5)
            store.tools.check("t", {"n": number % 2})
        store.tools.check("t", {"n": -1})
        store.tools.check("other", ARGS)
        stats = store.stats()
        counts = stats.tools.by_name["t"]
        assert counts == CacheCounts(hits=4, misses=1, stores=4, saved_micros=2_000_000)
        assert (counts.lookups, counts.hit_rate) == (5, 0.8)
        assert stats.tools.by_name["other"] == CacheCounts(misses=1)
        assert stats.tools.total == CacheCounts(hits=4, misses=2, stores=4, saved_micros=2_000_000)
        assert list(stats.tools.by_name) == ["other", "t"]
        assert stats.saved_micros == 2_000_000
        assert stats.llm.total == CacheCounts()

    def test_counts_of_all_processes(self, make_store: MakeStore, store: Store) -> None:
        stores = [make_store() for _ in range(4)]
        Tasks.together(*[lambda s=s: s.tools.check("t", ARGS) for s in stores for _ in range(25)])
        for one in stores:
            one.close()
        assert (store.stats()).tools.by_name["t"].misses == 100

    def test_counts_are_sent_without_being_asked_for(
        self, make_store: MakeStore, store: Store
    ) -> None:
        other = make_store(caches=CacheOptions(flush_seconds=0.01))
        for number in (1, 2):
            other.tools.check("t", ARGS)

            def sent(number: int = number) -> bool:
                return (store.stats()).tools.total.misses == number

            Tasks.until(sent)

    def test_counts_can_begin_anew(self, store: Store) -> None:
        store.tools.check("t", ARGS)
        store.llm.check({"model": "m"})
        assert (store.stats()).llm.by_name == {"m": CacheCounts(misses=1)}
        store.reset_stats()
        stats = store.stats()
        assert (stats.tools.by_name, stats.llm.by_name) == ({}, {})
        store.tools.check("t", ARGS)
        assert (store.stats()).tools.total.misses == 1

    def test_a_lost_answer_counts_once(self, make_store: MakeStore, store: Store) -> None:
        engine = Broken(store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))
        other.tools.check("t", ARGS)
        engine.lost = 1
        with pytest.raises(Unavailable):
            other.stats()
        other.tools.check("t", ARGS)
        assert (other.stats()).tools.total.misses == 2

    def test_any_name_is_counted(self, store: Store) -> None:
        for name in ("__proto__", "a:b", "a%", "\n", "x" * 512, "%counts00"):
            store.tools.check(name, ARGS)
            assert (store.stats()).tools.by_name[name] == CacheCounts(misses=1)

    def test_advice(self, store: Store) -> None:
        rates = {"often": 19, "half": 10, "seldom": 3, "never": 0, "few": 5}
        store.tools.set_policy("often", ttl=60)
        for tool, hits in rates.items():
            lookups = 5 if tool == "few" else 20
            store.tools.store(tool, {"n": 0}, 1, cost=hits)
            for number in range(lookups):
                store.tools.check(tool, {"n": 0 if number < hits else number + 1})
        found = store.tools.effectiveness()
        assert {one.tool: one.advice for one in found} == {
            "often": "raise",
            "half": "keep",
            "few": "keep",
            "seldom": "lower",
            "never": "disable",
        }
        assert [one.tool for one in found] == ["often", "half", "few", "seldom", "never"]
        assert (found[0].ttl, found[1].ttl, found[0].hit_rate) == (60, 3_600, 0.95)
        store.tools.set_policy("often", ttl=7_200)
        assert (store.tools.effectiveness())[0].advice == "keep"


class TestCacheFailures:
    """A cache that fails costs a call more, nothing else, and says so in its counts."""

    def test_a_failing_engine_is_a_miss(
        self, make_store: MakeStore, store: Store, upstream: Upstream
    ) -> None:
        engine = Broken(store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))
        store.tools.store("t", ARGS, "kept")
        engine.down = True
        assert not (other.tools.check("t", ARGS)).hit
        assert other.tools.store("t", ARGS, "new") is None
        assert (other.tools.run("t", ARGS, upstream))["call"] == 1
        assert (other.llm.run({"model": "m"}, upstream))["call"] == 2
        for call in (
            lambda: other.tools.invalidate("t", ARGS),
            lambda: other.tools.invalidate_tool("t"),
            lambda: other.tools.set_policy("t", ttl=1),
            other.tools.refresh,
            other.stats,
        ):
            with pytest.raises(Unavailable):
                call()
        engine.down = False
        assert (other.tools.check("t", ARGS)).response == "kept"
        counts = (other.stats()).tools.by_name["t"]
        assert (counts.errors, counts.misses, counts.hits) == (3, 2, 1)

    def test_an_engine_that_fails_while_the_tool_is_called(
        self, make_store: MakeStore, store: Store, upstream: Upstream
    ) -> None:
        engine = Broken(store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))

        def fails_meanwhile(**args: object) -> object:
            engine.down = True
            return upstream(**args)

        assert (other.tools.run("t", ARGS, fails_meanwhile, ttl=60))["call"] == 1
        engine.down = False
        assert not (other.tools.check("t", ARGS)).hit

    def test_raising_is_an_option(
        self, make_store: MakeStore, store: Store, upstream: Upstream
    ) -> None:
        engine = Broken(store.ready())
        options = CacheOptions(on_error="raise", flush_seconds=3_600)
        other = make_store(engine=engine, caches=options)
        engine.down = True
        for call in (
            lambda: other.tools.check("t", ARGS),
            lambda: other.tools.store("t", ARGS, 1),
            lambda: other.tools.run("t", ARGS, upstream),
        ):
            with pytest.raises(Unavailable):
                call()
        assert not upstream.calls
        engine.down = False
        _damage(store, b"j{")
        with pytest.raises(CodecError):
            other.tools.check("t", ARGS)

    @pytest.mark.parametrize("data", DAMAGED)
    def test_a_damaged_entry_is_a_miss_and_is_replaced(
        self, store: Store, upstream: Upstream, data: bytes
    ) -> None:
        _damage(store, data)
        assert not (store.tools.check("t", ARGS)).hit
        counts = (store.stats()).tools.by_name["t"]
        assert (counts.corrupt, counts.misses) == (1, 1)
        store.tools.store("t", ARGS, "new")
        assert (store.tools.check("t", ARGS)).response == "new"
        _damage(store, data)
        assert (store.tools.run("t", ARGS, upstream))["call"] == 1
        assert (store.tools.check("t", ARGS)).response["call"] == 1

    def test_an_entry_of_another_type_is_a_miss(self, store: Store) -> None:
        store.tools.store("t", ARGS, "text")
        assert not (store.tools.check("t", ARGS, type=int)).hit
        assert (store.tools.check("t", ARGS, type=str)).hit

    def test_a_hit_renews_only_where_asked_for(
        self, make_store: MakeStore, store: Store, clock: Clock
    ) -> None:
        sliding = make_store(caches=CacheOptions(sliding=True))
        store.tools.store("fixed", ARGS, 1, ttl=clock.span(20))
        sliding.tools.store("sliding", ARGS, 1, ttl=clock.span(20))
        for _ in range(3):
            clock.pass_(8)
            store.tools.check("fixed", ARGS)
            assert (sliding.tools.check("sliding", ARGS)).hit
        assert not (store.tools.check("fixed", ARGS)).hit


def _damage(store: Store, data: bytes) -> None:
    key = store.tools.key(ARGS)
    ref = entry_ref(store.namespace, "tool", "t", key)
    (store.ready()).run(Batch(ref, (Set(MAP, {key: data}, Sliding(60)),)))
