"""What caches of other stores for agents got wrong, and this one does not; each test names what it forbids.

What concerns every engine stands in the conformance suite as well.
"""

from __future__ import annotations

import asyncio
import math
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from threadkeep import AsyncStore, CacheOptions, Store, UsageError
from threadkeep.caching import TextBlock, ToolCallBlock
from threadkeep.layers.cache_entries import MAP
from threadkeep.layers.cache_names import POLICIES, entry_ref
from threadkeep.layers.cache_policies import MAP as POLICY_MAP
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing.trips import Trips

ARGS = {"n": 1}
REQUEST: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def damage(store: Store, ref: Ref, map_: str, field: str, data: bytes) -> None:
    """Write what no cache writes."""
    store.ready().run(Batch(ref, (Set(map_, {field: data}),)))


# Wrong hits


@pytest.mark.parametrize(
    "more",
    [
        {"temperature": 0.5},
        {"tools": [{"name": "search"}]},
        {"stop": ["\n"]},
        {"max_completion_tokens": 5},
        {"n": 2},
        {"logprobs": True},
        {"frequency_penalty": 0.1},
        {"reasoning_effort": "low"},
        {"parallel_tool_calls": False},
        {"thinking": {"budget_tokens": 1024}},
        {"top_k": 5},
        {"handoffs": ["billing"]},
        {"output_schema": {"type": "object"}},
        {"previous_response_id": "resp_1"},
        {"prompt_cache_key": "a"},
    ],
    ids=lambda more: next(iter(more)),
)
def test_no_parameter_is_left_out_of_the_key(more: dict[str, Any]):
    with Store("memory://") as store:
        store.llm.store(REQUEST, "without")
        assert not store.llm.check({**REQUEST, **more}).hit


def test_an_answer_with_tool_calls_does_not_come_back_empty():
    answer = [TextBlock("a moment"), ToolCallBlock("call_1", "search", {"q": "Sofia"})]
    raw = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "name": "search"}]}
    with Store("memory://") as store:
        store.llm.store(REQUEST, answer)
        assert store.llm.check(REQUEST).blocks == tuple(answer)
        store.llm.store(REQUEST, raw)
        assert store.llm.check(REQUEST).response == raw


def test_short_prompts_do_not_collide():
    with Store("memory://") as store:
        keys = {store.llm.key({**REQUEST, "messages": [f"{n}"]}) for n in range(20_000)}
    assert len(keys) == 20_000


@pytest.mark.parametrize("wrong", [math.nan, math.inf, {1: "a"}, {"a", object()}])
def test_what_has_no_json_form_is_no_key(wrong: Any):
    with Store("memory://") as store, pytest.raises(UsageError, match="args"):
        store.tools.check("t", {"a": wrong})


def test_no_two_kinds_of_value_are_one():
    values: list[Any] = [None, {}, [], "", 0, False, b"", "null"]
    values += [datetime(2026, 6, 1, tzinfo=UTC), "2026-06-01T00:00:00+00:00", "\ud83d", "\ufffd"]
    with Store("memory://") as store:
        keys = {store.tools.key({"a": value}) for value in values}
    assert len(keys) == len(values)


def test_whole_floats_and_the_order_of_keys_do_not_miss():
    with Store("memory://") as store:
        store.tools.store("t", {"b": 1.0, "a": {"y": 1e-7, "10": 1, "9": 2}}, "found")
        assert store.tools.check("t", {"a": {"9": 2, "10": 1, "y": 0.0000001}, "b": 1}).hit


# Names


def test_removing_one_name_removes_no_other():
    with Store("memory://") as store:
        for tool in ("t1", "t10", "t1:x", "t1*", "t"):
            store.tools.store(tool, ARGS, tool)
        assert store.tools.invalidate_tool("t1") == 1
        assert [t for t in ("t1", "t10", "t1:x", "t1*", "t") if store.tools.check(t, ARGS).hit] == [
            "t10",
            "t1:x",
            "t1*",
            "t",
        ]


def test_one_namespace_does_not_clear_another():
    with Store("memory://", namespace="ac") as store:
        engine = store.ready()
        with Store(engine=engine, namespace="ac:prod") as prod:
            prod.llm.store(REQUEST, "kept")
            store.llm.store(REQUEST, "gone")
            assert store.llm.clear() == 1
            assert prod.llm.check(REQUEST).hit


