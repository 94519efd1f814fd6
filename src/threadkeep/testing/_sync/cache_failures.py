# Generated from src/threadkeep/testing/_async/cache_failures.py by scripts/unasync. Do not edit.
"""What the caches do when something is wrong."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import CodecError, Unavailable
from threadkeep.layers.cache_entries import MAP
from threadkeep.layers.cache_names import entry_ref
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import Sliding
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._sync.broken import Broken
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.fixtures import MakeStore
from threadkeep.testing._sync.upstream import Upstream

ARGS = {"n": 1}

DAMAGED = (b"", b"j{", b"j[]", b'j{"response":1,"cost":-1}', b'j{"response":1,"x":1}', b"\xff")


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
