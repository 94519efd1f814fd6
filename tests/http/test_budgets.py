"""Requests and bytes per caller: buckets in the store, shared by all workers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.hosting import Hosted
from tests.http.raw import Client
from threadkeep import AsyncStore
from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep._async.listing import walk
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops import wire
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Listed, Query
from threadkeep.ops.ops import Info
from threadkeep.ops.reply import Reply
from threadkeep.server.access.bucket import SECOND, Bucket
from threadkeep.server.access.budgets import Budgets
from threadkeep.server.access.callers import Caller
from threadkeep.server.access.keys import SPACE, new_key
from threadkeep.server.bodies import Refused
from threadkeep.server.settings import ServerLimits

VALUES = "/v1/sessions/s/values"
ALICE, BOB = (Caller(name, ("acme",), "write", id=f"key {name}") for name in ("alice", "bob"))


class Time:
    """A clock for the store and for the workers."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Counting(AsyncMemoryEngine):
    trips = 0

    async def run(self, batch: Batch) -> Reply:
        self.trips += 1
        await asyncio.sleep(0)  # others come between
        return await super().run(batch)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def engine(clock: Time) -> Counting:
    return Counting(lambda: int(clock() * SECOND), Limits())


def workers(engine: Counting, clock: Time, number: int, **limits: Any) -> list[Budgets]:
    store = AsyncStore(engine=engine)
    return [Budgets(store, ServerLimits(**limits), clock) for _ in range(number)]


async def admitted(budgets: list[Budgets], caller: Caller, asked: int) -> int:
    """Ask all workers at once, in turns; return how many requests were let in."""

    async def one(number: int) -> bool:
        try:
            await budgets[number % len(budgets)].request(caller)
        except Refused as error:
            told.append((error.status, int(error.headers["Retry-After"]) >= 1))
            return False
        return True

    told: list[tuple[int, bool]] = []
    found = sum(await asyncio.gather(*(one(number) for number in range(asked))))
    assert set(told) <= {(429, True)}
    return found


@pytest.mark.anyio
class TestShared:
    @pytest.mark.parametrize("number", [1, 4])
    async def test_workers_share_one_budget(self, engine: Counting, clock: Time, number: int):
        several = workers(engine, clock, number, requests=10)
        assert await admitted(several, ALICE, 50) == 10
        assert await admitted(several, BOB, 50) == 10  # each caller has its own
        clock.now += 0.5
        found = await admitted(several, ALICE, 50)
        clock.now += 0.6
        assert found + await admitted(several, ALICE, 50) in {10, 11}

    async def test_a_burst_and_then_the_rate(self, engine: Counting, clock: Time):
        several = workers(engine, clock, 2, requests=10, burst_seconds=3.0)
        assert await admitted(several, ALICE, 100) == 30
        found = 0
        for _ in range(100):
            clock.now += 0.1
            found += await admitted(several, ALICE, 5)
        assert 95 <= found <= 101

    async def test_bytes_that_were_too_many_delay_the_next_request(
        self, engine: Counting, clock: Time
    ):
        one, other = workers(engine, clock, 2, bytes=1_000)
        await one.request(ALICE)
        one.bytes(ALICE, 6_000)
        assert await admitted([one], ALICE, 1) == 0
        assert await admitted([other], ALICE, 1) == 0  # the debt stands in the store
        clock.now += 4.9
        assert await admitted([one, other], ALICE, 2) == 0
        clock.now += 1.2
        assert await admitted([one], ALICE, 1) == 1

    async def test_it_costs_few_trips(self, engine: Counting, clock: Time):
        (one,) = workers(engine, clock, 1, requests=1_000)
        await engine.setup()
        before = engine.trips
        assert await admitted([one], ALICE, 100) == 100
        assert engine.trips - before == 2
        await admitted([one], ALICE, 5_000)
        before = engine.trips
        assert await admitted([one], ALICE, 1_000) == 0  # refused without asking the store
        assert engine.trips == before

    async def test_nothing_is_asked_without_limits(self, engine: Counting, clock: Time):
        (one,) = workers(engine, clock, 1)
        assert await admitted([one], ALICE, 100) == 100
        assert engine.trips == 0

    async def test_a_bucket_is_forgotten_when_it_is_full_again(self, engine: Counting, clock: Time):
        (one,) = workers(engine, clock, 1, requests=10)
        await admitted([one], ALICE, 5)
        store = AsyncStore(engine=engine).within(SPACE)
        (ref,) = [listed.ref async for listed in _users(store)]
        clock.now += 3_600
        await store.sweep()
        assert await store.user(ref.id).state.size() == 0


async def _users(store: AsyncStore) -> AsyncIterator[Listed]:
    async for listed in walk(store, Query(namespace=SPACE, kind="user")):
        yield listed


@given(
    rate=st.integers(1, 10**9),
    seconds=st.floats(0.01, 60),
    steps=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5)), min_size=1, max_size=50),
)
def test_a_bucket_never_gives_more_than_it_may(
    rate: int, seconds: float, steps: list[tuple[float, float]]
):
    bucket = Bucket(rate, seconds)
    now, moment, given_ = 1_800_000_000 * SECOND, None, 0.0
    began = now
    for pause, factor in steps:
        now += int(pause * SECOND)
        taken = bucket.take(moment, now, debt=0.0, least=1.0, most=max(1.0, factor * bucket.size))
        given_ += taken.given
        assert taken.given == 0 or taken.given >= 1.0 - 1e-6
        assert (taken.wait > 0) == (taken.given == 0)
        moment = taken.empty_at
    allowed = bucket.size + (now - began) / SECOND * rate
    assert given_ <= allowed * (1 + 1e-6) + rate / SECOND * len(steps)


def test_a_caller_over_its_budget_gets_429(served: Callable[..., Client], hosted: Hosted):
    call = served(limits=ServerLimits(requests=5))
    state = call.store.within(SPACE).app().state
    made = [new_key(name, namespaces=("acme",), right="write") for name in ("a", "b")]
    hosted.run(lambda: state.update({id_: msgspec.to_builtins(key) for id_, _, key in made}))
    first, second = (call.of(x_api_key=token) for _, token, _ in made)
    found = next(a for a in (first("GET", VALUES) for _ in count()) if a.status != 200)
    assert found.status == 429
    assert found.json["code"] == "Refused"
    assert "5 requests a second" in found.error
    assert int(found.headers["retry-after"]) >= 1
    assert second("GET", VALUES).status == 200
    assert call("GET", "/health").status == 200  # is nobody's
    end = time.monotonic() + 20
    while first("GET", VALUES).status != 200:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_several_batches_of_one_request_are_several(served: Callable[..., Client]):
    call = served(limits=ServerLimits(requests=5))
    batch = wire.encode_batch(Batch(Ref("default", "thread", "t"), (Info(),)))
    assert call("POST", "/v1/batch", batch * 60).status == 200
    found = call("GET", VALUES)
    assert (found.status, int(found.headers["retry-after"]) in range(9, 13)) == (429, True)


def test_bytes_over_the_wire(served: Callable[..., Client]):
    call = served(limits=ServerLimits(bytes=1_000))
    body = {"key": "k", "value": "x" * 60_000}
    assert call("POST", VALUES, body).status == 204  # its size was not known
    found = call("GET", VALUES)
    assert (found.status, "1000 bytes a second" in found.error) == (429, True)
    assert int(found.headers["retry-after"]) in range(50, 61)