def test_no_name_breaks_the_statistics():
    with Store("memory://") as store:
        for name in ("__proto__", "constructor", "hits", "llm:hits", "search:flights"):
            store.tools.check(name, ARGS)
        assert all(counts.misses == 1 for counts in store.stats().tools.by_name.values())
        assert len(store.stats().tools.by_name) == 5


# Values


@pytest.mark.parametrize(
    "data", [b"5", b"j5", b'j"text"', b"j[1]", b"jnull", b"j{", b"\xff\xfe", b""]
)
def test_no_stored_bytes_raise_for_good(data: bytes, caplog: pytest.LogCaptureFixture):
    with Store("memory://") as store:
        key = store.tools.key(ARGS)
        damage(store, entry_ref("default", "tool", "t", key), MAP, key, data)
        assert not store.tools.check("t", ARGS).hit
        assert key in caplog.text
        assert store.tools.run("t", ARGS, lambda: "new") == "new"
        assert store.tools.check("t", ARGS).response == "new"
        counts = store.stats().tools.by_name["t"]
        assert (counts.hits, counts.misses, counts.corrupt) == (1, 2, 2)  # never a hit and a miss


def test_a_value_that_is_refused_is_not_half_stored():
    with Store("memory://") as store:
        for wrong in (object(), math.nan):
            with pytest.raises(UsageError):
                store.tools.store("t", ARGS, wrong)
        assert not store.tools.check("t", ARGS).hit
        assert store.tools.store("t", ARGS, b"\xff") is not None
        assert store.tools.check("t", ARGS).response == b"\xff"


def test_a_miss_is_no_none_that_is_served():
    calls: list[int] = []
    with Store("memory://") as store:
        answers = [store.llm.run(REQUEST, lambda: calls.append(1) or "hi") for _ in range(2)]
    assert (answers, calls) == (["hi", "hi"], [1])


# Lifetimes and policies


@pytest.mark.parametrize("ttl", [0, -1, "abc", math.nan, math.inf, True])
def test_no_ttl_that_cannot_be_gets_into_the_store(ttl: Any):
    with Store("memory://") as store:
        for call in (
            lambda: store.tools.set_policy("t", ttl=ttl),
            lambda: store.tools.store("t", ARGS, 1, ttl=ttl),
            lambda: store.llm.store(REQUEST, 1, ttl=ttl),
        ):
            with pytest.raises(UsageError):
                call()
        assert store.tools.policies() == {}


@pytest.mark.parametrize(
    "data", [b"5", b"j5", b'j{"tool":"bad","ttl":"abc"}', b'j{"ttl":5}', b"\xff"]
)
def test_a_malformed_policy_stops_nothing(data: bytes):
    with Store("memory://") as store:
        damage(store, Ref("default", "tool", POLICIES), POLICY_MAP, "bad", data)
        store.tools.set_policy("good", ttl=60)
        for _ in range(2):
            store.tools.refresh()
            assert list(store.tools.policies()) == ["good"]
        assert store.tools.store("bad", ARGS, 1) is not None
        assert len(store.tools.effectiveness()) == 0


async def policies_of_another_process(first: AsyncStore, second: AsyncStore) -> None:
    await first.tools.set_policy("t", ttl=5)
    await second.tools.store("t", ARGS, 1)  # its first call: nothing was refreshed before
    assert (await second.tools.check("t", ARGS)).ttl == pytest.approx(5, abs=1)


def test_the_first_call_knows_the_policies_of_others():
    async def run() -> None:
        async with (
            AsyncStore("memory://") as first,
            AsyncStore(engine=await first.ready()) as second,
        ):
            await policies_of_another_process(first, second)

    asyncio.run(run())


def test_policies_of_others_hold_after_thirty_seconds():
    moment = [0.0]
    with Store("memory://") as first, Store(engine=first.ready()) as second:
        second._caches.policies.clock = lambda: moment[0]
        assert second.tools.policies() == {}
        first.tools.set_policy("t", ttl=5)
        moment[0] = 29.9
        assert second.tools.policies() == {}
        moment[0] = 30
        assert list(second.tools.policies()) == ["t"]


