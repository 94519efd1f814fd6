"""What the caches do when something is wrong."""

from __future__ import annotations

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import CodecError, Unavailable
from threadkeep.layers.cache_entries import MAP
from threadkeep.layers.cache_names import entry_ref
from threadkeep.model.caches import CacheOptions
from threadkeep.model.leases import Sliding
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._async.broken import AsyncBroken
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.fixtures import MakeStore
from threadkeep.testing._async.upstream import AsyncUpstream

ARGS = {"n": 1}

DAMAGED = (b"", b"j{", b"j[]", b'j{"response":1,"cost":-1}', b'j{"response":1,"x":1}', b"\xff")


@pytest.mark.anyio
class TestCacheFailures:
    """A cache that fails costs a call more, nothing else, and says so in its counts."""

    async def test_a_failing_engine_is_a_miss(
        self, make_store: MakeStore, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        engine = AsyncBroken(await store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))
        await store.tools.store("t", ARGS, "kept")
        engine.down = True
        assert not (await other.tools.check("t", ARGS)).hit
        assert await other.tools.store("t", ARGS, "new") is None
        assert (await other.tools.run("t", ARGS, upstream))["call"] == 1
        assert (await other.llm.run({"model": "m"}, upstream))["call"] == 2
        for call in (
            lambda: other.tools.invalidate("t", ARGS),
            lambda: other.tools.invalidate_tool("t"),
            lambda: other.tools.set_policy("t", ttl=1),
            other.tools.refresh,
            other.stats,
        ):
            with pytest.raises(Unavailable):
                await call()
        engine.down = False
        assert (await other.tools.check("t", ARGS)).response == "kept"
        counts = (await other.stats()).tools.by_name["t"]
        assert (counts.errors, counts.misses, counts.hits) == (3, 2, 1)

    async def test_an_engine_that_fails_while_the_tool_is_called(
        self, make_store: MakeStore, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        engine = AsyncBroken(await store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))

        async def fails_meanwhile(**args: object) -> object:
            engine.down = True
            return await upstream(**args)

        assert (await other.tools.run("t", ARGS, fails_meanwhile, ttl=60))["call"] == 1
        engine.down = False
        assert not (await other.tools.check("t", ARGS)).hit

    async def test_raising_is_an_option(
        self, make_store: MakeStore, store: AsyncStore, upstream: AsyncUpstream
    ) -> None:
        engine = AsyncBroken(await store.ready())
        options = CacheOptions(on_error="raise", flush_seconds=3_600)
        other = make_store(engine=engine, caches=options)
        engine.down = True
        for call in (
            lambda: other.tools.check("t", ARGS),
            lambda: other.tools.store("t", ARGS, 1),
            lambda: other.tools.run("t", ARGS, upstream),
        ):
            with pytest.raises(Unavailable):
                await call()
        assert not upstream.calls
        engine.down = False
        await _damage(store, b"j{")
        with pytest.raises(CodecError):
            await other.tools.check("t", ARGS)

    @pytest.mark.parametrize("data", DAMAGED)
    async def test_a_damaged_entry_is_a_miss_and_is_replaced(
        self, store: AsyncStore, upstream: AsyncUpstream, data: bytes
    ) -> None:
        await _damage(store, data)
        assert not (await store.tools.check("t", ARGS)).hit
        counts = (await store.stats()).tools.by_name["t"]
        assert (counts.corrupt, counts.misses) == (1, 1)
        await store.tools.store("t", ARGS, "new")
        assert (await store.tools.check("t", ARGS)).response == "new"
        await _damage(store, data)
        assert (await store.tools.run("t", ARGS, upstream))["call"] == 1
        assert (await store.tools.check("t", ARGS)).response["call"] == 1

    async def test_an_entry_of_another_type_is_a_miss(self, store: AsyncStore) -> None:
        await store.tools.store("t", ARGS, "text")
        assert not (await store.tools.check("t", ARGS, type=int)).hit
        assert (await store.tools.check("t", ARGS, type=str)).hit

    async def test_a_hit_renews_only_where_asked_for(
        self, make_store: MakeStore, store: AsyncStore, clock: AsyncClock
    ) -> None:
        sliding = make_store(caches=CacheOptions(sliding=True))
        await store.tools.store("fixed", ARGS, 1, ttl=clock.span(20))
        await sliding.tools.store("sliding", ARGS, 1, ttl=clock.span(20))
        for _ in range(3):
            await clock.pass_(8)
            await store.tools.check("fixed", ARGS)
            assert (await sliding.tools.check("sliding", ARGS)).hit
        assert not (await store.tools.check("fixed", ARGS)).hit


async def _damage(store: AsyncStore, data: bytes) -> None:
    key = store.tools.key(ARGS)
    ref = entry_ref(store.namespace, "tool", "t", key)
    await (await store.ready()).run(Batch(ref, (Set(MAP, {key: data}, Sliding(60)),)))