def test_a_policy_that_was_just_set_is_not_taken_back_by_a_read_under_way():
    async def run() -> None:
        async with AsyncStore("memory://") as store:
            await store.tools.set_policy("t", ttl=5)
            for ttl in range(10, 40):
                reading = [asyncio.create_task(store.tools.refresh()) for _ in range(3)]
                await store.tools.set_policy("t", ttl=ttl)
                await asyncio.gather(*reading)
                policy = await store.tools.get_policy("t")
                assert policy is not None
                assert policy.lease.seconds == ttl

    asyncio.run(run())


def test_a_store_made_outside_of_a_loop_learns_of_policies_all_the_same():
    first, second = AsyncStore("memory://"), None

    async def run() -> None:
        nonlocal second
        assert second is not None
        await policies_of_another_process(first, second)
        await second.tools.refresh()
        await second.aclose()
        await first.aclose()

    async def connected() -> AsyncStore:
        return AsyncStore(engine=await first.ready())

    with asyncio.Runner() as runner:
        second = runner.run(connected())
        runner.run(run())


# Stampedes


def test_fifty_misses_are_not_fifty_calls():
    calls: list[int] = []

    async def run() -> None:
        async def model() -> str:
            calls.append(1)
            await asyncio.sleep(0.02)
            return "hi"

        async with AsyncStore("memory://") as store:
            found = [store.llm.run(REQUEST, model) for _ in range(50)]
            assert await asyncio.gather(*found) == ["hi"] * 50

    asyncio.run(run())
    assert calls == [1]


def test_fifty_misses_of_threads_are_not_fifty_calls():
    calls: list[int] = []
    gate = threading.Event()

    def model() -> str:
        calls.append(1)
        gate.wait(30)
        return "hi"

    with Store("memory://") as store:
        found: list[str] = []
        threads = [
            threading.Thread(target=lambda: found.append(store.llm.run(REQUEST, model)))
            for _ in range(50)
        ]
        for thread in threads:
            thread.start()
        gate.set()
        for thread in threads:
            thread.join(30)
    assert found == ["hi"] * 50
    assert calls == [1]


def test_a_removal_under_live_writers_leaves_nothing_that_was_fetched_before_it():
    async def run() -> None:
        async with AsyncStore("memory://") as store:
            gate, all_begun, begun = asyncio.Event(), asyncio.Event(), set[int]()

            async def tool(n: int) -> int:
                begun.add(n)
                if len(begun) == 200:
                    all_begun.set()
                await gate.wait()
                return n

            running = [
                asyncio.create_task(store.tools.run("t", {"n": n}, tool)) for n in range(200)
            ]
            await asyncio.wait_for(all_begun.wait(), 30)
            await store.tools.invalidate_tool("t")
            gate.set()
            assert await asyncio.gather(*running) == list(range(200))
            assert not [n for n in range(200) if (await store.tools.check("t", {"n": n})).hit]

    asyncio.run(run())


# Costs of a call


def test_what_others_keep_costs_no_trips_and_a_lookup_no_second_one():
    with Store("memory://") as store:
        for number in range(300):
            store.tools.store(f"other-{number}", ARGS, number)
            store.llm.store({"model": f"other-{number}"}, number)
        trips = Trips(store.ready())
        options = CacheOptions(flush_seconds=3_600)
        with Store(engine=trips, caches=options) as counted:
            counted.tools.store("t", ARGS, 1, ttl=60)
            counted.llm.store(REQUEST, 1)
            assert trips.taken() == {"run": 2}
            for _ in range(10):
                counted.tools.check("t", ARGS)
                counted.llm.check(REQUEST)
            assert trips.taken() == {"run": 20}
            assert counted.tools.invalidate_tool("t") == 1
            assert counted.llm.invalidate_model("m") == 1
            assert trips.taken() == {"run": 2, "scan": 2}


def test_statistics_are_not_kept_for_good():
    with Store("memory://") as store:
        store.tools.check("t", ARGS)
        assert store.stats().tools.total.misses == 1
        store.reset_stats()
        assert store.stats().tools.by_name == {}
